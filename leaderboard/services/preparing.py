"""Boards of many teams are prepared in batches, and switched at once when the last one is done.

A publication prepares the private board; another gate prepares what it changes of the public one.
Each batch is a transaction, and its end is noted, so that whoever comes next goes on from there.
Teams that change meanwhile are prepared anew by `placing.place`.
"""

from __future__ import annotations

import logging
import time

from django.db import transaction
from django.utils import timezone

from leaderboard.errors import Conflict
from leaderboard.models import Competition, Entry, NextEntry, Preparation
from leaderboard.services import locks, placing, versions

logger = logging.getLogger(__name__)
State = Competition.State
BATCH = 500
"""Teams that are locked at once."""
AT_ONCE = 1.0
"""Seconds that whoever asks for it waits: a board of thousands is ready by then."""
SLICE = 20.0
"""And seconds of each sweep, which has other things to do."""


def begin(competition: Competition, *, min_f1: float | None = None) -> None:
    """Start preparing: another gate, or without one the private board. Call under the lock of the
    competition."""
    NextEntry.objects.filter(competition=competition).delete()
    Preparation.objects.create(
        competition=competition, min_f1=min_f1, total=competition.teams.count()
    )


def check_none(competition: Competition) -> None:
    """Raises `Conflict`. Ask of a locked competition."""
    if Preparation.objects.filter(competition=competition).exists():
        raise Conflict(
            "Its boards are being prepared; wait for the end, which the competition's page tells.",
            code="boards_in_preparation",
        )


def go_on(competition: Competition, *, seconds: float) -> bool:
    """Prepare for so long at least a batch, and switch once all is done; tells whether it is."""
    until = time.monotonic() + seconds
    while step(competition):
        if time.monotonic() > until:
            return False
    return switch(competition)


def go_on_all() -> None:
    """A slice of all that is being prepared."""
    for preparation in Preparation.objects.select_related("competition"):
        go_on(preparation.competition, seconds=SLICE)


@transaction.atomic
def step(competition: Competition) -> bool:
    """Prepare one batch; False where none is left, or another process is at it."""
    competition = locks.share(competition)
    rows = Preparation.objects.select_for_update(skip_locked=True)
    preparation = rows.filter(competition=competition).first()
    if preparation is None:
        return False
    teams = competition.teams.filter(pk__gt=preparation.through).order_by("pk")
    batch = placing.lock(list(teams.values_list("pk", flat=True)[:BATCH]))
    if batch:
        placing.prepare(preparation, competition, batch)
        preparation.through = batch[-1]
        preparation.done += len(batch)
    elif needs_ranks(preparation):
        preparation.ranks_of = versions.of(competition, Entry.Board.PUBLIC)
        placing.keep_public_ranks(competition)
    else:
        return False
    preparation.save()
    return True


@transaction.atomic
def switch(competition: Competition) -> bool:
    """Show what was prepared, if all of it was and nothing stands against it any more."""
    competition = locks.lock(competition)
    preparation = Preparation.objects.filter(competition=competition).first()
    if preparation is None:
        return True
    if competition.teams.filter(pk__gt=preparation.through).exists() or needs_ranks(preparation):
        return False
    rows = Competition.objects.filter(pk=competition.pk)
    if preparation.min_f1 is not None:
        placing.take_next(competition)
        rows.update(min_f1=preparation.min_f1)
    elif competition.evaluations.unfinished().exists():
        return False
    elif not rows.filter(state=State.CLOSED).update(
        state=State.PUBLISHED, published_at=timezone.now()
    ):
        logger.warning("%s is %s and is not published.", competition, competition.state)
    preparation.delete()
    versions.change(competition.pk)
    return True


def needs_ranks(preparation: Preparation) -> bool:
    """Whether the private entries do not tell the public ranks there are."""
    if preparation.min_f1 is not None:
        return False
    return preparation.ranks_of != versions.of(preparation.competition, Entry.Board.PUBLIC)
