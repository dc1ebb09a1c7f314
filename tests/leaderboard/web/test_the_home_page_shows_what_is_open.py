"""The list of competitions and the overview of one, as a stranger sees them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leaderboard.models import Competition, Team, User
from leaderboard.services import competitions, teams
from tests.leaderboard.web.conftest import text


def test_open_competitions_stand_first_with_their_end_and_leader(
    see: Any,
    scored: Any,
    team: Team,
    rivals: Team,
    competition: Competition,
    organizer: User,
) -> None:
    empty = text(see(None, "/"))
    assert "No model has a rank yet" in empty
    assert "small-plot" not in empty
    take_part = 'href="/accounts/signup/?next=%2Fcompetitions%2Fwaste%2Fteam%2F"'
    assert take_part in empty
    scored(team, 1, time_ratio=0.5, quality_private=0.5)
    scored(rivals, 2, time_ratio=0.9, quality_private=0.9)
    end = timezone.now() + timedelta(days=3, hours=2, minutes=5)
    Competition.objects.update(ends_at=end)
    later = Competition.objects.get()
    later.pk, later.slug, later.title, later.calibration = None, "later", "Later one", None
    later.ends_at = end + timedelta(days=30)
    later.save()
    with CaptureQueriesContext(
        connection,
    ) as first:
        shown = text(see(None, "/"))
    assert shown.index("Waste sorting") < shown.index("Later one")
    assert "<b>Sorters</b>" in shown
    assert "0.7500" in shown
    assert "<b>3</b> days" in shown
    assert "small-plot" in shown
    with CaptureQueriesContext(connection) as again:
        see(None, "/")
    assert len(again) <= 4 < len(first)  # the boards did not change
    assert cards_cost(see, team, "one") == cards_cost(see, team, "two", "three")

    competitions.close(competition=competition, by=organizer)
    closed = text(see(None, "/"))
    assert closed.index("Later one") < closed.index("Earlier competitions")
    assert "Sorters leads the public board" in closed
    assert take_part not in closed
    competitions.publish(competition=competition, by=organizer)
    assert "Rivals won" in text(see(None, "/"))


def cards_cost(see: Any, team: Team, *slugs: str) -> int:
    """The queries of the home page for a captain who is second in so many more competitions, once
    the page has been shown."""
    captain, other = team.members.all()[0], User.objects.get(username="rival")
    for slug in slugs:
        row = Competition.objects.get(slug="waste")
        row.pk, row.slug, row.calibration = None, slug, None
        row.save()
        entry = team.entries.get(board="public")
        for name, score in (("Sorters", "0.75"), ("Leaders", "0.74")):
            by = captain if name == team.name else other
            entry.pk, entry.competition, entry.score = None, row, Decimal(score)
            entry.team = teams.create(competition=row, name=name, by=by)
            entry.save()
    shown = text(see(captain, "/"))
    assert shown.count('<span class="rank rank-2">2</span> <b>Sorters</b>') >= len(slugs)
    with CaptureQueriesContext(connection) as queries:
        see(captain, "/")
    return len(queries)


def test_an_overview_shows_its_classes_prizes_and_citation(
    see: Any, scored: Any, team: Team, competition: Competition
) -> None:
    plain = text(see(None, "/competitions/waste/"))
    assert "Prizes" not in plain
    assert "How to cite it" not in plain
    scored(team)
    Competition.objects.update(
        prizes="A **board** <script>alert(1)</script>",
        citation="@misc{waste} <script>alert(1)</script>",
        ends_at=timezone.now() + timedelta(hours=5),
    )
    page = see(None, "/competitions/waste/")
    shown = text(page)
    assert "<strong>board</strong>" in shown
    assert b"<script>alert" not in page.content
    assert "@misc{waste}" in shown
    assert 'class="countdown is-near"' in shown
    assert shown.count("data:image/webp") == len(competition.classes)
    assert see(None, "/api/v2/competitions/waste").json()["citation"].startswith("@misc")
