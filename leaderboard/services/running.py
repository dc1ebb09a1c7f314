"""A worker claims evaluations and sees them through; nothing of this gets stuck or lost.

A worker holds a lease on what it runs and renews it; `attempt` is the fencing token, so that a
worker that comes back from the dead cannot record over its successor.
"""

from __future__ import annotations

import copy
import errno
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.conf import settings
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
from leaderboard.models import Evaluation, HardwareProfile, Worker
from leaderboard.models.evaluation import LINE, Stale
from leaderboard.services import (
    jobs,
    locks,
    measurements,
    recording,
    statements,
    turns,
    workers,
)
from scoring.job import TIMED_STAGE, Failure, Progress, Report
from scoring.sentences import Sentence, say

logger = logging.getLogger(__name__)
State = Evaluation.State
Why = Evaluation.Why
REFERENCE = "reference_"
"""Begins the engine's codes of what the reference model failed with."""
WRITTEN_EVERY = 0.8
"""Seconds between writes of progress: the engine tells it every half second, some more or less."""


class Abandoned(Exception):
    """The evaluation is no longer this worker's to finish, or the worker is asked to stop."""


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
                    stopped, code=recording.STOPPED, said=say("The worker was stopped.")
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
        error = scoring.EngineError(
            workers.NO_ROOM, say("The worker's disk is full: %(error)s.", error=str(error))
        )
    if not isinstance(error, scoring.EngineError):
        logger.error("%s ended by our fault", evaluation, exc_info=error)
        recording.give_back(evaluation, code="internal", said=bug(error))
        return
    logger.error("%s: %s", evaluation, error)
    if evaluation.kind == Evaluation.Kind.CALIBRATION and error.code.startswith(REFERENCE):
        # What is calibrated is the reference, so this is a verdict: trying again changes nothing.
        found = Failure(error.code.removeprefix(REFERENCE), error.said)
        recording.record(evaluation, Report(status="failed", failure=found))
        return
    if error.code == workers.NO_ROOM and evaluation.worker:
        workers.await_room(evaluation.worker, error)
    recording.give_back(evaluation, code=error.code, said=error.said)


def bug(error: Exception) -> Sentence:
    """An error that no code foresaw, for organizers."""
    return say("The worker met an unexpected error: %(error)s", error=repr(error))


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
            recording.give_back(copy.copy(evaluation), code="not_recorded", said=bug(error))
            return
