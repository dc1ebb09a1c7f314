"""Whatever goes wrong below /api/ is answered by JSON with a stable `code` and a `detail`."""

from __future__ import annotations

import pytest
from rest_framework.renderers import JSONRenderer
from rest_framework.test import APIClient

from leaderboard.models import Competition, Team, User
from leaderboard.services import baselines
from leaderboard.throttling import WriteThrottle
from tests.leaderboard.api.conftest import API

pytestmark = pytest.mark.django_db

REQUESTS = [
    ("get", "/api/", {}, 404, "not_found"),
    ("get", f"{API}/nothing", {}, 404, "not_found"),
    ("post", f"{API}/nothing", {}, 404, "not_found"),
    ("get", f"{API}/competitions/", {}, 404, "not_found"),
    ("get", f"{API}/competitions/unknown", {}, 404, "unknown_competition"),
    ("get", f"{API}/competitions/%00", {}, 404, "not_found"),
    ("get", f"{API}/competitions?format=xml", {}, 404, "not_found"),
    ("get", f"{API}/submissions/99999999999999999999", {}, 404, "not_found"),
    ("get", f"{API}/competitions/waste/boards/secret", {}, 404, "unknown_board"),
    ("get", f"{API}/competitions/waste/boards/private", {}, 404, "board_not_published"),
    ("get", f"{API}/competitions/waste/boards/private.csv", {}, 404, "board_not_published"),
    ("get", f"{API}/competitions/waste/boards/public.xml", {}, 404, "not_found"),
    ("options", f"{API}/competitions/waste/boards/public.csv", {}, 405, "method_not_allowed"),
    ("delete", f"{API}/competitions", {}, 405, "method_not_allowed"),
    ("get", f"{API}/me", {"headers": {"Accept": "text/csv"}}, 406, "not_acceptable"),
    (
        "post",
        f"{API}/competitions/waste/teams",
        {"data": "<a/>", "content_type": "text/xml"},
        415,
        "unsupported_media_type",
    ),
    (
        "post",
        f"{API}/competitions/waste/submissions",
        {"data": "{}", "content_type": "application/json"},
        415,
        "unsupported_media_type",
    ),
    (
        "post",
        f"{API}/competitions/waste/teams",
        {"data": "{", "content_type": "application/json"},
        400,
        "malformed_request",
    ),
    (
        "post",
        f"{API}/competitions/waste/submissions",
        {"data": b"no boundary", "content_type": "multipart/form-data"},
        400,
        "malformed_request",
    ),
    ("post", f"{API}/competitions/waste/teams", {"data": {"name": ""}}, 400, "invalid"),
    ("post", f"{API}/competitions/waste/teams", {"data": {"name": "a\0b"}}, 400, "invalid"),
    ("post", f"{API}/teams/join", {"data": {"code": "x"}}, 404, "invitation_unusable"),
    ("delete", f"{API}/tokens/fw_unknown", {}, 404, "unknown_token"),
]


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "code"), REQUESTS, ids=lambda one: str(one)[:60]
)
def test_a_request_that_cannot_be_served(
    team: Team,
    client: APIClient,
    method: str,
    path: str,
    more: dict[str, object],
    status: int,
    code: str,
) -> None:
    answer = getattr(client, method)(path, **more)
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert isinstance(body["detail"], str)
    assert body.keys() <= {"code", "detail", "fields"}
    assert ("fields" in body) == (code == "invalid")


def test_an_unknown_address_is_told_without_a_token_too(anonymous: APIClient) -> None:
    assert anonymous.delete(f"{API}/nothing").json()["code"] == "not_found"


def test_a_bug_shows_no_trace(
    competition: Competition,
    anonymous: APIClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("secret inner workings")

    monkeypatch.setattr(baselines, "on", broken)
    answer = anonymous.get(f"{API}/competitions/waste/boards/public")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert b"secret" not in answer.content
    assert "secret inner workings" in caplog.text


def test_a_bug_outside_of_views_is_json_too(
    competition: Competition, anonymous: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: object) -> None:
        raise RuntimeError("secret inner workings")

    monkeypatch.setattr(JSONRenderer, "render", broken)
    answer = anonymous.get(f"{API}/competitions")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")


def test_a_host_that_is_not_ours_is_refused(db: None, anonymous: APIClient) -> None:
    answer = anonymous.get(f"{API}/competitions", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


def test_too_many_changes_are_slowed_down(
    team: Team, client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WriteThrottle, "rate", "2/min")
    answers = [client.post(f"{API}/teams/join", {"code": "x"}) for _ in range(3)]
    assert [one.status_code for one in answers] == [404, 404, 429]
    assert answers[2].json()["code"] == "throttled"
    assert 0 < int(answers[2]["Retry-After"]) <= 60
    assert client.get(f"{API}/me").status_code == 200


def test_an_unknown_submission_is_named_as_one(owner: User) -> None:
    browser = APIClient()
    browser.force_authenticate(owner)
    answer = browser.get(f"{API}/submissions/999")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "There is no such submission" in answer.json()["detail"]


def test_a_browser_session_needs_its_csrf_token(team: Team, owner: User) -> None:
    browser = APIClient(enforce_csrf_checks=True)
    browser.login(username="owner", password="a-long-passphrase")
    assert browser.get(f"{API}/me").json()["username"] == "owner"
    answer = browser.post(f"{API}/teams/join", {"code": "x"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert "Load the page again" in answer.json()["detail"]
