"""Teams take turns on the workers, by their recent use.

A team's use is the seconds that workers measured for it, each weighted by 2^(-age / `HALF_LIFE`)
and divided by the weight of its competition (`QueueShare`). While teams of two competitions wait
for one profile, a team of weight 2 so gets twice the time of a team of weight 1.
This is decayed fair share, as in the batch scheduler Slurm. All uses decay alike, so that their
order changes only by new use. A number without a clock keeps that order:

    turn = log2(use in seconds at t) + t / HALF_LIFE

The lower turn goes first. A team without any use has the turn 0.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from leaderboard.models import Evaluation, Team
from leaderboard.services import locks, statements

HALF_LIFE = timedelta(hours=1)
"""Short beside the day of a quota, so work in the morning is no disadvantage in the evening."""


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
    [(turn, now, weight)] = turn_of(evaluation.team_id)
    seconds = (now - evaluation.claimed_at).total_seconds() / (weight or 1.0)
    settle(evaluation.team_id, turn=charged(turn, seconds=seconds, at=now))


@statements.prepared
def turn_of(team: int) -> QuerySet[Team, Any]:
    """A query that locks a team. It gives the turn, the time of the database, and the weight or
    None."""
    rows = Team.objects.select_for_update(no_key=True, of=("self",)).filter(pk=team)
    return rows.order_by().values_list("turn", Now(), "competition__share__weight")


POSITION = """
    WITH mine AS (
        SELECT e.id, e.queued_at, e.profile_id, e.team_id, t.running, t.turn, t.waiting_since
        FROM leaderboard_evaluation e JOIN leaderboard_team t ON t.id = e.team_id
        WHERE e.id = %s AND e.state = 'queued'
    ), older AS (
        SELECT COUNT(*) AS uploads FROM leaderboard_evaluation e, mine
        WHERE e.team_id = mine.team_id AND e.profile_id = mine.profile_id AND e.state = 'queued'
            AND e.why <> 'top_overlap' AND (e.queued_at, e.id) < (mine.queued_at, mine.id)
    ), others AS (
        SELECT t.waiting, older.uploads + CASE
            WHEN (t.running, t.turn, t.waiting_since, t.id)
                < (mine.running, mine.turn, mine.waiting_since, mine.team_id) THEN 1 ELSE 0
            END AS turns
        FROM leaderboard_team t, mine, older
        WHERE t.queue_id = mine.profile_id AND t.id <> mine.team_id
    )
    SELECT older.uploads + 1
        + COALESCE((SELECT SUM(CASE WHEN waiting < turns THEN waiting ELSE turns END)
            FROM others), 0)
        + (SELECT COUNT(*) FROM leaderboard_evaluation e
            WHERE e.profile_id = mine.profile_id AND e.state = 'queued' AND e.team_id IS NULL
                AND NOT e.is_hidden)
    FROM mine, older"""
"""The position of an upload. Before a team's k-th upload each other team has k turns: one less if
its turn comes later, and at most as many as it has uploads."""


def position(evaluation: Evaluation) -> int:
    """The number of claims until an evaluation is taken, counted from 1, if nothing else happens.

    0 if the evaluation no longer waits. Calibrations come first, the service's own repeats last.
    """
    is_extra = evaluation.why == Evaluation.Why.TOP_OVERLAP
    if evaluation.team_id and not is_extra:
        return next((int(number) for (number,) in statements.run(POSITION, [evaluation.pk])), 0)
    waiting = Evaluation.objects.filter(
        state=Evaluation.State.QUEUED, profile=evaluation.profile_id
    ).order_by()
    own = waiting.filter(pk=evaluation.pk).values_list("queued_at", flat=True).first()
    if own is None:
        return 0
    older = Q(queued_at__lt=own) | Q(queued_at=own, pk__lt=evaluation.pk)
    if not is_extra:
        return waiting.filter(older, team=None).count() + 1
    extra = waiting.filter(why=Evaluation.Why.TOP_OVERLAP)
    return waiting.count() - extra.count() + extra.filter(older).count() + 1
