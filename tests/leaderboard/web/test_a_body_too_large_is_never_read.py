"""A body whose announced size is too large is refused at once, at every address, for everybody.

Files are stored only if the address takes an upload and the person may send one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client, RequestFactory

from leaderboard import readable
from leaderboard.api import urls as api_urls
from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import competitions
from leaderboard.throttling import WriteThrottle
from tests import sweep
from tests.leaderboard.web.conftest import text

UPLOAD = "/competitions/waste/submit/"
IMPORT = "/admin/leaderboard/dataset/add/"
LARGE = 2_000_000_000
SECRET = "c" * 32


class Untouched:
    """A body that nobody may read."""

    def read(self, *size: int) -> bytes:
        raise AssertionError("the body was read")

    readline = read


@pytest.fixture
def announce(browser: Callable[..., Client]) -> Callable[..., Any]:
    """Send a form of which only the size is known."""

    def post(person: User | None, url: str, size: object = LARGE, **how: Any) -> Any:
        client = browser(person)
        client.handler.enforce_csrf_checks = True
        client.cookies["csrftoken"] = SECRET
        sent = {
            "PATH_INFO": url,
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "multipart/form-data; boundary=x",
            "CONTENT_LENGTH": str(size),
            "wsgi.input": Untouched(),
        }
        return client.request(**sent | how)

    return post


@pytest.fixture
def spooled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of all files that forms brought to the disk."""
    names: list[str] = []
    new_file = TemporaryFileUploadHandler.new_file

    def seen(self: Any, *what: Any, **more: Any) -> None:
        new_file(self, *what, **more)
        names.append(self.file_name)

    monkeypatch.setattr(TemporaryFileUploadHandler, "new_file", seen)
    return names


def test_an_upload_has_the_limit_of_its_competition(announce: Any, team: Team, owner: User) -> None:
    page = announce(owner, UPLOAD)
    assert page.status_code == 413
    assert "larger than this competition accepts" in text(page)
    assert "the limit is 500 MB" in text(page)
    assert "This is too large" in text(page)
    Competition.objects.update(max_upload_bytes=10_000_000)
    assert announce(owner, UPLOAD, 12_000_000).status_code == 413


def test_with_htmx_it_is_the_sentence_alone(announce: Any, team: Team, owner: User) -> None:
    part = announce(owner, UPLOAD, HTTP_HX_REQUEST="true")
    assert part.status_code == 413
    assert "the limit is 500 MB" in text(part)
    assert "<html" not in text(part)


@pytest.mark.parametrize(
    "url", ["/competitions/waste/team/", "/profile/", "/accounts/login/", "/accounts/signup/"]
)
def test_every_other_form_is_small(announce: Any, competition: Any, rival: User, url: str) -> None:
    for person in (None, rival):
        page = announce(person, url)
        assert page.status_code == 413
        assert "2000.0 MB, which is more than this form accepts" in text(page)


@pytest.mark.parametrize("url", [UPLOAD, IMPORT, "/admin/login/"])
def test_strangers_send_nothing_large(announce: Any, competition: Any, url: str) -> None:
    assert announce(None, url).status_code == 413
    assert announce(None, url, 5_000_000).status_code == 413  # less than a model may have


def test_participants_send_nothing_to_the_panel(announce: Any, owner: User) -> None:
    assert announce(owner, IMPORT, 5_000_000).status_code == 413


def test_organizers_send_files_where_files_are_expected_and_not_without_end(
    announce: Any, competition: Competition, organizer: User, settings: Any
) -> None:
    reference = f"/admin/leaderboard/competition/{competition.pk}/upload_reference/"
    for url in (IMPORT, reference):
        refused = announce(organizer, url, settings.IMPORT_BYTES + 1)
        assert refused.status_code == 413
        assert "manage.py import_dataset" in text(refused)
        with pytest.raises(AssertionError, match="the body was read"):
            announce(organizer, url, settings.IMPORT_BYTES)
    for url in ("/admin/leaderboard/team/add/", f"/admin/leaderboard/user/{organizer.pk}/change/"):
        assert announce(organizer, url).status_code == 413


def test_every_address_has_a_limit_whoever_asks_and_however(
    announce: Any, team: Team, owner: User
) -> None:
    """Also the addresses of the API, also with a wrong token, also unknown addresses."""
    addresses = sorted({str(pattern.pattern) for pattern in api_urls.urlpatterns})
    # Five of them beside two of six methods: over the addresses, each comes with each.
    askers: Iterator[tuple[User | None, dict[str, str]]] = cycle(
        [
            (None, {}),
            (owner, {}),
            (None, {"HTTP_AUTHORIZATION": "Token fw_unknown"}),
            (owner, {"CONTENT_TYPE": "application/json"}),
            (None, {"CONTENT_TYPE": "application/json"}),
        ]
    )
    slots = {"<slug:slug>": "waste", "<slug:board>": "public", "<str:format>": "csv"}
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
    for turn, address in enumerate([*addresses, "v1/nothing/here"]):
        for slot, value in slots.items():
            address = address.replace(slot, value)
        url = "/api/" + re.sub(r"<\w+:\w+>", "1", address)
        for method in methods if sweep.IS_WHOLE else methods[turn % 3 :: 3]:
            for by, how in islice(askers, 5 if sweep.IS_WHOLE else 1):
                answer = announce(by, url, REQUEST_METHOD=method, **how)
                assert (answer.status_code, answer.json()["code"]) == (413, "too_large"), url


def test_a_session_without_its_token_spools_nothing(
    announce: Any, team: Team, owner: User, outsider: User
) -> None:
    """Neither a member nor anybody else: the token is looked for in the header alone."""
    url = "/api/v2/competitions/waste/submissions"
    for by in (owner, outsider):
        answer = announce(by, url, 5_000_000)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    refused = announce(outsider, url, 5_000_000, HTTP_X_CSRFTOKEN=SECRET)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_a_member")
    # The body of a member is read, and reading this body fails like a fault of ours.
    assert announce(owner, url, 5_000_000, HTTP_X_CSRFTOKEN=SECRET).status_code == 500


def test_files_are_passed_over_where_none_is_expected(
    browser: Any, spooled: list[str], competition: Competition, team: Team, owner: User
) -> None:
    for person, url, status in (
        (None, "/accounts/login/", 200),
        (None, UPLOAD, 302),
        (owner, "/profile/", 302),
        (owner, "/competitions/waste/team/", 302),
        (owner, "/api/v2/teams/join", 404),
        (owner, IMPORT, 302),
    ):
        fields = {"name": "x", "code": "x", "file": SimpleUploadedFile("model.pt", b"x" * 100_000)}
        assert browser(person).post(url, fields).status_code == status, url
    assert spooled == []
    browser(owner).post(UPLOAD, {"file": SimpleUploadedFile("model.pt", b"no model")})
    assert spooled == ["model.pt"]


def test_who_is_in_no_team_or_too_late_is_told_before(
    announce: Any, team: Team, owner: User, outsider: User, organizer: User
) -> None:
    assert announce(outsider, UPLOAD, 5_000_000).status_code == 302
    competitions.close(competition=team.competition, by=organizer)
    part = announce(owner, UPLOAD, 1000, HTTP_HX_REQUEST="true")
    assert part.status_code == 409
    assert "has ended" in text(part)


@pytest.mark.parametrize("url", [UPLOAD, "/profile/", "/api/v2/competitions/waste/submissions"])
def test_a_size_that_is_not_announced_is_asked_for(
    announce: Any, team: Team, owner: User, url: str
) -> None:
    answer = announce(owner, url, "", HTTP_TRANSFER_ENCODING="chunked")
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")
    assert "Content-Length" in answer.json()["detail"]


@pytest.mark.parametrize("url", [UPLOAD, "/api/v2/competitions/waste/submissions"])
def test_a_proxy_may_ask_before_it_takes_a_body(
    announce: Any,
    team: Team,
    owner: User,
    outsider: User,
    organizer: User,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ask(person: User | None, size: object) -> int:
        headers = {"HTTP_X_UNSENT_BODY": str(size), "HTTP_X_CSRFTOKEN": SECRET}
        return int(announce(person, url, "", **headers).status_code)

    monkeypatch.setattr(WriteThrottle, "rate", "1/min")
    assert [ask(owner, 5_000_000) for _ in range(3)] == [204] * 3
    assert ask(owner, 600_000_000) == 413
    assert ask(owner, "unknown") == 411
    assert ask(owner, "9" * 5000) == 413
    assert ask(outsider, 5_000_000) in (302, 403)
    assert ask(None, 5_000_000) in (401, 413)
    competitions.close(competition=team.competition, by=organizer)
    assert ask(owner, 5_000_000) in (302, 409)


@pytest.mark.parametrize(
    ("asked", "said", "answered"),
    [
        ({}, "413 Content Too Large", "403 Forbidden"),
        ({"HTTP_X_SAY_WHY": "1"}, "413 Content Too Large", "413 Content Too Large"),
        ({"HTTP_X_SAY_WHY": "1"}, "204 No Content", "503 Service Unavailable"),
    ],
)
def test_a_no_is_explained_when_the_proxy_asks_again(
    rf: RequestFactory, asked: dict[str, Any], said: str, answered: str
) -> None:
    """The body is gone at the second question. A body that would be welcome now must be sent
    again."""

    def site(_: Any, start_response: Any) -> list[bytes]:
        start_response(said, [])
        return []

    begun: list[str] = []
    environ = rf.post(UPLOAD, HTTP_X_UNSENT_BODY="5", **asked).environ
    list(readable.Readable(site)(environ, lambda status, *_: begun.append(status)))
    assert begun == [answered]


def test_a_model_larger_than_other_forms_arrives(
    send: Any, team: Team, owner: User, make_model: Callable[..., bytes]
) -> None:
    model = make_model(extra={f"padding{number}": "x" * (60 << 10) for number in range(40)})
    page = send(owner, UPLOAD, file=SimpleUploadedFile("model.pt", model))
    assert page.request["PATH_INFO"] == Submission.objects.get().get_absolute_url()


def test_without_an_announced_size_nothing_is_read(rf: RequestFactory) -> None:
    sent = {"REQUEST_METHOD": "POST", "wsgi.input": Untouched(), "CONTENT_TYPE": "text/plain"}
    request = rf.request(**sent, CONTENT_LENGTH="")
    assert request.body == b""
