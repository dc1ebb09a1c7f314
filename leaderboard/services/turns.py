"""Teams take turns on the workers, by their recent use.

A team's use is the seconds that workers measured for it, each weighted by 2^(-age / `HALF_LIFE`).
This is decayed fair share, as in the batch scheduler Slurm. All uses decay alike, so that their
order changes only by new use. A number without a clock keeps that order:

    turn = log2(use in seconds at t) + t / HALF_LIFE

The lower turn goes first. A team without any use has the turn 0.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from django.db.models import Case, Q, Sum, When
from django.db.models.functions import Coalesce, Least, Now

from leaderboard.models import Evaluation, Team
from leaderboard.services import locks, statements

HALF_LIFE = timedelta(hours=1)
"""Short beside the day of a quota: work in the morning is no disadvantage in the evening."""


def charged(turn: float, *, seconds: float, at: datetime) -> float:
    """A team's turn after `seconds` more of a worker, which ended at `at`."""
    if seconds <= 0:
        return turn
    now = at.timestamp() / HALF_LIFE.total_seconds()
    # A turn far ahead of the clock, after a wrong clock, must not overflow.
    use = 2.0 ** min(turn - now, 64.0) + seconds
    return now + math.log2(use)


SETTLE = """
    UPDATE leaderboard_team SET
        turn = COALESCE(%s, turn),
        running = (SELECT COUNT(*) FROM leaderboard_evaluation
            WHERE team_id = leaderboard_team.id AND state = 'running'),
        (waiting, waiting_since, queue_id) = (
            SELECT COUNT(*), MIN(queued_at), MIN(profile_id) FROM leaderboard_evaluation
            WHERE team_id = leaderboard_team.id AND state = 'queued' AND why <> 'top_overlap')
    WHERE id = %s"""


def settle_anew(team: Team) -> None:
    """Lock a team and settle it. Call in the transaction that moves one of its evaluations."""
    settle(locks.lock(team).pk)


def settle(team: int, *, turn: float | None = None) -> None:
    """Write how many evaluations of a locked team run and wait, and since when; also another turn.

    Call it after each move of an evaluation of the team. It reads only what the team has under way.
    It is SQL, because each claim waits for the claim before: Django would take longer.
    """
    statements.run(SETTLE, [turn, team])


def charge(evaluation: Evaluation) -> None:
    """Add the time until now to the team's use. Call it inside a transaction."""
    if not (evaluation.team_id and evaluation.claimed_at):
        return
    rows = Team.objects.select_for_update(no_key=True).filter(pk=evaluation.team_id)
    turn, now = rows.values_list("turn", Now()).get()
    seconds = (now - evaluation.claimed_at).total_seconds()
    settle(evaluation.team_id, turn=charged(turn, seconds=seconds, at=now))


def position(evaluation: Evaluation) -> int:
    """The number of claims until a queued evaluation is taken, counted from 1, if nothing else
    happens.

    Before a team's k-th upload each other team has k turns: one less if its turn comes later, and
    at most as many as it has uploads.
    """
    waiting = Evaluation.objects.queued(evaluation.profile)
    calibrations = waiting.filter(team=None)
    older = Q(queued_at__lt=evaluation.queued_at) | Q(
        queued_at=evaluation.queued_at, pk__lt=evaluation.pk
    )
    if evaluation.team is None:
        return calibrations.filter(older).count() + 1
    if evaluation.why == Evaluation.Why.TOP_OVERLAP:
        extra = waiting.filter(why=Evaluation.Why.TOP_OVERLAP)
        return waiting.count() - extra.count() + extra.filter(older).count() + 1
    team = evaluation.team
    uploads = waiting.filter(team=team).exclude(why=Evaluation.Why.TOP_OVERLAP)
    k = uploads.filter(older).count() + 1
    others = Team.objects.filter(queue=evaluation.profile).exclude(pk=team.pk)
    earlier = Team.objects.ahead_of(team).values("pk")
    turns = Case(When(pk__in=earlier, then=Least("waiting", k)), default=Least("waiting", k - 1))
    ahead = others.aggregate(sum=Coalesce(Sum(turns), 0))["sum"]
    return int(calibrations.count() + ahead + k)
