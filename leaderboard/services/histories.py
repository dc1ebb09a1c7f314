"""How the best public scores of teams fell, from the figures that count today."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Min, Q, RowRange, Window

from leaderboard.models import Competition, Evaluation, Team
from leaderboard.services import gains, rankings
from scoring import formula

MOST = 2_000
"""Submissions of a team that are looked at, the first ones. No quota allows a team that many."""

LOWEST = Window(
    Min("score_public"),
    partition_by="team",
    order_by=["submission__uploaded_at", "submission"],
    frame=RowRange(start=None, end=0),
)
"""The team's best score up to an upload. `Evaluation.gain` cannot tell it: a withdrawal or another
formula makes a step of an upload that was none."""


@dataclass(frozen=True, slots=True)
class Step:
    """A submission that was better than all of its team before it; where the last one counts, each
    that passes the gate."""

    uploaded_at: datetime
    score: float
    half_width: float


def steps(team: Team) -> list[Step]:
    """The submissions that each were the team's best, the oldest first.

    Others stay the team's own business: no board ever showed them. None where scores are hidden.
    """
    if team.competition.hides_scores:
        return []
    return of_teams(team.competition, [team.pk], most=MOST).get(team.pk, [])


def of_teams(
    competition: Competition, teams: Collection[int], *, most: int
) -> dict[int, list[Step]]:
    """The steps of some teams, from the first `most` submissions of all of them."""
    counting = Evaluation.objects.counting().filter(
        team__in=teams, quality_public__gte=competition.min_quality
    )
    if before := competition.counts_until:
        counting = counting.filter(submission__uploaded_at__lt=before)
    if competition.only_real_gains:
        counting = counting.filter(Q(gain=None) | Q(gain__gt=gains.REAL))
    if not competition.last_counts:
        counting = counting.annotate(lowest=LOWEST).filter(score_public=F("lowest"))
    columns = "team", "submission__uploaded_at", "score_public", "half_width"
    rows = counting.order_by("submission__uploaded_at", "submission").values_list(*columns)
    found: dict[int, list[Step]] = {}
    for team, uploaded_at, score, half_width in rows[:most]:
        some = found.setdefault(team, [])
        exact = round(score, rankings.SCORE_DECIMALS)
        if not some or exact < some[-1].score or competition.last_counts:
            half = formula.half_width(half_width or 0.0, competition.time_weight)
            some.append(Step(uploaded_at, exact, half))
    return found
