"""Ranks, ties, the gate, the reference, one's own row, rank changes, pages, the chart's figures."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from leaderboard.models import Competition, Entry, Evaluation, Team, User
from leaderboard.services import competitions, versions
from leaderboard.web import boards
from tests.leaderboard.web.conftest import text

PUBLIC = "/competitions/waste/boards/public/"
PRIVATE = "/competitions/waste/boards/private/"


def table_of(page: str) -> str:
    """The table of a board, without the plot, which names some of its teams, too."""
    return page.split("<table")[1].split("</table>")[0]


def test_order_marks_and_the_own_row(
    see: Any, scored: Any, team: Team, rivals: Team, owner: User, competition: Competition
) -> None:
    scored(rivals, 1, quality_public=0.8, time_ratio=0.50, half_width=0.02)
    scored(team, 2, quality_public=0.8, time_ratio=0.51, half_width=0.02)
    page = text(see(owner, PUBLIC))
    table = table_of(page)
    assert table.index(">Rivals</a>") < table.index(">Sorters</a>")
    assert table.count(">tied</span>") == 1
    assert table.count("your team") == 1
    assert "ResNet18-D" in page
    assert "Times here are noisy" in page  # the profile publishes every interval
    assert "your team" not in text(see(None, PUBLIC))


def test_below_the_gate(see: Any, scored: Any, team: Team, rivals: Team) -> None:
    Competition.objects.update(min_quality=0.5)
    scored(Team.objects.get(pk=rivals.pk), 1, quality_public=0.2, time_ratio=0.01)
    scored(Team.objects.get(pk=team.pk), 2, quality_public=0.7, time_ratio=1.5)
    page = text(see(None, PUBLIC))
    rows = page.split("<tr id=")
    assert "below the gate" not in rows[1]
    assert "below the gate" in rows[2]


def test_the_reference_stands_at_its_place_in_the_order(
    see: Any, scored: Any, team: Team, rivals: Team
) -> None:
    scored(rivals, 1, quality_public=0.8, time_ratio=0.5)
    scored(team, 2, quality_public=0.7, time_ratio=1.5)  # the reference has 0.7 and 1.0
    page = table_of(text(see(None, PUBLIC)))
    assert page.index("Rivals") < page.index("ResNet18-D") < page.index("Sorters")
    assert page.count("ResNet18-D") == 1


def test_ranks_won_and_lost(
    see: Any, scored: Any, team: Team, rivals: Team, organizer: User, competition: Competition
) -> None:
    scored(rivals, 1, quality_public=0.80, quality_private=0.60)
    scored(team, 2, quality_public=0.75, quality_private=0.74)
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    page = text(see(None, PRIVATE))
    assert page.index("▲ 1") < page.index("▼ 1")


def crowd(competition: Competition, evaluation: Evaluation, count: int) -> None:
    """Many teams with scores from 0.500 on."""
    others = [Team(competition=competition, name=f"Team {number:03}") for number in range(count)]
    Entry.objects.bulk_create(
        Entry(
            competition=competition,
            board="public",
            team=one,
            submission=evaluation.submission,
            evaluation=evaluation,
            is_ranked=True,
            score=f"0.{500 + number}",
            quality=0.7,
            time_ratio=1.0,
            score_half_width=0.0001,
            uploaded_at=timezone.now(),
        )
        for number, one in enumerate(Team.objects.bulk_create(others))
    )
    versions.change(competition.pk)


def test_a_long_board_has_pages(
    see: Any, scored: Any, team: Team, competition: Competition
) -> None:
    evaluation = scored(team).evaluation
    crowd(competition, evaluation, 120)
    first, second = text(see(None, PUBLIC)), text(see(None, f"{PUBLIC}?page=2"))
    assert "Page 1 of 2" in first
    assert "Team 099</a>" in first
    assert "Team 100</a>" not in first
    assert '<span class="rank rank-101">101</span>' in second
    assert see(None, f"{PUBLIC}?page=nonsense").status_code == 200
    assert "Page 2 of 2" in text(see(None, f"{PUBLIC}?rank=101"))
    assert "Page 2 of 2" in text(see(None, f"{PUBLIC}?rank=99999"))
    assert "Page 1 of 2" in text(see(None, f"{PUBLIC}?rank=0"))


def test_the_reference_is_on_the_one_page_where_it_belongs(
    see: Any, scored: Any, team: Team, competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "PAGE", 10)
    crowd(competition, scored(team, 1, quality_public=0.9).evaluation, 29)
    entries = Entry.objects.filter(board="public").order_by("score", "uploaded_at", "submission_id")
    baseline = 1.0
    for better in (0, 1, 10, 15, 20, 30):  # none, one, a full page, one and a half, ..., all
        for number, one in enumerate(entries):
            one.score = baseline - 0.4 + number / 1000 if number < better else 1.1 + number / 1000
            one.save()
        versions.change(competition.pk)
        pages = [table_of(text(see(None, f"{PUBLIC}?page={number}"))) for number in (1, 2, 3)]
        holding = [number for number, page in enumerate(pages) if "ResNet18-D" in page]
        assert holding == [min(better // 10, 2)], better
        rows = pages[holding[0]].split("<tr")[2:]
        at = next(number for number, row in enumerate(rows) if "ResNet18-D" in row)
        assert at == better - 10 * holding[0]


def test_the_own_rank_is_told_on_every_page_and_leads_to_the_own_row(
    see: Any, scored: Any, team: Team, owner: User, competition: Competition
) -> None:
    evaluation = scored(team, time_ratio=1.2).evaluation
    crowd(competition, evaluation, 120)
    assert Entry.objects.get(team=team).score > 0.62
    first = text(see(owner, PUBLIC))
    assert "Your team has rank <strong>121</strong>" in first
    row = f'id="team-{team.pk}"'
    assert f'href="?team={team.pk}#team-{team.pk}"' in first
    assert row not in first
    assert row in text(see(owner, f"{PUBLIC}?team={team.pk}"))
    second = text(see(owner, f"{PUBLIC}?page=2"))
    assert row in second
    assert "Your team has rank <strong>121</strong>" in second
    assert "your team" in second
    assert "your team" not in text(see(None, f"{PUBLIC}?page=2"))


def test_the_own_row_below_the_gate_is_found_too(
    see: Any, scored: Any, team: Team, rivals: Team, owner: User, competition: Competition
) -> None:
    evaluation = scored(rivals, time_ratio=1.2).evaluation
    crowd(competition, evaluation, 120)
    Entry.objects.filter(score__gt=0.61).update(is_ranked=False)
    Competition.objects.update(min_quality=0.5)
    scored(Team.objects.get(pk=team.pk), 2, quality_public=0.2, time_ratio=0.3)
    first = text(see(owner, PUBLIC))
    assert "Your team is below the gate and has no rank" in first
    assert f'href="?team={team.pk}#team-{team.pk}"' in first
    second = text(see(owner, f"{PUBLIC}?team={team.pk}"))
    assert second.count(f'id="team-{team.pk}"') == 1
    assert "below the gate" in second[second.index("your team") :][:300]


def test_a_team_name_cannot_leave_the_plot(see: Any, scored: Any, team: Team) -> None:
    Team.objects.filter(pk=team.pk).update(name="</svg><script>alert(1)")
    scored(team)
    assert b"<script>alert" not in see(None, PUBLIC).content
