"""A benchmark has no end: its pages say so, nothing waits for an end, and it may be closed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leaderboard.models import Competition, Happening, Notice, Team, User
from leaderboard.services import competitions, schedules, sweeping, telling
from tests.leaderboard.web.conftest import text


def test_pages_say_that_uploads_have_no_end(
    see: Any, team: Team, owner: User, organizer: User
) -> None:
    assert "No end date" in text(see(None, "/"))
    overview = text(see(None, "/competitions/waste/"))
    assert "no end date is set" in overview
    assert "Uploads end in" not in overview
    board = text(see(owner, "/competitions/waste/boards/private/"))
    assert "The public board shows the ranks of all teams." in board
    Competition.objects.update(publishes_at=timezone.now() + timedelta(days=1))
    panel = Client()
    panel.force_login(organizer)
    change = reverse("admin:leaderboard_competition_change", args=[team.competition_id])
    page = text(panel.get(change))
    assert "No end date: uploads continue until you close the competition." in page
    assert "if you have closed it before." in page


def test_it_goes_on_until_it_is_closed_by_hand(
    team: Team, scored: Any, see: Any, organizer: User
) -> None:
    competition = team.competition
    Competition.objects.update(created_at=timezone.now() - timedelta(days=4000))
    scored(team, seed=1)
    sweeping.sweep()
    telling.sweep()
    telling.go_on(seconds=60)
    competition.refresh_from_db()
    assert competition.accepts_uploads
    assert not Notice.objects.filter(kind=Notice.Kind.ENDS_SOON).exists()
    assert not Happening.objects.exists()
    assert "Sorters" in text(see(None, "/competitions/waste/boards/public/"))
    schedules.extend(
        competition=competition, ends_at=timezone.now() + timedelta(days=1), by=organizer
    )
    assert "Uploads end in" in text(see(None, "/competitions/waste/"))
    schedules.extend(competition=competition, ends_at=None, by=organizer)
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    assert "Sorters" in text(see(None, "/competitions/waste/result/"))
