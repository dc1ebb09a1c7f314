"""A worker claims evaluations and runs them to their end.

The worker renews a lease on the evaluation that it runs. `attempt` is the fencing token: a worker
whose lease ran out cannot record over its successor.
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
from typing import TYPE_CHECKING, Any

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
from leaderboard import logs, queue
from leaderboard.models import Evaluation, HardwareProfile, Worker
from leaderboard.models.evaluation import Stale
from leaderboard.models.evaluations import QUEUE_ORDER
from leaderboard.services import (
    copies,
    jobs,
    locks,
    measurements,
    recording,
    statements,
    trainings,
    trials,
    turns,
    workers,
)
from scoring.job import TIMED_STAGE, Failure, Progress, Report
from scoring.sentences import Sentence, say

if TYPE_CHECKING:
    from leaderboard.services.answers import Labels

logger = logging.getLogger(__name__)
State = Evaluation.State
Why = Evaluation.Why
REFERENCE = "reference_"
"""The prefix of the engine's codes for failures of the reference model."""
WRITTEN_EVERY = 0.8
"""Least seconds between two writes of progress. The engine tells its progress about every half
second."""


class Abandoned(Exception):
    """The evaluation no longer belongs to this worker, or the worker is asked to stop."""


@copies.held()
def run_next(
    profile_slug: str,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    is_passed_on: bool = False,
) -> Evaluation | None:
    """Claim the next queued evaluation of a profile and run it to its end.

    None: nothing was queued, or this worker may take no work. It then passes the knock on once,
    because the next worker may be fit. The sweep knocks again in any case.
    """
    profile = HardwareProfile.objects.get(slug=profile_slug)
    worker = workers.this_worker(profile)
    if not workers.is_fit(worker, should_stop=should_stop):
        if not is_passed_on:
            queue.knock(profile_slug, is_passed_on=True)
        return None
    trials.run_next(profile)
    trainings.run_next(profile, should_stop=should_stop)
    evaluation = claim(profile, worker=worker)
    if evaluation is None:
        return None
    with logs.working_for(request=evaluation.request_id, evaluation=evaluation.pk):
        logger.info("%s takes attempt %s.", worker, evaluation.attempt)
        evaluate(evaluation, should_stop=should_stop)
    if Evaluation.every.filter(profile=profile, state=State.QUEUED).exists():
        queue.knock(profile_slug)
    return evaluation


def evaluate(evaluation: Evaluation, *, should_stop: Callable[[], bool]) -> None:
    """Bring a claimed evaluation to its end, by what was measured before or by measuring."""
    try:
        measurements.hold_to_today(evaluation)
        if stored := measurements.stored(evaluation):
            recording.record_stored(evaluation, stored)
        else:
            measure(evaluation, should_stop=should_stop)
    except Stale as error:
        logger.warning("%s Nothing was recorded.", error)
    else:
        logger.info("The attempt has ended.")


def claim(profile: HardwareProfile, *, worker: Worker | None = None) -> Evaluation | None:
    """Claim the first evaluation that may begin, or None. Two workers never claim the same one."""
    key = take(profile.pk, worker.pk if worker else None)
    return None if key is None else Evaluation.every.get(pk=key)


@transaction.atomic
def take(profile: int, worker: int | None) -> int | None:
    """Claim an evaluation; returns its key.

    Workers of a profile claim one after the other, so that no two begin the same content. So this
    transaction does only what cannot be done later.
    """
    locks.hold(HardwareProfile, profile)
    # A second try, because the first evaluation may have been cancelled in this moment.
    for _ in range(2):
        for key, team in statements.run(*taking(profile, worker)):
            if team:
                turns.settle(team)
            return int(key)
    return None


@functools.cache
def taking(profile: int, worker: int | None) -> tuple[str, tuple[Any, ...]]:
    """The SQL that claims: it moves the first evaluation that may begin to RUNNING and returns the
    keys of the evaluation and of its team.

    Calibrations come first, then uploads, then extra measurements, then what a rescore measures
    again; each has an index. The text is cached, because Django takes longer to compile it than the
    database to run it.
    """
    every = Evaluation.every.filter(state=State.QUEUED, profile=profile).may_begin(profile)
    waiting = every.filter(is_hidden=False)
    again = every.filter(is_hidden=True, rescore__paused_at=None).order_by("queued_at", "pk")
    calibrations = waiting.filter(team=None).order_by("queued_at", "pk")
    uploads = (
        waiting.filter(team__queue=profile).exclude(why=Why.TOP_OVERLAP).order_by(*QUEUE_ORDER)
    )
    extra = waiting.filter(why=Why.TOP_OVERLAP).order_by("queued_at", "pk")
    parts = (calibrations, uploads, extra, again)
    first = Coalesce(*(Subquery(part.values("pk")[:1]) for part in parts))
    taken = Evaluation.every.filter(pk=first, state=State.QUEUED)
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
    """Run the engine on a claimed evaluation, outside any transaction, and record the result.

    The lease is renewed until the result is written, so that no result is lost.
    """
    with lease_kept(evaluation) as is_lost:
        show = progress_writer(evaluation, lambda: is_lost() or should_stop())
        answered: dict[str, Labels] = {}
        try:
            report = scoring.evaluate(
                jobs.for_evaluation(evaluation), progress=show, answered=answered.update
            )
        except Abandoned:
            if should_stop():
                # A copy: the thread that renews the lease still uses this object as a running one.
                stopped = copy.copy(evaluation)
                recording.give_back(
                    stopped, code=recording.STOPPED, said=say("The worker was stopped.")
                )
            return
        except Exception as error:
            ended = partial(broken, error=error)
        else:
            ended = partial(recording.record, report=report, answered=answered)
        patiently(evaluation, ended)


def broken(evaluation: Evaluation, error: Exception) -> None:
    """End an attempt that raised an error: a fault of ours, or a verdict on a calibrated
    reference."""
    is_full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    # If the disk has room again, this attempt filled it, and the next one would fill it, too.
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
        # The reference is what a calibration measures: its failure is a verdict, to be kept.
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
    """Renew the lease from a thread while the body runs. Yields a function: was the lease lost?"""
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
    """A callback that writes progress, about once a second. It raises `Abandoned` if work is in
    vain.

    Of the timed stage only the beginning is written, and pages go on by the clock. A model can
    spend time depending on its input, and a bar that follows each block would show that to the
    team.
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
    """Write the end of an evaluation, with retries for two minutes while the database is away.

    Each try gets a copy, because a try that was rolled back has set the new state on its object.
    Raises `Stale`, and the database's error after the last try.
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
