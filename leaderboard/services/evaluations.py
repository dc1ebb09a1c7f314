"""Evaluations are queued, claimed and run; nothing of this gets stuck or lost.

A worker holds a lease on what it runs and renews it; `attempt` is the fencing token, so that a
worker that comes back from the dead cannot record over its successor.
"""

from __future__ import annotations

import copy
import errno
import functools
import logging
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from django.db.models import F, Subquery
from django.db.models.functions import Coalesce, Now
from django.db.models.sql import UpdateQuery
from django.utils import timezone

import scoring
from leaderboard import queue
from leaderboard.errors import Conflict
from leaderboard.models import (
    Competition,
    Evaluation,
    HardwareProfile,
    Submission,
    User,
    Worker,
)
from leaderboard.models.evaluation import LINE, Stale
from leaderboard.services import (
    competitions,
    jobs,
    locks,
    measurements,
    preparing,
    rankings,
    recording,
    staging,
    statements,
    turns,
    workers,
)
from scoring.job import TIMED_STAGE, Failure, Progress, Report

logger = logging.getLogger(__name__)
State = Evaluation.State
Why = Evaluation.Why
REFERENCE = "reference_"
"""Begins the engine's codes of what the reference model failed with."""
LINE_SECONDS = 2
"""How long a place in the line is kept: pages and commands that poll it ask once a second."""
MAX_EXTRA = 3
"""Most measurements of one content that an overlapping top may ask for."""
WRITTEN_EVERY = 0.8
"""Seconds between writes of progress: the engine tells it every half second, some more or less."""


class Abandoned(Exception):
    """The evaluation is no longer this worker's to finish, or the worker is asked to stop."""


@dataclass(frozen=True)
class Line:
    """A queued evaluation's place; `wait` is None until something was measured."""

    position: int
    length: int
    wait: timedelta | None
    is_held: bool = False
    """Whether no worker of the profile is fit to measure fairly just now."""


# Queueing


def enqueue(
    *, competition: Competition, submission: Submission | None = None, why: str = Why.FIRST
) -> Evaluation:
    """Queue an evaluation of a submission, or without one a calibration, and knock after commit."""
    if competition.reference is None or competition.dataset is None:
        raise Conflict("The competition has no reference model or dataset yet.", code="not_ready")
    profile = competition.profile
    evaluation = Evaluation.objects.create(
        kind=Evaluation.Kind.SUBMISSION if submission else Evaluation.Kind.CALIBRATION,
        competition=competition,
        submission=submission,
        team=submission.team if submission else None,
        content_sha256=submission.content_sha256 if submission else "",
        reference=competition.reference,
        dataset=competition.dataset,
        profile=profile,
        why=why,
        queued_at=timezone.now(),
        measurement_key=measurements.key(competition, profile, submission),
    )
    if submission:
        turns.settle(locks.lock(submission.team).pk)
    transaction.on_commit(lambda: queue.knock(profile.slug))
    return evaluation


@transaction.atomic
def evaluate_again(*, submission: Submission, by: User) -> Evaluation:
    """Measure a submission once more, pooled with before; what counts meanwhile stays."""
    competitions.check_organizer(by)
    competition = locks.lock(submission.competition)
    competitions.check_unpublished(competition)
    if submission.evaluations.unfinished().exists():
        raise Conflict("An evaluation of this submission is under way.", code="already_queued")
    return enqueue(competition=competition, submission=submission, why=Why.REQUESTED)


@transaction.atomic
def cancel(*, evaluation: Evaluation, by: User) -> None:
    """Take a waiting evaluation out of the queue; a submission's first one is refunded by that."""
    competitions.check_organizer(by)
    try:
        if evaluation.state != State.QUEUED:
            raise Stale
        end_queued(evaluation)
    except Stale as error:
        raise Conflict(
            "Only what waits in the queue can be cancelled.", code="not_queued"
        ) from error


def cancel_queued(submission: Submission) -> None:
    """Take a submission's waiting evaluation out of the queue; a running one is left to end."""
    for evaluation in submission.evaluations.filter(state=State.QUEUED):
        try:
            end_queued(evaluation)
        except Stale:
            logger.info("%s was taken by a worker before it could be cancelled.", evaluation)


def end_queued(evaluation: Evaluation) -> None:
    """Cancel an evaluation that waits. Raises `Stale`."""
    evaluation.move_to(State.CANCELLED, finished_at=Now())
    if evaluation.team:
        turns.settle(locks.lock(evaluation.team).pk)


def line(evaluation: Evaluation) -> Line:
    """Where a queued evaluation stands and about how long it will wait, as of two seconds ago at
    most: a page that is polled does not count the line each time."""
    key = f"line:{evaluation.pk}:{evaluation.attempt}:{evaluation.queued_at.timestamp()}"
    position = int(kept(key, lambda: place(evaluation)))
    length, seconds = kept(f"pace:{evaluation.profile_id}", lambda: pace(evaluation))
    is_held = workers.are_sidelined(evaluation.profile)
    if is_held or seconds is None or not position:
        return Line(position, length, None, is_held=is_held)
    return Line(position, length, timedelta(seconds=(position - 1) * seconds))


def kept(key: str, find: Callable[[], Any]) -> Any:
    """What was found `LINE_SECONDS` ago at most; plain values, which every cache can keep."""
    if (found := cache.get(key)) is None:
        found = find()
        cache.set(key, found, LINE_SECONDS)
    return found


def place(evaluation: Evaluation) -> int:
    """The position in the line, counted from 1; 0: it is in none any more."""
    waiting = Evaluation.objects.filter(state=State.QUEUED).select_related("team", "profile")
    row = waiting.filter(pk=evaluation.pk).first()
    return turns.position(row) if row else 0


def pace(evaluation: Evaluation) -> list[Any]:
    """Of the line that an evaluation stands in: its length, and the seconds until it is shorter by
    one; None before anything was measured."""
    profile = evaluation.profile
    length = Evaluation.objects.filter(state=State.QUEUED, profile=profile).count()
    lately = (
        profile.evaluations.filter(state__in=[State.SCORED, State.FAILED], measured_by=None)
        .order_by("-finished_at")
        .values_list("claimed_at", "finished_at")[:20]
    )
    took = [(ended - begun).total_seconds() for begun, ended in lately if begun and ended]
    ready = workers.ready(profile).count()
    return [length, statistics.median(took) / max(1, ready) if took else None]


# Running


def run_next(
    profile_slug: str,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    is_passed_on: bool = False,
) -> Evaluation | None:
    """Claim the next queued evaluation of a profile and see it through.

    None: there was none, or this worker may take none. It passes the knock on then, once: the next
    one that it reaches may be fit, and the sweep knocks again anyway.
    """
    profile = HardwareProfile.objects.get(slug=profile_slug)
    worker = workers.this_worker(profile)
    if not workers.is_fit(worker, should_stop=should_stop):
        if not is_passed_on:
            queue.knock(profile_slug, is_passed_on=True)
        return None
    evaluation = claim(profile, worker=worker)
    if evaluation is None:
        return None
    try:
        measurements.hold_to_today(evaluation)
        if stored := measurements.stored(evaluation):
            recording.record_stored(evaluation, stored)
        else:
            measure(evaluation, should_stop=should_stop)
    except Stale as error:
        logger.warning("%s Nothing was recorded.", error)
    if Evaluation.objects.filter(profile=profile, state=State.QUEUED).exists():
        queue.knock(profile_slug)
    return evaluation


def claim(profile: HardwareProfile, *, worker: Worker | None = None) -> Evaluation | None:
    """Take the first one in line that may begin, or None; two workers never take the same one."""
    key = take(profile.pk, worker.pk if worker else None)
    return None if key is None else Evaluation.objects.get(pk=key)


@transaction.atomic
def take(profile: int, worker: int | None) -> int | None:
    """Claim, by keys. Workers of a profile claim one after the other, so that no two begin the
    same content; so nothing is done here that can be done afterwards.
    """
    locks.hold(HardwareProfile, profile)
    # Again where it found none: the first one may just have been cancelled.
    for _ in range(2):
        for key, team in statements.run(*taking(profile, worker)):
            if team:
                turns.settle(team)
            return int(key)
    return None


@functools.cache
def taking(profile: int, worker: int | None) -> tuple[str, tuple[Any, ...]]:
    """SQL that moves the first one that may begin to RUNNING and returns it: a calibration, else
    an upload, else an extra measurement, each of which an index gives at once. It returns its key
    and its team's.

    It is kept, because Django takes longer to write it than the database to answer.
    """
    line = Evaluation.objects.filter(state=State.QUEUED, profile=profile).may_begin(profile)
    calibrations = line.filter(team=None).order_by("queued_at", "pk")
    uploads = line.filter(team__queue=profile).exclude(why=Why.TOP_OVERLAP).order_by(*LINE)
    extra = line.filter(why=Why.TOP_OVERLAP).order_by("queued_at", "pk")
    parts = (calibrations, uploads, extra)
    first = Coalesce(*(Subquery(part.values("pk")[:1]) for part in parts))
    taken = Evaluation.objects.filter(pk=first, state=State.QUEUED)
    update = taken.query.chain(UpdateQuery)
    assert isinstance(update, UpdateQuery)
    update.add_update_values(
        {
            "state": State.RUNNING,
            "attempt": F("attempt") + 1,
            "worker": worker,
            "claimed_at": Now(),
            "lease_expires_at": Now() + settings.LEASE,
            "not_before": None,
            "stage": "starting",
            "percent": 0,
            "remaining_seconds": None,
            "noted_at": None,
        }
    )
    sql, parameters = update.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    return statements.written(f"{sql} RETURNING id, team_id", parameters)


def measure(evaluation: Evaluation, *, should_stop: Callable[[], bool]) -> None:
    """Run the engine on a claimed evaluation, outside any transaction, and record what it found.

    The lease is kept until that is written: what was found must not be lost meanwhile.
    """
    with lease_kept(evaluation) as is_lost:
        show = progress_writer(evaluation, lambda: is_lost() or should_stop())
        try:
            report = scoring.evaluate(jobs.for_evaluation(evaluation), progress=show)
        except Abandoned:
            if should_stop():
                # A copy, as below: the thread that keeps the lease knows this object as running.
                stopped = copy.copy(evaluation)
                recording.give_back(
                    stopped, code=recording.STOPPED, message="The worker was stopped."
                )
            return
        except Exception as error:
            ended = partial(broken, error=error)
        else:
            ended = partial(recording.record, report=report)
        patiently(evaluation, ended)


def broken(evaluation: Evaluation, error: Exception) -> None:
    """End an attempt that raised an error: it is ours, or the reference's that is calibrated."""
    is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    # A disk that has room again was filled by this attempt, and would be by the next one.
    if is_full and not workers.can_hold(workers.SPARE_BYTES):
        error = scoring.EngineError(workers.NO_ROOM, f"The worker's disk is full: {error}.")
    if not isinstance(error, scoring.EngineError):
        logger.error("%s ended by our fault", evaluation, exc_info=error)
        recording.give_back(evaluation, code="internal", message=repr(error))
        return
    logger.error("%s: %s", evaluation, error)
    if evaluation.kind == Evaluation.Kind.CALIBRATION and error.code.startswith(REFERENCE):
        # What is calibrated is the reference, so this is a verdict: trying again changes nothing.
        found = Failure(error.code.removeprefix(REFERENCE), error.message)
        recording.record(evaluation, Report(status="failed", failure=found))
        return
    if error.code == workers.NO_ROOM and evaluation.worker:
        workers.await_room(evaluation.worker, error)
    recording.give_back(evaluation, code=error.code, message=error.message)


@contextmanager
def lease_kept(evaluation: Evaluation) -> Iterator[Callable[[], bool]]:
    """Renew the lease from a thread while the body runs; yields whether it was lost meanwhile."""
    done, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not done.wait(settings.LEASE.total_seconds() / 4):
            try:
                evaluation.note(lease_expires_at=Now() + settings.LEASE)
                if evaluation.worker_id:
                    Worker.objects.filter(pk=evaluation.worker_id).update(seen_at=Now())
            except Stale:
                lost.set()
                break
            except (OperationalError, InterfaceError) as error:
                logger.warning("The lease of %s could not be renewed: %s", evaluation, error)
            finally:
                connection.close()

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield lost.is_set
    finally:
        done.set()
        thread.join()


def progress_writer(
    evaluation: Evaluation, is_over: Callable[[], bool]
) -> Callable[[Progress], None]:
    """A callback that writes progress, about once a second, and ends what is in vain.

    Of the timing only its beginning is told, and pages go on by the clock: a model could spend time
    by what it sees, and a bar that follows its blocks would show its team every one of them.
    """
    written, stage = float("-inf"), ""

    def write(progress: Progress) -> None:
        nonlocal written, stage
        if is_over():
            raise Abandoned
        if progress.stage == stage and time.monotonic() - written < WRITTEN_EVERY:
            return
        written = time.monotonic()
        news: dict[str, Any] = {}
        if progress.stage != stage or stage != TIMED_STAGE:
            news = {
                "stage": progress.stage,
                "percent": progress.percent,
                "remaining_seconds": progress.remaining_seconds,
                "noted_at": timezone.now(),
            }
        stage = progress.stage
        try:
            evaluation.note(lease_expires_at=Now() + settings.LEASE, **news)
        except Stale as error:
            raise Abandoned from error
        except (OperationalError, InterfaceError) as error:
            logger.warning("Progress of %s could not be written: %s", evaluation, error)
            connection.close()

    return write


def patiently(evaluation: Evaluation, write: Callable[[Evaluation], None]) -> None:
    """Write how an evaluation ended, trying for minutes: a database that is away must not cost it.

    Each try gets a copy, since one that was rolled back has already told its object the new state.
    Raises `Stale`, and the database's error once patience is at an end.
    """
    for delay in (1, 2, 4, 8, 16, 32, 64, None):
        try:
            write(copy.copy(evaluation))
            return
        except (OperationalError, InterfaceError) as error:
            if delay is None:
                raise
            logger.warning("A result could not be written, next try in %s s: %s", delay, error)
            connection.close()
            time.sleep(delay)
        except Stale:
            raise
        except Exception as error:
            logger.exception("The end of %s cannot be written", evaluation)
            recording.give_back(copy.copy(evaluation), code="not_recorded", message=repr(error))
            return


# Sweeping


def sweep() -> None:
    """Return expired leases, close what has ended, measure overlapping tops again on idle workers,
    throw away images that nobody imported, and knock again for whatever waits."""
    for evaluation in Evaluation.objects.filter(state=State.RUNNING, lease_expires_at__lt=Now()):
        try:
            recording.give_back(
                evaluation,
                code=recording.LOST,
                message="The worker stopped renewing its lease.",
            )
        except Stale:
            logger.info("%s was finished while it was swept.", evaluation)
    competitions.close_ended()
    staging.sweep()
    for competition in Competition.objects.filter(published_at=None, remeasured_ranks__gt=1):
        measure_top_again(competition)
    # Profiles with nothing to do are knocked for too: their workers show that they are alive. A
    # knock reaches one of them, the one that has heard none for the longest.
    for profile in HardwareProfile.objects.all():
        for _ in range(max(1, workers.seen_lately(profile).count())):
            queue.knock(profile.slug)


@transaction.atomic
def measure_top_again(competition: Competition) -> Evaluation | None:
    """Queue one more measurement for an overlapping top, or None where nothing is to be done.

    Only while a worker has nothing else to do, one at a time, the least measured first and each
    content at most `MAX_EXTRA` times; never once the final ranking is published, or prepared for
    it: a publication waits for what is queued.
    """
    competition = Competition.objects.select_for_update(of=["self"]).get(pk=competition.pk)
    profile = competition.profile
    is_idle = workers.ready(profile).exists() and not profile.evaluations.unfinished().exists()
    if competition.is_published or preparing.is_publishing(competition) or not is_idle:
        return None
    extra = Counter(
        competition.evaluations.filter(why=Why.TOP_OVERLAP).values_list(
            "submission__content_sha256", flat=True
        )
    )
    overlapping = rankings.overlapping(competition, first=competition.remeasured_ranks)
    candidates = [
        (extra[one.content_sha256], one.uploaded_at, one)
        for one in (entry.submission for entry in overlapping)
        if extra[one.content_sha256] < MAX_EXTRA
    ]
    if not candidates:
        return None
    *_, least = min(candidates, key=lambda one: one[:2])
    return enqueue(competition=competition, submission=least, why=Why.TOP_OVERLAP)
