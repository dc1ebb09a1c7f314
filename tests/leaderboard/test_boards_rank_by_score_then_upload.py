"""Order, gate, ties, and what a decision does to an entry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from leaderboard.models import Competition, Entry, Submission, Team, User
from leaderboard.services import baselines, rankings, submissions, teams

pytestmark = pytest.mark.django_db
Scored = Callable[..., Submission]


def shown(competition: Competition, board: str = "public") -> list[tuple[int | None, str]]:
    return [(row.rank, row.entry.team.name) for row in rankings.rows(competition, board)]


def test_the_lower_score_stands_above(team: Team, rivals: Team, scored: Scored) -> None:
    scored(team, seed=1, quality_public=0.7, time_ratio=0.9)
    scored(rivals, seed=2, quality_public=0.7, time_ratio=0.5)
    assert shown(team.competition) == [(1, "Rivals"), (2, "Sorters")]


def test_a_team_stands_with_its_best_submission(team: Team, scored: Scored) -> None:
    scored(team, seed=1, time_ratio=0.9)
    best = scored(team, seed=2, time_ratio=0.4)
    scored(team, seed=3, time_ratio=0.6)
    assert rankings.entry_of(team, "public").submission == best


def test_equal_scores_go_by_the_earlier_upload(team: Team, rivals: Team, scored: Scored) -> None:
    scored(rivals, seed=1, time_ratio=0.5)
    scored(team, seed=2, time_ratio=0.5 + 1e-9)
    assert shown(team.competition) == [(1, "Rivals"), (2, "Sorters")]
    entries = {entry.team.name: rankings.rank(entry) for entry in Entry.objects.all()}
    assert entries == {"Rivals": 1, "Sorters": 2}


@pytest.mark.parametrize(
    ("slower", "is_tied"),
    [
        (0.528, True),  # 0.014 is less than the root of 0.010^2 + 0.010^2
        (0.529, False),  # 0.0145 is more, although the intervals overlap
    ],
)
def test_what_the_clock_cannot_tell_apart_is_tied(
    team: Team, rivals: Team, scored: Scored, slower: float, is_tied: bool
) -> None:
    scored(team, seed=1, time_ratio=0.50, half_width=0.02)
    scored(rivals, seed=2, time_ratio=slower, half_width=0.02)
    rows = rankings.rows(team.competition, "public")
    assert [row.is_tied for row in rows] == [False, is_tied]
    assert [line.is_tied for line in rankings.figures(team.competition, "public")] == [
        False,
        is_tied,
    ]
    assert bool(rankings.tied(team.competition, first=2)) == is_tied


def test_three_in_a_row_are_tied_each_with_the_row_above(
    team: Team, rivals: Team, outsider: User, scored: Scored
) -> None:
    third = teams.create(competition=team.competition, name="Slow", by=outsider)
    scored(team, seed=1, time_ratio=0.50, half_width=0.02)
    scored(rivals, seed=2, time_ratio=0.52, half_width=0.02)
    scored(third, seed=3, time_ratio=0.80, half_width=0.02)
    tied = [row.is_tied for row in rankings.rows(team.competition, "public")]
    assert tied == [False, True, False]


def test_below_the_gate_nobody_is_ranked_however_fast(
    team: Team, rivals: Team, scored: Scored
) -> None:
    Competition.objects.update(min_quality=0.3)
    team.competition.refresh_from_db()
    scored(team, seed=1, quality_public=0.05, time_ratio=0.001)
    scored(rivals, seed=2, quality_public=0.5, time_ratio=2.0)
    assert shown(team.competition) == [(1, "Rivals"), (None, "Sorters")]


def test_a_stretch_of_a_board_goes_on_counting(team: Team, rivals: Team, scored: Scored) -> None:
    scored(team, seed=1, time_ratio=0.50)
    scored(rivals, seed=2, time_ratio=0.505)
    (row,) = rankings.rows(team.competition, "public", start=1, count=1)
    assert (row.rank, row.entry.team, row.is_tied) == (2, rivals, True)


def test_withdrawn_and_disqualified_submissions_leave_the_board(
    team: Team, owner: User, organizer: User, scored: Scored
) -> None:
    best = scored(team, seed=1, time_ratio=0.4)
    second = scored(team, seed=2, time_ratio=0.6)
    submissions.withdraw(submission=best, by=owner)
    assert rankings.entry_of(team, "public").submission == second
    submissions.disqualify(submission=second, reason="not a network", by=organizer)
    assert rankings.entry_of(team, "public") is None
    submissions.reinstate(submission=second, reason="Fine.", by=organizer)
    assert rankings.entry_of(team, "public").submission == second


def test_the_reference_has_a_row_of_its_own(competition: Competition) -> None:
    baseline = baselines.reference_of(competition, "public")
    assert (baseline.name, baseline.quality, baseline.score) == ("ResNet18-D", 0.7, 1.0)
