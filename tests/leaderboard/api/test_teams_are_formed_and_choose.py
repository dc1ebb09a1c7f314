"""Teams, invitations and final selections through the API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from leaderboard.models import Competition, Submission, Team, User
from tests.leaderboard.api.conftest import API, client_of

pytestmark = pytest.mark.django_db


def test_a_team_is_made_joined_and_left(
    competition: Competition, client: APIClient, outsider: User
) -> None:
    made = client.post(f"{API}/competitions/waste/teams", {"name": "Sorters"})
    assert made.status_code == 201
    url = made["Location"]
    assert client.get(url).json() == made.json()
    assert [one["username"] for one in made.json()["members"]] == ["owner"]

    invitation = client.post(f"{url}/invitations")
    assert invitation.status_code == 201
    code = {"code": invitation.json()["code"]}
    newcomer = client_of(outsider)
    joined = newcomer.post(f"{API}/teams/join", code)
    assert [one["username"] for one in joined.json()["members"]] == ["owner", "outsider"]
    assert client.post(f"{API}/teams/join", code).json()["code"] == "invitation_unusable"
    assert newcomer.get(f"{API}/me").json()["teams"][0]["name"] == "Sorters"
    assert newcomer.get(f"{API}/teams").json()["count"] == 1

    assert newcomer.post(f"{url}/leave").status_code == 204
    assert newcomer.get(url).status_code == 404


def test_a_name_is_taken_once(team: Team, outsider: User) -> None:
    answer = client_of(outsider).post(f"{API}/competitions/waste/teams", {"name": "sorters"})
    assert (answer.status_code, answer.json()["code"]) == (409, "name_taken")


def test_one_team_a_person(team: Team, client: APIClient) -> None:
    answer = client.post(f"{API}/competitions/waste/teams", {"name": "Second"})
    assert (answer.status_code, answer.json()["code"]) == (409, "already_in_a_team")


def test_selections_are_named_and_replaced(
    team: Team, client: APIClient, scored: Callable[..., Submission]
) -> None:
    first, second, third = (scored(team, seed).pk for seed in range(3))
    url = f"{API}/teams/{team.pk}/selections"
    assert client.get(url).json() == {"submissions": [], "at_most": 2}
    chosen = client.put(url, {"submissions": [first, second]}, format="json").json()
    assert sorted(chosen["submissions"]) == [first, second]
    client.put(url, {"submissions": [third]}, format="json")
    assert client.get(url).json()["submissions"] == [third]
    too_many = client.put(url, {"submissions": [first, second, third]}, format="json")
    assert too_many.json()["code"] == "too_many_selections"
    strange = client.put(url, {"submissions": [third + 1]}, format="json")
    assert strange.json()["code"] == "not_selectable"


def test_the_competition_says_what_my_team_has_left(
    team: Team, client: APIClient, anonymous: APIClient, submit: Callable[..., Submission]
) -> None:
    submit(team)
    body = client.get(f"{API}/competitions/waste").json()
    assert body["my_team"]["name"] == "Sorters"
    assert (body["my_quota"]["per_day"], body["my_quota"]["left"]) == (5, 4)
    assert body["my_quota"]["resets_at"].endswith("T15:00:00Z")  # midnight in Seoul
    assert body["formula"] == {
        "time_weight": 0.5,
        "k": 20.0,
        "quality_ref": 0.7,
        "metric": "macro_f1",
        "min_quality": 0.0,
        "version": 1,
    }
    assert body["classes"] == ["Metal", "Paper", "Plastic"]
    stranger = anonymous.get(f"{API}/competitions/waste").json()
    assert stranger["my_team"] is stranger["my_quota"] is None


def test_the_sample_is_given_and_no_other_split(
    competition: Competition, anonymous: APIClient
) -> None:
    sample = anonymous.get(f"{API}/competitions/waste").json()["sample"]
    answer = anonymous.get(sample["url"])
    data = answer.getvalue()
    assert (answer["Content-Type"], len(data)) == ("application/zip", sample["size_bytes"])
    assert sample["images"] == 12
    for name in ("public", "private"):
        assert data != competition.dataset.split(name).archive.read()


def test_tokens_are_listed_and_revoked(competition: Competition, client: APIClient) -> None:
    (shown,) = client.get(f"{API}/tokens").json()["results"]
    assert (shown["name"], shown["is_current"]) == ("tests", True)
    assert client.delete(f"{API}/tokens/{shown['token_key']}").status_code == 204
    assert client.get(f"{API}/tokens").json()["code"] == "unknown_token"
