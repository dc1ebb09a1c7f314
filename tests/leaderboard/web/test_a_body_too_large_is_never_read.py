"""A form whose announced size is too large is answered at once; its body stays where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory

from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import competitions
from tests.leaderboard.web.conftest import text

UPLOAD = "/competitions/waste/submit/"
LARGE = 2_000_000_000


class Untouched:
    """A body that nobody may read."""

    def read(self, *size: int) -> bytes:
        raise AssertionError("the body was read")

    readline = read


@pytest.fixture
def announce(browser: Callable[..., Client]) -> Callable[..., Any]:
    """POST a form of which only the size is known."""

    def post(person: User | None, url: str, size: int = LARGE, **how: Any) -> Any:
        client = browser(person)
        client.handler.enforce_csrf_checks = True
        sent = {
            "PATH_INFO": url,
            "REQUEST_METHOD": "POST",
            "CONTENT_TYPE": "multipart/form-data; boundary=x",
            "CONTENT_LENGTH": str(size),
            "wsgi.input": Untouched(),
        }
        return client.request(**sent, **how)

    return post


def test_an_upload_has_the_limit_of_its_competition(announce: Any, team: Team, owner: User) -> None:
    page = announce(owner, UPLOAD)
    assert page.status_code == 413
    assert "larger than the 500 MB this competition accepts" in text(page)
    assert "This is too large" in text(page)
    Competition.objects.update(max_upload_bytes=10_000_000)
    assert announce(owner, UPLOAD, 12_000_000).status_code == 413


def test_with_htmx_it_is_the_sentence_alone(announce: Any, team: Team, owner: User) -> None:
    part = announce(owner, UPLOAD, HTTP_HX_REQUEST="true")
    assert part.status_code == 413
    assert "larger than the 500 MB" in text(part)
    assert "<html" not in text(part)


@pytest.mark.parametrize(
    "url", ["/competitions/waste/team/", "/profile/", "/accounts/login/", "/accounts/signup/"]
)
def test_every_other_form_is_small(announce: Any, competition: Any, rival: User, url: str) -> None:
    for person in (None, rival):
        page = announce(person, url)
        assert page.status_code == 413
        assert "2000.0 MB are more than this form can hold" in text(page)


@pytest.mark.parametrize("url", [UPLOAD, "/admin/leaderboard/dataset/add/", "/admin/login/"])
def test_strangers_send_nothing_large(announce: Any, competition: Any, url: str) -> None:
    assert announce(None, url).status_code == 413


def test_participants_send_nothing_to_the_panel(announce: Any, owner: User) -> None:
    assert announce(owner, "/admin/leaderboard/dataset/add/").status_code == 413


def test_who_is_in_no_team_or_too_late_is_told_before(
    announce: Any, browser: Any, team: Team, owner: User, outsider: User, organizer: User
) -> None:
    assert announce(outsider, UPLOAD).status_code == 302
    competitions.close(competition=team.competition, by=organizer)
    part = announce(owner, UPLOAD, 1000, HTTP_HX_REQUEST="true")
    assert part.status_code == 409
    assert "has ended" in text(part)


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
