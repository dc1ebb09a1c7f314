"""Times of all pages in the reader's own zone, and a theme that follows the person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from leaderboard.models import Competition, User
from tests.leaderboard.web.conftest import text

pytestmark = pytest.mark.django_db
LOOK = "/profile/look/"


def test_times_stand_in_the_zone_that_is_chosen(
    competition: Competition, owner: User, browser: Any, see: Any
) -> None:
    Competition.objects.update(ends_at=datetime(2030, 1, 1, 3, 0, tzinfo=UTC))
    address = "/competitions/waste/"
    assert "Asia/Seoul" in text(see(owner, address))
    mine = browser(owner)
    assert "Saved." in text(mine.post(LOOK, {"time_zone": "Europe/Berlin"}, follow=True))
    page = text(mine.get(address))
    assert "1 Jan 2030, 04:00" in page
    assert "Europe/Berlin" in page
    # The next reader of this process has none.
    assert "1 Jan 2030, 12:00" in text(see(None, address))
    told = mine.post(
        LOOK, {"time_zone": "Mars/Base"}, headers={"referer": "/profile/"}, follow=True
    )
    assert "There is no time zone of this name." in text(told)
    mine.post(LOOK, {"time_zone": ""})
    assert "1 Jan 2030, 12:00" in text(mine.get(address))


def test_colours_follow_the_person(owner: User, browser: Any) -> None:
    mine = browser(owner)
    assert "data-theme=" not in text(mine.get("/profile/"))
    assert mine.post(LOOK, {"theme": "dark"}).status_code == 204  # the switch below each page
    assert 'data-theme="dark"' in text(mine.get("/"))
    owner.refresh_from_db()
    assert (owner.theme, owner.time_zone) == ("dark", "")
    mine.post(LOOK, {"theme": "pink"})
    owner.refresh_from_db()
    assert owner.theme == "dark"
