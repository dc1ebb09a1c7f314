"""A rescore that measures again: by other data, another reference or machine, another protocol.

1. The reference is calibrated by the new terms.
2. Each submission of the scope is measured, behind everybody's uploads (`running.taking`). What is
   scored meanwhile joins, because the sweep looks again once the boards have another version.
3. When nothing is missing, the boards are prepared. The preview waits for a decision.

All its evaluations are hidden (`Evaluation.is_hidden`). A worker only records them. The rescore's
own row is written by the sweep, because the database role of a worker may not.
"""

from __future__ import annotations

import hashlib
import logging
import statistics
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard import logs, queue
from leaderboard.errors import Conflict
from leaderboard.models import Competition, Entry, Evaluation, Rescore, Submission
from leaderboard.models.evaluations import EvaluationQuerySet
from leaderboard.services import (
    counting,
    formulas,
    locks,
    measurements,
    preparing,
    privileges,
    queueing,
    turns,
    versions,
    workers,
)
from leaderboard.services.counting import Counting

logger = logging.getLogger(__name__)
State = Evaluation.State
BATCH = 500
"""Teams, or submissions, that are looked at together."""
SLICE = 5.0
"""Seconds of looking for submissions in a sweep."""
LATELY = 20
"""Measurings whose median says how long the others take."""


@dataclass(frozen=True)
class Progress:
    """How far the measuring is. A submission that is measured again after a failure waits."""

    scored: int
    failed: int
    running: int
    queued: int
    left: timedelta | None
    """About how long the rest takes; None before anything was measured, or without a worker."""

    @property
    def total(self) -> int:
        return self.ended + self.running + self.queued

    @property
    def ended(self) -> int:
        return self.scored + self.failed


def begin(rescore: Rescore) -> None:
    """Queue the reference against itself by the new terms. Call it in a transaction."""
    enqueue(rescore, [None])


def go_on_all(*, seconds: float = SLICE) -> None:
    """Bring each rescore that measures a step further. One that breaks stops no other.

    A process that signed in to the database as a worker does nothing: see above.
    """
    each = Rescore.objects.filter(kind=Rescore.Kind.MEASURED, state__in=Rescore.OPEN)
    each = each.select_related("competition")
    if not each or not privileges.may_update(Rescore):
        return
    for rescore in each:
        try:
            go_on(rescore, seconds=seconds / len(each))
        except Exception:
            logger.exception("%s could not go on", rescore)


def go_on(rescore: Rescore, *, seconds: float) -> None:
    """Take over the calibration, look for submissions, and begin the preview if none is left."""
    if rescore.calibration_id is None and not take_calibration(rescore):
        return
    look(rescore, until=time.monotonic() + seconds)
    show(rescore)


@transaction.atomic
def take_calibration(rescore: Rescore) -> bool:
    """Judge by the calibration once it is scored. Returns whether it is."""
    locks.lock(rescore.competition)
    found = hidden(rescore).filter(submission=None, state=State.SCORED).last()
    if found is None or not is_open(rescore):
        return False
    rescore.calibration = found
    own = rescore.quality_ref
    rescore.now_quality_ref = found.calibrated_quality if own is None else own
    rescore.save(update_fields=["calibration", "now_quality_ref"])
    return True


def look(rescore: Rescore, *, until: float) -> None:
    """Queue the submissions that are not in the set yet: first what ranks, then the others.

    The version of the boards is read before them: what changes meanwhile is looked for again.
    """
    competition = rescore.competition
    version = versions.of(competition, Entry.Board.PRIVATE)
    if rescore.looked_at == version:
        return
    for _ in added(rescore, competition):
        if time.monotonic() > until:
            return  # the next sweep looks again; what is in the set costs little
    Rescore.objects.filter(pk=rescore.pk).update(looked_at=version)


def added(rescore: Rescore, competition: Competition) -> Iterator[int]:
    """Queue what is missing, batch by batch; yields the number of each batch."""
    teams = list(competition.teams.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(teams), BATCH):
        yield add(rescore, ranking(competition, teams[start : start + BATCH]))
    if rescore.scope == Rescore.Scope.ALL:
        there = hidden(rescore).filter(submission=OuterRef("submission"))
        others = Evaluation.objects.counting().filter(~Exists(there), competition=competition)
        while missing := list(submissions_of(others.order_by("submission_id"))[:BATCH]):
            yield add(rescore, missing)


@transaction.atomic
def add(rescore: Rescore, wanted: Sequence[int]) -> int:
    """Queue those of some submissions that are not in the set; returns how many."""
    row = Rescore.objects.select_for_update(of=["self"]).get(pk=rescore.pk)
    if not row.is_open:
        return 0
    there = set(submissions_of(hidden(rescore).filter(submission__in=wanted)))
    left = Submission.objects.filter(withdrawn_at=None)  # some may be withdrawn meanwhile
    found = left.in_bulk([one for one in wanted if one not in there])
    enqueue(rescore, [found[one] for one in wanted if one in found])
    return len(found)


def ranking(competition: Competition, teams: Collection[int]) -> list[int]:
    """The submissions of teams that either board shows or would show, each once. While the public
    board stands still, this includes what it will show after it."""
    leading: list[Counting] = []
    boards = [competition]
    if competition.counts_until:
        boards.append(counting.thawed(competition))
    for one in boards:
        best = counting.leaders(one, teams, min_quality=one.min_quality)
        leading += sorted(best.values(), key=lambda one: (one.score_public, one.submission_id))
    finals = counting.finals(competition, teams)
    keys = [one.submission_id for one in leading]
    keys += [one.submission_id for some in finals.values() for one in some]
    return list(dict.fromkeys(keys))


def submissions_of(rows: QuerySet[Evaluation]) -> QuerySet[Evaluation, int]:
    return rows.values_list("submission_id", flat=True)


def enqueue(rescore: Rescore, submissions: Iterable[Submission | None]) -> None:
    """Queue evaluations of a set; None is the reference against itself. Call in a transaction."""
    coming = formulas.under(rescore.competition, rescore)
    now, request = timezone.now(), logs.current_id()
    Evaluation.every.bulk_create(
        Evaluation(
            kind=Evaluation.Kind.SUBMISSION if one else Evaluation.Kind.CALIBRATION,
            competition=rescore.competition,
            submission=one,
            content_sha256=content(rescore, one) if one else "",
            dataset=rescore.dataset,
            reference=rescore.reference,
            profile=rescore.profile,
            rescore=rescore,
            is_hidden=True,
            why=Evaluation.Why.RESCORE,
            queued_at=now,
            request_id=request,
            measurement_key=measurements.key(coming, coming.profile, one),
        )
        for one in submissions
    )
    queue.knock(coming.profile.slug)


def content(rescore: Rescore, submission: Submission) -> str:
    """A hash that tells equal contents of the set from others.

    An upload of the same content has another hash, and so need not wait for the set: see
    `may_begin`.
    """
    return hashlib.sha256(f"{rescore.pk} {submission.content_sha256}".encode()).hexdigest()


@transaction.atomic
def show(rescore: Rescore) -> None:
    """Begin the preview once nothing is missing and nothing is under way."""
    competition = locks.lock(rescore.competition)
    rescore.refresh_from_db()
    if rescore.state != Rescore.State.MEASURING or why_not(rescore, competition):
        return
    rescore.state = Rescore.State.PREVIEW
    rescore.save(update_fields=["state"])
    preparing.begin(competition, rescore=rescore)


def is_open(rescore: Rescore) -> bool:
    rescore.refresh_from_db()
    return rescore.is_open


def why_not(rescore: Rescore, competition: Competition) -> str:
    """Why the set is not complete, in a sentence; empty if it is.

    Call it under the lock of the competition.
    """
    if rescore.calibration_id is None:
        return gettext("The reference is not yet calibrated with the new terms.")
    if left := hidden(rescore).unfinished().count():
        return gettext("Submissions that are still to be measured: %(count)d.") % {"count": left}
    if rescore.looked_at != versions.of(competition, Entry.Board.PRIVATE):
        return gettext(
            "Something was scored or selected in the meantime. It is added within a minute."
        )
    return ""


def check_complete(rescore: Rescore, competition: Competition) -> None:
    """Raises `Conflict` with what is missing. Call it under the lock of the competition."""
    if reason := why_not(rescore, competition):
        raise Conflict(
            gettext("%(reason)s Apply the rescore after that. It helps to pause uploads.")
            % {"reason": reason},
            code="rescore_unfinished",
        )


# What an organizer sees and decides


def hidden(rescore: Rescore) -> EvaluationQuerySet:
    """The evaluations of a rescore, which are not shown."""
    return Evaluation.every.filter(rescore=rescore, is_hidden=True).order_by("pk")


def progress(rescore: Rescore) -> Progress:
    """How far the submissions are; the calibration is not one of them."""
    own = hidden(rescore).filter(submission__isnull=False)
    states = own.by_state()
    running, queued = states[State.RUNNING], states[State.QUEUED]
    return Progress(
        scored=states[State.SCORED],
        failed=failures(rescore).count(),
        running=running,
        queued=queued,
        left=time_left(rescore, running + queued),
    )


def time_left(rescore: Rescore, number: int) -> timedelta | None:
    lately = (
        hidden(rescore)
        .filter(state__in=[State.SCORED, State.FAILED], measured_by=None)
        .order_by("-finished_at")
        .values_list("claimed_at", "finished_at")[:LATELY]
    )
    took = [(end - begin).total_seconds() for begin, end in lately if begin and end]
    ready = workers.ready(rescore.profile).count() if rescore.profile else 0
    if not took or not ready:
        return None
    return timedelta(seconds=number * statistics.median(took) / ready)


def calibration(rescore: Rescore) -> Evaluation | None:
    """The last measuring of the reference by the new terms."""
    rows = Evaluation.every.filter(rescore=rescore, kind=Evaluation.Kind.CALIBRATION)
    return rows.order_by("pk").last()


def failures(rescore: Rescore) -> QuerySet[Evaluation]:
    """The submissions that have no new score, each with its last try."""
    own = Evaluation.every.filter(rescore=rescore, submission__isnull=False)
    later = own.filter(submission=OuterRef("submission"), pk__gt=OuterRef("pk"))
    ended = own.filter(state__in=[State.FAILED, State.ERROR], why=Evaluation.Why.RESCORE)
    return ended.filter(~Exists(later)).select_related("submission__team").order_by("submission_id")


def retry(rescore: Rescore, competition: Competition) -> int:
    """Queue what failed once more, also the reference. Call it under the competition's lock.

    Returns how many evaluations wait then.
    """
    again: list[Submission | None] = [one.submission for one in failures(rescore)]
    reference = calibration(rescore)
    if reference and reference.state in (State.FAILED, State.ERROR):
        again.append(None)
    rescore.competition = competition
    enqueue(rescore, again)
    return len(again)


def switch(rescore: Rescore, competition: Competition) -> None:
    """Let a competition measure by the new terms. Call it under its lock, and save it afterwards.

    Uploads that wait are measured by them. One that runs comes back to the queue at its end:
    see `recording.is_outdated`.
    """
    calibration = rescore.calibration
    assert calibration
    for name in ("dataset", "reference", "profile", "calibration"):
        setattr(competition, name, getattr(rescore, name))
    competition.measured_since = rescore
    hidden(rescore).filter(pk=calibration.pk).update(is_hidden=False)
    waiting = competition.evaluations.filter(state=State.QUEUED, submission__isnull=False)
    teams = sorted(set(waiting.values_list("team_id", flat=True)))
    waiting.update(
        dataset=rescore.dataset,
        reference=rescore.reference,
        profile=rescore.profile,
        rescore=rescore,
    )
    for team in competition.teams.filter(pk__in=teams).order_by("pk"):
        turns.settle_anew(team)
    queueing.enqueue_baselines(competition)
    queue.knock(competition.profile.slug)
