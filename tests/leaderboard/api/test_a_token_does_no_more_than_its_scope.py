"""Scope, competition, last use: what a token may do, and what a refusal asks for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from leaderboard.models import ApiToken, Competition, Entry, Submission, Team, User
from leaderboard.services import partial_uploads, teams, tokens
from tests.leaderboard.api.conftest import API, Run, client_of
from tests.leaderboard.web.conftest import text

pytestmark = pytest.mark.django_db
NEEDED = {"read": 0, "submit": 1, "manage": 2}


def profile_of(user: User, **sent: str) -> str:
    """The page as its person sees it, after a form is sent."""
    browser = Client()
    browser.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return text(browser.post("/profile/", sent) if sent else browser.get("/profile/"))


def holding(user: User, scope: str, **limits: Any) -> APIClient:
    client = APIClient(raise_request_exception=False)
    _, secret = tokens.issue(user=user, name=scope, scope=scope, **limits)
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


def test_each_call_takes_its_scope_and_those_above(
    team: Team, owner: User, scored: Callable[..., Submission]
) -> None:
    one = scored(team)
    calls = [
        ("get", "me", "read"),
        ("get", "tokens", "read"),
        ("get", f"submissions/{one.pk}", "read"),
        ("get", f"submissions/{one.pk}/file", "read"),
        ("get", f"teams/{team.pk}", "read"),
        ("post", "competitions/waste/submissions", "submit"),
        ("get", "competitions/waste/uploads", "read"),
        ("post", "competitions/waste/uploads", "submit"),
        ("patch", "uploads/unknown", "submit"),
        ("delete", "uploads/unknown", "submit"),
        ("post", "uploads/unknown/submission", "submit"),
        ("patch", f"submissions/{one.pk}", "submit"),
        ("post", f"submissions/{one.pk}/withdraw", "manage"),
        ("post", "competitions/waste/teams", "manage"),
        ("patch", f"teams/{team.pk}", "manage"),
        ("post", f"teams/{team.pk}/invitations", "manage"),
        ("post", f"teams/{team.pk}/webhooks", "manage"),
        ("put", f"teams/{team.pk}/selections", "manage"),
        ("post", "notices/read", "manage"),
        ("delete", "tokens/00000000", "manage"),
    ]
    schema = APIClient().get(f"{API}/schema?format=json").json()["paths"]
    held = {scope: holding(owner, scope) for scope in NEEDED}
    for method, path, needed in calls:
        for scope, client in held.items():
            answer = getattr(client, method)(f"{API}/{path}")
            code = answer.json().get("code") if answer.status_code == 403 else None
            assert (code == "token_scope") == (NEEDED[scope] < NEEDED[needed]), (path, scope)
    refused = held["read"].post(f"{API}/submissions/{one.pk}/withdraw").json()
    assert "has the scope “read”. This call needs “manage”" in refused["detail"]
    assert schema[f"{API}/submissions/{{id}}/withdraw"]["post"]["x-token-scope"] == "manage"
    assert schema[f"{API}/competitions/{{slug}}/submissions"]["post"]["x-token-scope"] == "submit"
    assert "x-token-scope" not in schema[f"{API}/competitions"]["get"]
    assert "scope submit" in text(Client().get("/api/docs"))


def test_a_token_for_one_competition_sees_and_changes_nothing_of_another(
    team: Team, owner: User, competition: Competition, scored: Callable[..., Submission]
) -> None:
    here = scored(team)
    elsewhere = Competition.objects.get(pk=competition.pk)
    elsewhere.pk, elsewhere.slug = None, "birds"
    elsewhere.save()
    other = teams.create(competition=elsewhere, name="Birders", by=owner)
    away = scored(other, 1)
    parts = partial_uploads.begin(
        competition=elsewhere, by=owner, size_bytes=9, file_name="m", purpose="trial"
    )
    client = holding(owner, "manage", competition=competition)

    def ids(path: str) -> list[int]:
        return [one["id"] for one in client.get(f"{API}/{path}").json()["results"]]

    assert (ids("teams"), ids("submissions")) == ([team.pk], [here.pk])
    assert client.patch(f"{API}/submissions/{here.pk}", {"note": "x"}).status_code == 200
    sent = {"note": "x", "url": "https://x.example", "events": ["scored"], "code": "x"}
    for method, path in (
        ("get", f"teams/{other.pk}"),
        ("get", f"submissions/{away.pk}"),
        ("patch", f"submissions/{away.pk}"),
        ("get", f"teams/{other.pk}/invitations"),
        ("post", f"teams/{other.pk}/webhooks"),
        ("post", "competitions/birds/submissions"),
        ("post", "competitions/birds/uploads"),
        ("get", f"submissions/{away.pk}/measurement"),
        ("get", f"teams/{other.pk}/verification"),
        ("get", f"uploads/{parts.key}"),
        ("post", f"uploads/{parts.key}/submission"),
        ("post", "competitions/birds/teams"),
        ("post", "teams/join"),
        ("post", "notices/read"),
        ("get", "tokens"),
        ("delete", "tokens/00000000"),
    ):
        answer = getattr(client, method)(f"{API}/{path}", {} if method == "get" else sent)
        assert (answer.status_code, answer.json()["code"]) == (403, "token_competition"), path
    assert [one["id"] for one in client.get(f"{API}/me").json()["teams"]] == [team.pk]
    Entry.objects.filter(team=other).delete()  # as before its first score
    unseen = f"{API}/competitions/birds/teams/{other.pk}"
    assert (client.get(unseen).status_code, client_of(owner).get(unseen).status_code) == (404, 200)
    there = client.get(f"{API}/competitions/birds").json()  # open to everybody
    assert (there["my_team"], there["my_quota"]) == (None, None)
    assert client.get(f"{API}/competitions/waste").json()["my_team"]["id"] == team.pk


def test_any_token_may_end_itself(owner: User, competition: Competition) -> None:
    client = holding(owner, "read", competition=competition)
    mine = ApiToken.objects.get()
    assert client.delete(f"{API}/tokens/{mine.token_key}").status_code == 204
    assert client.get(f"{API}/me").json()["code"] == "unknown_token"


def test_its_last_use_is_noted_once_a_minute(owner: User) -> None:
    client = holding(owner, "read")
    assert "not used yet" in profile_of(owner)
    client.get(f"{API}/notices")
    first = ApiToken.objects.get().used_at
    assert first is not None
    client.get(f"{API}/notices")
    assert ApiToken.objects.get().used_at == first
    earlier = timezone.now() - timedelta(minutes=2)
    ApiToken.objects.update(used_at=earlier)
    listed = client.get(f"{API}/tokens").json()["results"][0]
    assert (listed["scope"], listed["competition"], listed["is_current"]) == ("read", None, True)
    assert ApiToken.objects.get().used_at > earlier


def test_the_profile_makes_one_for_a_competition_of_mine(
    team: Team, owner: User, outsider: User
) -> None:
    fields = {"name": "CI", "scope": "submit", "competition": "waste", "days": "30"}
    page = profile_of(owner, **fields)
    assert "read and submit" in page
    assert "only Waste sorting" in page
    made = ApiToken.objects.get()
    assert (made.scope, made.competition) == ("submit", team.competition)
    profile_of(outsider, **fields)  # in no team there
    profile_of(owner, **fields | {"scope": "everything"})
    assert ApiToken.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_command_says_what_is_needed(team: Team, owner: User, run: Run) -> None:
    _, secret = tokens.issue(user=owner, name="CI", scope="read")
    told = run("team", "invite", "-c", "waste", FEATHERWEIGHT_TOKEN=secret)
    assert told.returncode == 3
    assert "needs “manage”" in told.stderr
    assert "token_scope" in told.stderr
