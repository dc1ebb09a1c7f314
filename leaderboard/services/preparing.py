"""Boards of many teams are prepared in batches, then all entries are shown at once.

A publication prepares the private board. Another gate, new tracks and a rescore prepare their
changes of the public boards. Those of a rescore then wait until an organizer applies it
(`rescoring`).
Each batch is a transaction that notes its last team, so that any process can go on from there.
`placing.place` prepares a team again if it changes meanwhile.
"""

from __future__ import annotations

import logging
import time

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict
from leaderboard.models import Competition, Entry, Evaluation, NextEntry, Preparation, Rescore
from leaderboard.services import (
    audit,
    counting,
    events,
    locks,
    placing,
    privileges,
    revealing,
    versions,
)
from leaderboard.services.events import Event

logger = logging.getLogger(__name__)
State = Competition.State
BATCH = 500
"""Teams that are locked at once."""
AT_ONCE = 1.0
"""Seconds of preparing while the organizer waits. They suffice for thousands of teams."""
SLICE = 20.0
"""Seconds of preparing after each sweep of the site's queue, which has no other work."""
SHORT_SLICE = 2.0
"""Seconds of preparing in an embedded worker, whose evaluations must not wait."""


def begin(
    competition: Competition,
    *,
    min_quality: float | None = None,
    tracks: list[dict[str, object]] | None = None,
    rescore: Rescore | None = None,
) -> None:
    """Start to prepare another gate, also with other tracks, or a rescore. Without them, the
    private board.

    Call it under the lock of the competition.
    """
    NextEntry.objects.filter(competition=competition).delete()
    Preparation.objects.create(
        competition=competition,
        min_quality=rescore.min_quality if rescore else min_quality,
        rescore=rescore,
        tracks=tracks,
        total=competition.teams.count(),
    )


def check_none(competition: Competition) -> None:
    """Raises `Conflict` while boards are prepared. Call it under the lock of the competition."""
    preparation = of(competition)
    if Rescore.objects.filter(competition=competition, state__in=Rescore.OPEN).exists():
        raise Conflict(
            gettext("A rescore is waiting for a decision. Apply it or cancel it first."),
            code="rescore_pending",
        )
    if preparation:
        raise Conflict(
            gettext("The boards are being prepared. The competition's page shows the progress."),
            code="boards_in_preparation",
        )


def of(competition: Competition) -> Preparation | None:
    """The preparation of a competition; None if there is none."""
    rows = Preparation.objects.filter(competition=competition)
    return rows.select_related("rescore").first()


def stop(competition: Competition) -> bool:
    """Drop a preparation, which nobody has seen. Returns whether there was one.

    Call it under the lock of the competition.
    """
    NextEntry.objects.filter(competition=competition).delete()
    dropped, _ = Preparation.objects.filter(competition=competition).delete()
    return bool(dropped)


def unfinished(competition: Competition) -> str:
    """The evaluations that a publication waits for, in words; empty if all have ended.

    Late uploads are on no board, so none waits for them.
    """
    counts = competition.evaluations.unfinished().exclude(submission__is_late=True).by_state()
    queued, running = counts[Evaluation.State.QUEUED], counts[Evaluation.State.RUNNING]
    if not queued and not running:
        return ""
    facts = {"queued": queued, "running": running}
    return gettext("%(queued)d queued and %(running)d running evaluations") % facts


def is_publishing(competition: Competition) -> bool:
    """Whether the private board is being prepared. Call it under the lock of the competition."""
    return Preparation.objects.filter(competition=competition, min_quality=None).exists()


def go_on(competition: Competition, *, seconds: float) -> None:
    """Prepare for some seconds, at least one batch, and show the boards once all teams are
    prepared."""
    until = time.monotonic() + seconds
    while step(competition) or keep_ranks(competition):
        if time.monotonic() > until:
            return
    switch(competition)


def go_on_all(*, seconds: float) -> None:
    """Share some seconds among all preparations. One that breaks stops no other.

    A process that signed in to the database as a worker does nothing: its role may not publish.
    """
    each = list(Competition.objects.exclude(preparation=None))
    if not each or not privileges.may_update(Preparation):
        return
    for competition in each:
        try:
            go_on(competition, seconds=seconds / len(each))
        except Exception:
            logger.exception("The boards of %s could not be prepared", competition)


@transaction.atomic
def step(competition: Competition) -> bool:
    """Prepare one batch. Returns False if none is left, or if another process is at work."""
    competition = locks.share(competition)
    rows = Preparation.objects.select_for_update(skip_locked=True, of=["self"])
    rows = rows.select_related("rescore")
    preparation = rows.filter(competition=competition).first()
    if preparation is None:
        return False
    teams = competition.teams.filter(pk__gt=preparation.through).order_by("pk")
    batch = placing.lock(list(teams.values_list("pk", flat=True)[:BATCH]))
    if not batch:
        return False
    rescore = preparation.rescore if preparation.is_following else None
    if rescore:
        follow(rescore, competition, batch)
    else:
        placing.prepare(preparation, competition, batch)
    preparation.through = batch[-1]
    preparation.done += len(batch)
    preparation.save()
    if rescore:
        versions.change(competition.pk, changed_by(rescore))
    return True


def follow(rescore: Rescore, competition: Competition, teams: list[int]) -> None:
    """Let the evaluations of locked teams follow an applied rescore.

    A team that has no score any more leaves the board.
    """
    revealing.follow(rescore, competition, teams)
    if rescore.is_measured:
        best = counting.leaders(competition, teams, min_quality=competition.min_quality)
        placing.put(competition, Entry.Board.PUBLIC, teams, best)
        placing.put_tracks(competition, Entry.Board.PUBLIC, teams)


def changed_by(rescore: Rescore) -> list[str]:
    """The boards that change while evaluations follow; the private one is what a publication would
    show."""
    return list(Entry.Board) if rescore.is_measured else [Entry.Board.PRIVATE]


@transaction.atomic
def keep_ranks(competition: Competition) -> bool:
    """Write the public ranks on the private entries. Returns False if there is nothing to write
    yet.

    After a freeze these are the ranks of the board that goes on. The lock of the competition keeps
    all others from writing entries meanwhile.
    """
    competition = locks.lock(competition)
    preparation = of(competition)
    if preparation is None or needs_teams(preparation) or not needs_ranks(preparation):
        return False
    if competition.counts_until:
        if unfinished(competition):
            return False
        placing.thaw(competition)
    preparation.ranks_of = versions.of(competition, Entry.Board.PUBLIC)
    placing.keep_public_ranks(competition)
    preparation.save()
    return True


@transaction.atomic
def switch(competition: Competition) -> bool:
    """Show a finished preparation, unless something stands against it. Returns whether it is shown
    now."""
    competition = locks.lock(competition)
    preparation = of(competition)
    if preparation is None or needs_teams(preparation) or needs_ranks(preparation):
        return False
    if preparation.rescore:
        if preparation.is_following:
            preparation.delete()
        return preparation.is_following
    rows = Competition.objects.filter(pk=competition.pk)
    if preparation.min_quality is not None:
        placing.take_next(competition)
        rows.update(**coming(preparation))
    elif unfinished(competition):
        return False
    elif not rows.filter(state=State.CLOSED).update(
        state=State.PUBLISHED, published_at=timezone.now()
    ):
        logger.warning("%s is %s and is not published.", competition, competition.state)
        preparation.delete()
        return False
    if preparation.min_quality is None:
        events.tell(Event.COMPETITION_PUBLISHED, competition)
        was, now = {"state": competition.state}, {"state": State.PUBLISHED}
        act = audit.Act.COMPETITION_PUBLISHED
        audit.record(act, competition, by=audit.SERVICE, before=was, after=now)
    preparation.delete()
    versions.change(competition.pk)
    return True


def coming(preparation: Preparation) -> dict[str, object]:
    """The settings that another gate or other tracks will change."""
    found: dict[str, object] = {"min_quality": preparation.min_quality}
    return found if preparation.tracks is None else found | {"tracks": preparation.tracks}


def needs_teams(preparation: Preparation) -> bool:
    """Whether some teams were not in any batch yet."""
    return preparation.competition.teams.filter(pk__gt=preparation.through).exists()


def needs_ranks(preparation: Preparation) -> bool:
    """Whether the private entries have public ranks of another version of the public board."""
    if preparation.min_quality is not None:
        return False
    return preparation.ranks_of != versions.of(preparation.competition, Entry.Board.PUBLIC)
