"""A closed competition can be opened again until its publication. Times are asked and shown in its
zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leaderboard.errors import Conflict
from leaderboard.models import Competition, User
from leaderboard.services import competitions
from tests.leaderboard.admin.test_an_organizer_runs_a_competition import filled
from tests.leaderboard.web.conftest import text

pytestmark = pytest.mark.django_db
State = Competition.State


def test_what_is_closed_is_reopened_and_the_page_says_so(
    panel: Client, press: Any, competition: Competition
) -> None:
    asked = panel.get(reverse("admin:leaderboard_competition_close", args=[competition.pk]))
    assert "you can reopen" in text(asked)
    press(competition, "close")
    press(competition, "reopen")
    competition.refresh_from_db()
    assert competition.state == State.OPEN
    assert competition.accepts_uploads


def test_an_end_that_has_passed_is_set_anew_first(press: Any, competition: Competition) -> None:
    Competition.objects.update(ends_at=timezone.now() - timedelta(hours=1))
    competitions.close_ended()
    assert "The end of the competition has passed" in text(press(competition, "reopen"))
    Competition.objects.update(ends_at=timezone.now() + timedelta(hours=1))
    press(competition, "reopen")
    competition.refresh_from_db()
    assert competition.state == State.OPEN


def test_what_is_published_stays_so(press: Any, competition: Competition, organizer: User) -> None:
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    assert "cannot become open" in text(press(competition, "reopen"))


def test_reopening_opens_no_draft(draft: Competition, organizer: User) -> None:
    """A draft may have no calibration."""
    with pytest.raises(Conflict) as refused:
        competitions.reopen(competition=draft, by=organizer)
    assert refused.value.code == "wrong_competition_state"
    draft.refresh_from_db()
    assert draft.state == State.DRAFT


@pytest.mark.parametrize("zone", ["Asia/Seoul", "America/New_York", "UTC"])
def test_the_end_is_read_and_shown_in_the_competitions_zone(
    panel: Client, draft: Competition, zone: str
) -> None:
    url = reverse("admin:leaderboard_competition_change", args=[draft.pk])
    fields = {"time_zone": zone, "ends_at_0": "2027-03-01", "ends_at_1": "18:30:00"}
    answer = panel.post(url, filled(panel, url, **fields), follow=True)
    draft.refresh_from_db()
    assert draft.ends_at == datetime(2027, 3, 1, 18, 30, tzinfo=ZoneInfo(zone))
    assert 'value="18:30:00"' in text(answer)


def test_a_zone_that_does_not_exist_is_refused_and_nothing_is_saved(
    panel: Client, draft: Competition
) -> None:
    url = reverse("admin:leaderboard_competition_change", args=[draft.pk])
    answer = panel.post(url, filled(panel, url, time_zone="Mars/Olympus"), follow=True)
    assert "Mars/Olympus is not a time zone" in text(answer)
    draft.refresh_from_db()
    assert draft.time_zone == "Asia/Seoul"
