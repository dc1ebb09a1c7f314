"""Each page, for somebody signed out and for a member, with much or nothing on it."""

from __future__ import annotations

from typing import Any

import pytest
from django.views.defaults import server_error

from tests.leaderboard.web.conftest import text

PUBLIC = [
    "/",
    "/competitions/waste/",
    "/competitions/waste/rules/",
    "/competitions/waste/announcements/",
    "/competitions/waste/data/",
    "/competitions/waste/kit/",
    "/competitions/waste/scoring/",
    "/competitions/waste/boards/public/",
    "/competitions/waste/race/",
]
MEMBERS = [
    *PUBLIC,
    "/competitions/waste/team/",
    "/competitions/waste/team/webhooks/",
    "/competitions/waste/submit/",
    "/competitions/waste/submissions/",
    "/profile/",
    "/device/",
    "/notices/",
    "/notices/choices/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/2fa/",
    "/accounts/sessions/",
    "/accounts/logout/",
]
ENTRANCE = ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"]


@pytest.mark.parametrize("url", PUBLIC + ENTRANCE)
def test_signed_out(see: Any, competition: Any, url: str) -> None:
    page = see(None, url)
    assert page.status_code == 200
    assert "<h1" in text(page)
    assert "Sign in" in text(page)


@pytest.mark.parametrize("url", MEMBERS)
def test_signed_in(see: Any, scored: Any, team: Any, owner: Any, url: str) -> None:
    scored(team)
    page = see(owner, url)
    assert page.status_code == 200
    assert "<h1" in text(page)
    assert "Sign out" in text(page)


@pytest.mark.parametrize("url", PUBLIC[1:])
def test_a_competition_that_is_still_empty(see: Any, draft: Any, organizer: Any, url: str) -> None:
    draft.dataset = None
    draft.overview = ""
    draft.save()
    assert see(organizer, url).status_code == 200


def test_no_competition_yet(see: Any, db: None) -> None:
    assert "No competition yet" in text(see(None, "/"))


def test_the_pages_name_their_own_numbers(see: Any, competition: Any) -> None:
    scoring = text(see(None, "/competitions/waste/scoring/"))
    assert "0.700" in scoring  # quality_ref
    assert "1.000" in scoring  # the reference's own score, and about what doing nothing gives
    data = text(see(None, "/competitions/waste/data/"))
    assert "12 images" in data
    assert "24 images" not in data  # the public split's
    assert "36 images" not in data  # the private split's


def test_the_sample_and_nothing_else_can_be_downloaded(see: Any, competition: Any) -> None:
    sample = see(None, "/competitions/waste/data/sample.zip")
    assert sample.headers["Content-Disposition"] == 'attachment; filename="waste-sample.zip"'
    assert b"".join(sample.streaming_content)[:2] == b"PK"
    for name in ("public", "private"):
        assert see(None, f"/competitions/waste/data/{name}.zip").status_code == 404


def test_markdown_is_shown_without_what_could_harm(see: Any, competition: Any) -> None:
    competition.overview = "**bold** <script>alert(1)</script> [x](javascript:alert(1))"
    competition.save()
    page = text(see(None, "/competitions/waste/"))
    assert "<strong>bold</strong>" in page
    assert "<script>alert" not in page
    assert 'href="javascript' not in page


def test_times_stand_in_the_zone_of_the_competition(see: Any, owner: Any, team: Any) -> None:
    assert "00:00" in text(see(owner, "/competitions/waste/submit/"))
    assert "Asia/Seoul" in text(see(owner, "/competitions/waste/submit/"))


def test_no_page_has_inline_styles_or_scripts(see: Any, scored: Any, team: Any, owner: Any) -> None:
    sent = scored(team)
    address = sent.get_absolute_url()
    for url in [*MEMBERS, address, f"{address}compare/"]:
        page = text(see(owner, url))
        assert " style=" not in page, url
        assert " onclick=" not in page, url
        assert "<style" not in page, url


def test_an_unknown_page_and_a_broken_one(see: Any, db: None, rf: Any) -> None:
    assert "There is nothing here" in text(see(None, "/nothing/at/all/"))
    assert "Something went wrong on our side" in server_error(rf.get("/")).content.decode()
