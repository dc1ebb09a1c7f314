"""Teams take turns on the workers, by what they had measured lately.

A team's use is the seconds that workers measured for it; its weight halves in each `HALF_LIFE`
(decayed fair share, as batch schedulers such as Slurm have it). Two uses decay alike, so their
order never changes by itself, and a number without a clock tells it:

    turn = log2(use in seconds at t) + t / HALF_LIFE

The lower turn goes first. A team that never had anything measured has 0.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.db.models import Count, Subquery
from django.db.models.functions import Coalesce

from leaderboard.models import Evaluation, Team
from leaderboard.services import locks

HALF_LIFE = timedelta(hours=1)
"""Short beside the day of a quota: who worked in the morning is not behind in the evening."""


def charged(turn: float, *, seconds: float, at: datetime) -> float:
    """A team's turn after `seconds` more of a worker, which ended at `at`."""
    if seconds <= 0:
        return turn
    now = at.timestamp() / HALF_LIFE.total_seconds()
    # A turn far ahead of the clock, after a clock that was wrong, must not overflow.
    use = 2.0 ** min(turn - now, 64.0) + seconds
    return now + math.log2(use)


def settle(team: Team) -> None:
    """Tell a locked team's waiting evaluations the team's turn, and how many of it run now.

    It touches only what the team has queued. Call it after each move of one of them.
    """
    of_team = Evaluation.objects.filter(team=team)
    running = (
        of_team.filter(state=Evaluation.State.RUNNING)
        .order_by()
        .values("team")
        .annotate(count=Count("pk"))
        .values("count")
    )
    of_team.filter(state=Evaluation.State.QUEUED).update(
        team_running=Coalesce(Subquery(running), 0), turn=team.turn
    )


def charge(evaluation: Evaluation) -> None:
    """Count what was just measured as its team's use. Call inside a transaction."""
    if not (evaluation.team and evaluation.claimed_at and evaluation.finished_at):
        return
    team = locks.lock(evaluation.team)
    seconds = (evaluation.finished_at - evaluation.claimed_at).total_seconds()
    team.turn = charged(team.turn, seconds=seconds, at=evaluation.finished_at)
    team.save(update_fields=["turn"])
    settle(team)
