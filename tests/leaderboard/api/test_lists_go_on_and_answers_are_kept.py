"""A list goes on where its last page ended. An answer is sent again only if it changed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest
from django.test import Client
from rest_framework.test import APIClient

from leaderboard.models import Competition, Notice, Submission, Team, User
from tests.leaderboard.api.conftest import API

pytestmark = pytest.mark.django_db
NOTICES = f"{API}/notices"


def tell(user: User, competition: Competition) -> int:
    made = Notice.objects.create(user=user, kind="published", competition=competition, path="/")
    return made.pk


def test_a_list_goes_on_whatever_came_meanwhile(
    client: APIClient, owner: User, competition: Competition
) -> None:
    oldest, *_, newest = [tell(owner, competition) for _ in range(3)]
    first = client.get(NOTICES, {"limit": 2}).json()
    assert first.keys() == {"count", "next", "previous", "results"}
    assert (first["count"], first["results"][0]["id"]) == (3, newest)
    tell(owner, competition)
    second = client.get(first["next"]).json()
    assert [one["id"] for one in second["results"]] == [oldest]
    assert second["next"] is None
    assert client.get(second["previous"]).json()["results"] == first["results"]


def test_an_older_client_asks_by_offset(
    client: APIClient, owner: User, competition: Competition
) -> None:
    made = [tell(owner, competition) for _ in range(3)]
    page = client.get(NOTICES, {"limit": 1, "offset": 1}).json()
    assert (page["count"], [one["id"] for one in page["results"]]) == (3, [made[1]])
    assert "offset=2" in page["next"]


def test_a_cursor_that_nobody_gave_out_is_refused(client: APIClient) -> None:
    for position in ("p=abc", "p=\0", "o=-5", "p=²", "o=x"):
        cursor = b64encode(position.encode()).decode()
        for path in (NOTICES, f"{API}/submissions"):
            answer = client.get(path, {"cursor": cursor})
            told = (answer.status_code, answer.json().get("code"))
            assert told in {(404, "not_found"), (200, None)}, position
    assert client.get(NOTICES, {"cursor": b64encode(b"p=abc").decode()}).status_code == 404
    far = b64encode(b"p=" + b"9" * 40).decode()
    assert client.get(NOTICES, {"cursor": far}).status_code == 200


def test_an_answer_is_sent_again_only_if_it_changed(
    client: APIClient, owner: User, team: Team, scored: Callable[..., Submission]
) -> None:
    submission = scored(team)
    tell(owner, team.competition)
    one = f"{API}/submissions/{submission.pk}"
    seen = {}
    paths = (f"{API}/competitions/waste", f"{API}/competitions", one, f"{API}/submissions", NOTICES)
    for path in paths:
        answer = client.get(path)
        seen[path] = answer["ETag"]
        assert "private" in answer["Cache-Control"]
        assert "Authorization" in answer["Vary"]
        again = client.get(path, headers={"If-None-Match": answer["ETag"]})
        assert (again.status_code, again.content) == (304, b""), path
        assert again["ETag"] == answer["ETag"]
    client.patch(one, {"note": "half the width"}, format="json")
    changed = client.get(one, headers={"If-None-Match": seen[one]})
    assert (changed.status_code, changed.json()["note"]) == (200, "half the width")
    # Another reader's ETag is of another answer.
    mine = f"{API}/competitions/waste"
    assert Client().get(mine, headers={"If-None-Match": seen[mine]}).status_code == 200
