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
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

import scoring
from leaderboard import queue
from leaderboard.errors import Conflict
from leaderboard.models import (
    Competition,
    Evaluation,
    HardwareProfile,
    Submission,
    Team,
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
        reference=competition.reference,
        dataset=competition.dataset,
        profile=profile,
        why=why,
        queued_at=timezone.now(),
        measurement_key=measurements.key(competition, profile, submission),
    )
    if submission:
        turns.settle(locks.lock(submission.team))
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
        evaluation.move_to(State.CANCELLED, finished_at=Now())
    except Stale as error:
        raise Conflict(
            "Only what waits in the queue can be cancelled.", code="not_queued"
        ) from error


def cancel_queued(submission: Submission) -> None:
    """Take a submission's waiting evaluation out of the queue; a running one is left to end."""
    for evaluation in submission.evaluations.filter(state=State.QUEUED):
        try:
            evaluation.move_to(State.CANCELLED, finished_at=Now())
        except Stale:
            logger.info("%s was taken by a worker before it could be cancelled.", evaluation)


def line(evaluation: Evaluation) -> Line:
    """Where a queued evaluation stands and about how long it will wait, as of two seconds ago at
    most: a page that is polled does not count the line each time."""
    key = f"line:{evaluation.pk}:{evaluation.attempt}:{evaluation.queued_at.timestamp()}"
    if (found := cache.get(key)) is None:
        found = place(evaluation)
        cache.set(key, found, LINE_SECONDS)
    position, length, seconds = found
    if workers.are_sidelined(evaluation.profile):
        return Line(position, length, None, is_held=True)
    if seconds is None or not position:
        return Line(position, length, None)
    return Line(position, length, timedelta(seconds=seconds))


def place(evaluation: Evaluation) -> list[float | None]:
    """The position in the line (0: in none any more), the line's length, the seconds to wait; as
    a list, which every cache can keep."""
    profile = evaluation.profile
    waiting = Evaluation.objects.queued(profile)
    row = waiting.select_related("team", "profile").filter(pk=evaluation.pk).first()
    position = turns.position(row) if row else 0
    lately = (
        profile.evaluations.filter(state__in=[State.SCORED, State.FAILED], measured_by=None)
        .order_by("-finished_at")
        .values_list("claimed_at", "finished_at")[:20]
    )
    took = [(ended - begun).total_seconds() for begun, ended in lately if begun and ended]
    if not took:
        return [position, waiting.count(), None]
    running = profile.evaluations.filter(state=State.RUNNING).count()
    ahead = position - 1 + running / 2
    alive = workers.ready(profile).count()
    return [position, waiting.count(), ahead * statistics.median(took) / max(1, alive)]


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
    """The first one in line that may begin, from now on this worker's; None where there is none."""
    taken = take(profile, worker)
    return Evaluation.objects.get(pk=taken) if taken else None


@transaction.atomic
def take(profile: HardwareProfile, worker: Worker | None) -> int | None:
    """Move the first one in line that may begin to RUNNING, and return its key. Two workers never
    take the same one.

    Workers of a profile take one after the other, so that no two begin the same content. The
    compare-and-swap decides all the same: an evaluation may be cancelled meanwhile.
    """
    locks.lock(profile)
    with connection.cursor() as cursor:
        for sql, parameters in firsts(profile.pk):
            while True:
                cursor.execute(sql, parameters)
                if (first := cursor.fetchone()) is None:
                    break
                key, team_key, attempt = first
                # The team before its evaluation, as everybody does.
                team = locks.lock(Team(pk=team_key)) if team_key else None
                try:
                    Evaluation(pk=key, state=State.QUEUED, attempt=attempt).move_to(
                        State.RUNNING,
                        attempt=attempt + 1,
                        worker=worker,
                        claimed_at=Now(),
                        lease_expires_at=Now() + settings.LEASE,
                        not_before=None,
                        stage="starting",
                        percent=0,
                        remaining_seconds=None,
                        noted_at=None,
                    )
                except Stale:
                    continue
                if team:
                    turns.settle(team)
                return int(key)
    return None


@functools.cache
def firsts(profile_key: int) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    """SQL for the first one that may begin: of the calibrations, the uploads, the extra
    measurements. Each by itself, so that an index gives it at once; kept, because Django takes
    longer to write it than the database to answer."""
    line = Evaluation.objects.queued(HardwareProfile(pk=profile_key)).may_begin()
    uploads = line.filter(team__queue=profile_key).exclude(why=Why.TOP_OVERLAP).order_by(*LINE)
    return tuple(
        part.values_list("pk", "team", "attempt")[:1].query.sql_with_params()
        for part in (line.filter(team=None), uploads, line.filter(why=Why.TOP_OVERLAP))
    )


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
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
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
    and knock again for whatever waits."""
    for evaluation in Evaluation.objects.filter(state=State.RUNNING, lease_expires_at__lt=Now()):
        try:
            recording.give_back(
                evaluation,
                code=recording.LOST,
                message="The worker stopped renewing its lease.",
            )
        except Stale:
            logger.info("%s was finished while it was swept.", evaluation)
    preparing.go_on_all()
    competitions.close_ended()
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
    content at most `MAX_EXTRA` times; never once the final ranking is published.
    """
    competition = Competition.objects.select_for_update(of=["self"]).get(pk=competition.pk)
    profile = competition.profile
    is_idle = workers.ready(profile).exists() and not profile.evaluations.unfinished().exists()
    if competition.is_published or not is_idle:
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
