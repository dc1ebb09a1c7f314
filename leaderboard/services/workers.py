"""Workers check themselves: the sandbox holds, and the reference against itself is 1.

At its start a worker lets models try to break out of the sandbox, and measures what turns cost on
its host. At its start and at intervals it measures a canary. If a check fails, the worker is
sidelined: it takes no work, tells why, and checks itself again later.
"""

from __future__ import annotations

import logging
import os
import socket
import tempfile
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

import scoring
from leaderboard import sentences
from leaderboard.errors import Conflict
from leaderboard.models import Canary, Competition, HardwareProfile, User, Worker
from leaderboard.rounding import interval
from leaderboard.services import audit, containment, hosts, jobs, organizers, statements
from leaderboard.services.load import ForeignLoad
from scoring import hardware
from scoring.job import Failure, Progress, Report
from scoring.sentences import Sentence, say
from scoring.timing import intervals, machine

logger = logging.getLogger(__name__)
ALIVE = timedelta(minutes=2)
SEEN_EVERY = timedelta(seconds=10)
RECHECK_AFTER = timedelta(minutes=5)
"""How long a sidelined worker waits before it checks itself again."""
NO_ROOM = "cache_failed"
"""The engine's code for a disk that is full or cannot be written."""
SPARE_BYTES = 1 << 20
"""A disk with less room is full: nothing works there."""
LOOK_AGAIN = timedelta(seconds=10)
"""How long a worker waits whose disk is full. A look costs nothing, and room may come in
seconds."""

contained: set[str] = set()
"""Devices whose sandbox held when this process tried it."""
wanted: dict[int, int] = {}
"""Bytes that the disk had no room for, by the key of a worker of this process."""
begun: set[str] = set()
"""Names of the workers whose rows this process has taken over."""


class Stopped(Exception):
    """The worker is asked to stop while it checks itself."""


def this_worker(profile: HardwareProfile) -> Worker:
    """The row of this process for a profile, with its machine."""
    now = timezone.now()
    name = f"{socket.gethostname()}:{os.getpid()}"
    worker = Worker.objects.filter(name=name, profile=profile).first()
    # A container that starts again has the same host name and process number as before.
    if worker is None or name not in begun:
        worker, _ = Worker.objects.update_or_create(
            name=name,
            defaults={
                "profile": profile,
                "fingerprint": hardware.fingerprint(profile.plan()),
                "versions": hardware.versions(),
                "host": {},
                "started_at": now,
                "seen_at": now,
                # The state of an earlier process of this name does not hold.
                "state": Worker.State.READY,
                "reason_said": [],
                "canary_due_at": None,
                "drained_at": None,
            },
        )
        begun.add(name)
    show_alive(worker)
    return worker


def show_alive(worker: Worker) -> None:
    """Write now and then that a worker is alive, also while it checks itself or waits."""
    now = timezone.now()
    if now - worker.seen_at <= SEEN_EVERY:
        return
    try:
        Worker.objects.filter(pk=worker.pk).update(seen_at=Now())
    except (OperationalError, InterfaceError) as error:
        logger.warning("That %s is there could not be written: %s", worker, error)
        connection.close()
    worker.seen_at = now


def seen_lately(profile: HardwareProfile | int) -> QuerySet[Worker]:
    return Worker.objects.filter(profile=profile, seen_at__gt=Now() - ALIVE)


def ready(profile: HardwareProfile) -> QuerySet[Worker]:
    """The live workers of a profile that take work."""
    return seen_lately(profile).filter(state=Worker.State.READY, drained_at=None)


def are_held(profile: int) -> bool:
    """Whether a profile has live workers, and all of them are sidelined or drained."""
    states = live_states(profile)
    return bool(states) and (Worker.State.READY, True) not in states


@statements.prepared
def live_states(profile: int) -> QuerySet[Worker, Any]:
    """The states of live workers, each with whether such a worker takes new work."""
    is_open = ExpressionWrapper(Q(drained_at=None), output_field=BooleanField())
    return seen_lately(profile).order_by().values_list("state", is_open).distinct()


@transaction.atomic
def drain(*, worker: Worker, by: User) -> None:
    """Let a worker end what it has and take nothing new, such as before it is stopped."""
    organizers.check_organizer(by)
    if not Worker.objects.filter(pk=worker.pk, drained_at=None).update(drained_at=Now()):
        raise Conflict(gettext("This worker already accepts no new work."), code="already_drained")
    audit.record(audit.Act.WORKER_DRAINED, worker, by=by)


@transaction.atomic
def resume(*, worker: Worker, by: User) -> None:
    """Let a drained worker take work again, from the next knock on."""
    organizers.check_organizer(by)
    if not Worker.objects.filter(pk=worker.pk).exclude(drained_at=None).update(drained_at=None):
        raise Conflict(gettext("This worker is not drained."), code="not_drained")
    audit.record(audit.Act.WORKER_RESUMED, worker, by=by)


def is_fit(worker: Worker, *, should_stop: Callable[[], bool] = lambda: False) -> bool:
    """Whether a worker may take work now. It checks itself first if a check is due.

    No model runs before the sandbox was seen to hold. Without a calibration on the profile there is
    no canary, and work is taken: the calibration is work, too.
    """
    if worker.drained_at:
        return False
    try:
        if not has_room(worker) or not is_contained(worker, should_stop=should_stop):
            return False
        if not worker.host:
            with machine.held(jobs.lock_file(), going_on(worker, should_stop)):
                hosts.measure(worker, going_on(worker, should_stop))
        if is_due(worker) and (competition := calibrated(worker.profile)):
            check(worker, competition, should_stop=should_stop)
    except Stopped:
        return False
    return worker.state == Worker.State.READY


def await_room(worker: Worker, error: scoring.EngineError) -> None:
    """Let a worker take no work until its disk has room again."""
    wanted[worker.pk] = error.wanted_bytes
    sideline(worker, sentences.stored(error.said), again_in=LOOK_AGAIN)


def has_room(worker: Worker) -> bool:
    """Whether the disk has room again; True for a worker that lacked none."""
    if worker.pk not in wanted:
        return True
    if not is_time(worker):
        return False
    if not can_hold(wanted[worker.pk]):
        sideline(worker, worker.reason_said, again_in=LOOK_AGAIN)
        return False
    del wanted[worker.pk]
    become(worker, Worker.State.READY, canary_due_at=None)
    return True


def can_hold(size: int) -> bool:
    """Whether this machine's disk has room for so many bytes of cache, and some for work."""
    folders = {settings.CACHE_DIR: size, tempfile.gettempdir(): 0}
    return all(
        machine.can_hold(Path(folder), max(here, SPARE_BYTES)) for folder, here in folders.items()
    )


def is_contained(worker: Worker, *, should_stop: Callable[[], bool]) -> bool:
    """Whether the sandbox holds here, tried once per process; else the worker is sidelined.

    Raises `Stopped`.
    """
    device = worker.profile.device
    if device in contained:
        return True
    if worker.state == Worker.State.SIDELINED and not is_time(worker):
        return False
    if settings.ALLOW_WEAK_SANDBOX:
        logger.warning("%s: %s", worker, containment.WEAK)

    go_on = going_on(worker, should_stop)
    with machine.held(jobs.lock_file(), go_on):  # no other worker's measuring is disturbed
        flaw = containment.flaw(worker.profile.plan())
    if flaw and not containment.is_allowed(flaw):
        sideline(worker, sentences.stored(flaw.said))
        return False
    if flaw:
        logger.warning("%s runs models all the same: %s", worker, flaw.message)
    contained.add(device)
    if worker.state == Worker.State.SIDELINED:
        become(worker, Worker.State.READY, canary_due_at=None)
    return True


def going_on(worker: Worker, should_stop: Callable[[], bool]) -> Callable[[], None]:
    """What a worker does now and then while it waits. It raises `Stopped`."""

    def go_on() -> None:
        if should_stop():
            raise Stopped
        show_alive(worker)

    return go_on


def is_time(worker: Worker) -> bool:
    return worker.canary_due_at is None or worker.canary_due_at <= timezone.now()


def is_due(worker: Worker) -> bool:
    if not worker.profile.canary_every_minutes:
        if worker.state != Worker.State.READY:
            become(worker, Worker.State.READY)
        return False
    return is_time(worker)


def calibrated(profile: HardwareProfile) -> Competition | None:
    """The competition with the last calibration on a profile. Its reference is the canary."""
    return (
        Competition.objects.filter(profile=profile, calibration__profile=profile)
        .order_by("calibration_id")
        .last()
    )


def check(worker: Worker, competition: Competition, *, should_stop: Callable[[], bool]) -> Canary:
    """Measure a canary and record it. A worker that does not pass is sidelined, else it is ready.

    Raises `Stopped`.
    """
    load = ForeignLoad()

    def go_on(progress: Progress) -> None:
        if should_stop():
            raise Stopped
        show_alive(worker)
        if progress.stage == "wait":  # until another worker on this machine has measured
            load.restart()

    found = attempt(worker, competition, go_on)
    timing = found.timing if isinstance(found, Report) else None
    canary = record(
        worker,
        time_ratio=timing.time_ratio if timing else None,
        half_width=timing.half_width if timing else None,
        standard_error=timing.standard_error if timing else None,
        foreign_load=load.cores(),
        trouble=trouble_of(found),
    )
    if isinstance(found, scoring.EngineError) and found.code == NO_ROOM:
        await_room(worker, found)
    return canary


def attempt(
    worker: Worker, competition: Competition, go_on: Callable[[Progress], None]
) -> Report | Exception:
    """The report of a canary, or the error that ended it. Raises `Stopped`."""
    try:
        job = jobs.for_canary(competition, worker, number=worker.canaries.count())
        return scoring.evaluate(job, progress=go_on)
    except Stopped:
        raise
    except scoring.EngineError as error:
        return error
    except Exception as error:
        logger.exception("The canary of %s broke", worker)
        return error


def trouble_of(found: Report | Exception) -> tuple[Sentence, ...]:
    """Why a canary has no figures; empty if it has."""
    coded = found.failure if isinstance(found, Report) else found
    if isinstance(coded, Failure | scoring.EngineError):
        return (say("Code: %(code)s.", code=coded.code), *coded.said)
    return (say("The check failed: %(error)s", error=repr(found)),) if coded else ()


def record(
    worker: Worker,
    *,
    time_ratio: float | None,
    half_width: float | None,
    foreign_load: float | None,
    standard_error: float | None = None,
    trouble: Iterable[Sentence] = (),
) -> Canary:
    """Write a canary's figures, and make the worker ready or sidelined by them."""
    now = timezone.now()
    worker.refresh_from_db(fields=["profile"])  # an organizer may have changed the limits meanwhile
    profile = worker.profile
    if time_ratio is None or half_width is None:
        reasons = [say("The reference could not be measured against itself."), *trouble]
    else:
        reason = objection(profile, time_ratio, half_width, standard_error, foreign_load)
        reasons = [reason] if reason else []
    said = sentences.stored(reasons)
    canary = Canary.objects.create(
        worker=worker,
        measured_at=now,
        time_ratio=time_ratio,
        half_width=half_width,
        within_error=hosts.within_error(time_ratio, standard_error),
        foreign_load=foreign_load,
        passed=not said,
        reason_said=said,
    )
    if said:
        sideline(worker, said)
    else:
        pause = timedelta(minutes=profile.canary_every_minutes)
        become(worker, Worker.State.READY, canary_due_at=now + pause)
    return canary


def objection(
    profile: HardwareProfile,
    time_ratio: float,
    half_width: float,
    standard_error: float | None,
    foreign_load: float | None,
) -> Sentence | None:
    """Why a worker with these figures is not fit; None if the worker is fit."""
    limit = profile.max_foreign_load
    if limit is not None and foreign_load is not None and foreign_load > limit:
        return say(
            "Other programs keep %(cores)s cores busy. The limit is %(limit)s.",
            cores=f"{foreign_load:.1f}",
            limit=f"{limit:g}",
        )
    return off_band(profile, time_ratio, half_width, standard_error)


def off_band(
    profile: HardwareProfile, time_ratio: float, half_width: float, standard_error: float | None
) -> Sentence | None:
    """How far the reference against itself is from 1.

    None if |ratio - 1| is at most the profile's band or three standard errors. Without a standard
    error the half-width of the interval gives it.
    """
    error = standard_error or half_width / intervals.Z
    if abs(time_ratio - 1) <= max(profile.canary_band, 3 * error):
        return None
    return say(
        "The time ratio of the reference against itself was %(ratio)s. The allowed range is "
        "%(band)s.",
        ratio=interval(time_ratio, half_width, 3),
        band=f"1 ± {profile.canary_band:g}",
    )


def doubt(worker: Worker, *, said: list[dict[str, Any]]) -> None:
    """Let a worker check itself before its next work, and keep the stored sentences of why."""
    Worker.objects.filter(pk=worker.pk).update(
        canary_due_at=None, last_error_at=Now(), last_error_said=said
    )


def sideline(
    worker: Worker, said: list[dict[str, Any]], *, again_in: timedelta = RECHECK_AFTER
) -> None:
    """Let a worker take no work until `again_in` has passed; `said` are stored sentences."""
    logger.warning("%s takes no work: %s", worker, sentences.message(said))
    again_at = timezone.now() + again_in
    become(worker, Worker.State.SIDELINED, reason_said=said, canary_due_at=again_at)


def become(worker: Worker, state: str, **fields: object) -> None:
    Worker.objects.filter(pk=worker.pk).update(state=state, **{"reason_said": [], **fields})
    worker.refresh_from_db()
