"""How a team's best public score fell, from the figures that count today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from leaderboard.models import Evaluation, Team
from leaderboard.services import gains

MOST = 2_000
"""Submissions that are looked at, the first ones. No quota allows a team that many."""


@dataclass(frozen=True)
class Step:
    """A submission that was better than all before it."""

    uploaded_at: datetime
    score: float
    half_width: float


def steps(team: Team) -> list[Step]:
    """The submissions that each were the team's best, the oldest first.

    Others stay the team's own business: no board ever showed them.
    """
    competition = team.competition
    moved = Q(gain=None) | Q(gain__gt=gains.REAL if competition.only_real_gains else 0)
    counting = Evaluation.objects.counting().filter(
        moved, team=team, quality_public__gte=competition.min_quality
    )
    columns = "submission__uploaded_at", "score_public", "half_width"
    found: list[Step] = []
    for uploaded_at, score, half_width in counting.order_by(
        "submission__uploaded_at", "submission"
    ).values_list(*columns)[:MOST]:
        if not found or score < found[-1].score:
            half = competition.time_weight * (half_width or 0.0)
            found.append(Step(uploaded_at, score, half))
    return found
