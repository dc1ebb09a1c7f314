"""The numbers of a worker's host: measured at its start, and carried by each of its jobs."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.utils.translation import gettext

from leaderboard.models import Canary, HardwareProfile, Worker
from scoring.errors import EngineError, ModelFailed
from scoring.job import HostNumbers
from scoring.timing import between_runs
from scoring.timing.host import BETWEEN_RUNS_SD

logger = logging.getLogger(__name__)


def of(profile: HardwareProfile, worker: Worker | None = None) -> HostNumbers:
    """The numbers by which a worker of a profile measures.

    The noise between runs is the profile's: the canaries of one worker would take weeks to tell it.
    """
    passed = Canary.objects.filter(worker__profile=profile.pk, passed=True)
    known = passed.exclude(time_ratio=None).exclude(within_error=None).order_by("-pk")
    rows = known.values_list("time_ratio", "within_error")[: between_runs.MOST_CANARIES]
    latest = [(ratio, error) for ratio, error in rows if ratio and error is not None]
    return replace(
        worker.numbers if worker else HostNumbers(),
        between_runs_sd=between_runs.estimated_sd(latest, profile.canary_band),
        canaries=len(latest) if len(latest) >= between_runs.LEAST_CANARIES else 0,
    )


def within_error(time_ratio: float | None, standard_error: float | None) -> float | None:
    """The relative standard error of a canary by its own quads alone.

    A canary is judged with the default noise between runs. With its own a noisy host would widen
    the band that its canaries must keep.
    """
    if not time_ratio or not standard_error:
        return None
    return math.sqrt(max(0.0, (standard_error / time_ratio) ** 2 - BETWEEN_RUNS_SD**2))


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
    """Why times on a worker's host are not measured as they should be; empty if they are."""
    names = {"worker": worker, "profile": worker.profile}
    if worker.numbers.is_slow_to_turn:
        return (
            gettext(
                "A turn on the host of worker %(worker)s of %(profile)s costs more than may "
                "be subtracted. Small models seem slower there than they are."
            )
            % names
        )
    if worker.host and not worker.numbers.is_measured:
        return (
            gettext(
                "The cost of a turn on the host of worker %(worker)s of %(profile)s could "
                "not be measured. The default values are used."
            )
            % names
        )
    return ""


def turns_of(profile: HardwareProfile, go_on: Callable[[], None]) -> HostNumbers:
    """What turns cost on this host. Takes seconds. Raises `EngineError`, `ModelFailed`."""
    from scoring.timing import turns  # it needs NumPy, which web servers do not have

    return turns.measured(profile.plan(), go_on, may_be_weak=settings.ALLOW_WEAK_SANDBOX)
