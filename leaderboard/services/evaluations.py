"""Evaluations are queued, claimed and run; nothing of this gets stuck or lost.

A worker holds a lease on what it runs and renews it; `attempt` is the fencing token, so that a
worker that comes back from the dead cannot record over its successor.
"""

from __future__ import annotations

import copy
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
from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

import scoring
from leaderboard import queue
from leaderboard.errors import Conflict
from leaderboard.models import Competition, Evaluation, HardwareProfile, Submission, User, Worker
from leaderboard.models.evaluation import Stale
from leaderboard.services import (
    competitions,
    jobs,
    locks,
    measurements,
    rankings,
    recording,
    workers,
)
from scoring.job import TIMED_STAGE, Progress

logger = logging.getLogger(__name__)
State = Evaluation.State
Why = Evaluation.Why
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
        reference=competition.reference,
        dataset=competition.dataset,
        profile=profile,
        why=why,
        queued_at=timezone.now(),
        measurement_key=measurements.key(competition, profile, submission),
    )
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
        evaluation.move_to(State.CANCELLED, finished_at=timezone.now())
    except Stale as error:
        raise Conflict(
            "Only what waits in the queue can be cancelled.", code="not_queued"
        ) from error


def cancel_queued(submission: Submission) -> None:
    """Take a submission's waiting evaluation out of the queue; a running one is left to end."""
    for evaluation in submission.evaluations.filter(state=State.QUEUED):
        try:
            evaluation.move_to(State.CANCELLED, finished_at=timezone.now())
        except Stale:
            logger.info("%s was taken by a worker before it could be cancelled.", evaluation)


def line(evaluation: Evaluation) -> Line:
    """Where a queued evaluation stands and about how long it will wait."""
    waiting = list(Evaluation.objects.queued(evaluation.profile).values_list("pk", flat=True))
    position = waiting.index(evaluation.pk) + 1 if evaluation.pk in waiting else 0
    recent = Evaluation.objects.filter(
        profile=evaluation.profile, state__in=[State.SCORED, State.FAILED], measured_by=None
    )[:20]
    seconds = [
        (one.finished_at - one.claimed_at).total_seconds()
        for one in recent
        if one.finished_at and one.claimed_at
    ]
    if workers.are_sidelined(evaluation.profile):
        return Line(position, len(waiting), None, is_held=True)
    if not seconds or not position:
        return Line(position, len(waiting), None)
    alive = workers.ready(evaluation.profile).count()
    ahead = position - 1 + evaluation.profile.evaluations.filter(state=State.RUNNING).count() / 2
    return Line(
        position,
        len(waiting),
        timedelta(seconds=ahead * statistics.median(seconds) / max(1, alive)),
    )


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


@transaction.atomic
def claim(profile: HardwareProfile, *, worker: Worker | None = None) -> Evaluation | None:
    """The next one in line, from now on this worker's; one after the other, so that two workers
    do not begin the same content."""
    locks.lock(profile)
    now = timezone.now()
    return Evaluation.objects.claim(
        profile, worker=worker, now=now, lease_until=now + settings.LEASE
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
        except scoring.EngineError as error:
            logger.error("%s: %s", evaluation, error)
            ended = partial(recording.give_back, code=error.code, message=error.message)
        except Exception as error:
            logger.exception("%s ended by our fault", evaluation)
            ended = partial(recording.give_back, code="internal", message=repr(error))
        else:
            ended = partial(recording.record, report=report)
        patiently(evaluation, ended)


@contextmanager
def lease_kept(evaluation: Evaluation) -> Iterator[Callable[[], bool]]:
    """Renew the lease from a thread while the body runs; yields whether it was lost meanwhile."""
    done, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not done.wait(settings.LEASE.total_seconds() / 4):
            now = timezone.now()
            try:
                evaluation.note(lease_expires_at=now + settings.LEASE)
                if evaluation.worker_id:
                    Worker.objects.filter(pk=evaluation.worker_id).update(seen_at=now)
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
        written, now = time.monotonic(), timezone.now()
        news: dict[str, Any] = {}
        if progress.stage != stage or stage != TIMED_STAGE:
            news = {
                "stage": progress.stage,
                "percent": progress.percent,
                "remaining_seconds": progress.remaining_seconds,
                "noted_at": now,
            }
        stage = progress.stage
        try:
            evaluation.note(lease_expires_at=now + settings.LEASE, **news)
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
    now = timezone.now()
    for evaluation in Evaluation.objects.filter(state=State.RUNNING, lease_expires_at__lt=now):
        try:
            recording.give_back(
                evaluation, code="worker_lost", message="The worker stopped renewing its lease."
            )
        except Stale:
            logger.info("%s was finished while it was swept.", evaluation)
    competitions.close_ended(now)
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
