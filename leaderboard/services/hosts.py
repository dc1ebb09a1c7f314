"""The numbers of a worker's host: measured at its start, and carried by each of its jobs."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.utils.translation import gettext

from leaderboard.models import HardwareProfile, Worker
from scoring.errors import EngineError, ModelFailed
from scoring.job import HostNumbers

logger = logging.getLogger(__name__)


def of(profile: HardwareProfile, worker: Worker | None) -> HostNumbers:
    """The numbers by which a worker measures."""
    return worker.numbers if worker else HostNumbers()


def measure(worker: Worker, go_on: Callable[[], None]) -> None:
    """Measure what turns cost on this host, once for each start of a worker, and keep it.

    Where that fails the defaults hold, and a check of the doctor says so. `go_on` is called while
    this waits, and may raise.
    """
    try:
        found = turns_of(worker.profile, go_on)
    except (EngineError, ModelFailed, OSError):
        logger.exception("What turns cost on the host of %s could not be measured", worker)
        found = HostNumbers()
    if found.is_slow_to_turn:
        logger.warning("Turns on the host of %s cost more than may be subtracted.", worker)
    worker.host = found.to_json()
    Worker.objects.filter(pk=worker.pk).update(host=worker.host)


def trouble(worker: Worker) -> str:
    """Why models are not timed as they should be on a worker's host; empty if they are."""
    names = {"worker": worker, "profile": worker.profile}
    if worker.numbers.is_slow_to_turn:
        return (
            gettext(
                "A turn on the host of worker %(worker)s of %(profile)s costs more than may be "
                "subtracted. Small models look slower there than they are."
            )
            % names
        )
    if worker.host and not worker.numbers.is_measured:
        return (
            gettext(
                "What a turn costs on the host of worker %(worker)s of %(profile)s could not be "
                "measured. The defaults hold."
            )
            % names
        )
    return ""


def turns_of(profile: HardwareProfile, go_on: Callable[[], None]) -> HostNumbers:
    """What turns cost on this host. Takes seconds. Raises `EngineError`, `ModelFailed`."""
    from scoring.timing import turns  # it needs NumPy, which web servers do not have

    return turns.measured(profile.plan(), go_on, may_be_weak=settings.ALLOW_WEAK_SANDBOX)
