"""From a stranger to a rank: each page says where the person stands, and leads to the next step."""

from __future__ import annotations

from typing import Any

from leaderboard.models import Competition, Team, User
from leaderboard.services import notices, telling
from tests.leaderboard.web.conftest import text

JOIN = "/competitions/waste/team/"


def test_a_stranger_signs_up_and_comes_back_to_the_competition(
    browser: Any, competition: Competition
) -> None:
    fields = {"username": "ada", "email": "ada@uni.example", "password1": "a-long-passphrase"}
    visitor = browser(None)
    page = visitor.post("/accounts/signup/", fields | {"next": JOIN}, follow=True)
    assert page.redirect_chain[-1][0] == JOIN
    assert "Welcome, ada!" in text(page)
    visitor.post("/accounts/logout/")
    again = {"login": "ada", "password": "a-long-passphrase"}
    page = visitor.post("/accounts/login/", again, follow=True)
    assert "Signed in as ada." in text(page)


def test_a_person_who_is_signed_in_is_not_asked_to_sign_up(see: Any, outsider: User) -> None:
    assert "You can already sign up now" in text(see(None, "/"))
    assert "sign up now" not in text(see(outsider, "/"))


def test_home_and_overview_show_the_own_place_and_the_next_step(
    see: Any, scored: Any, team: Team, rivals: Team, owner: User, outsider: User
) -> None:
    overview = text(see(owner, "/competitions/waste/"))
    assert "Your team has no score yet" in overview
    assert 'class="leads own"' not in text(see(outsider, "/"))
    scored(rivals, 1, time_ratio=0.5)
    scored(team, 2, time_ratio=0.9)
    home = text(see(owner, "/"))
    own = home[home.index('class="leads own"') :]
    assert '<span class="rank rank-2">2</span> <b>Sorters</b>' in own
    assert 'href="/competitions/waste/submit/"' in own
    overview = text(see(owner, "/competitions/waste/"))
    assert '<span class="rank rank-2">2</span>' in overview[overview.index('id="own"') :]
    assert "Uploads left today" in overview
    assert 'id="own"' not in text(see(outsider, "/competitions/waste/"))


def test_a_first_score_and_a_new_best_are_celebrated(
    see: Any, scored: Any, team: Team, owner: User
) -> None:
    first = scored(team, 1, time_ratio=0.9)
    assert "Your team is on the board!" in text(see(owner, first.get_absolute_url()))
    second = scored(team, 2, time_ratio=0.5)
    shown = text(see(owner, second.get_absolute_url()))
    assert "A new best, and your team leads!" in shown
    assert "Rank 1 of 1 team." in shown
    worse = scored(team, 3, time_ratio=1.4)
    for other in (first, worse):
        assert 'class="cheer"' not in text(see(owner, other.get_absolute_url()))
    assert "Upload the next model" in text(see(owner, worse.get_absolute_url()))


def test_a_notice_is_read_once_its_page_was_seen(
    see: Any, scored: Any, team: Team, owner: User, teammate: User
) -> None:
    submission = scored(team)
    telling.go_on(seconds=60)
    assert (notices.unread(owner), notices.unread(teammate)) == (1, 1)
    see(owner, submission.get_absolute_url())
    assert (notices.unread(owner), notices.unread(teammate)) == (0, 1)
