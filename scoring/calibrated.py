"""A measurement at the pace of a kept calibration, as the site publishes it.

The site reads each time at the pace of a calibration: the reference against itself, measured for
longer. Here the calibration is kept in a file. It holds for the same reference, images, processor
and number of threads. For others a new calibration is measured.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import scoring
from scoring import hardware
from scoring.errors import EngineError
from scoring.job import CALIBRATION, PROTOCOL, HostNumbers, Job, Json, Pace, Plan, Progress, Report
from scoring.sentences import say

Tell = Callable[[Progress], None]


@dataclass(frozen=True)
class Calibrated(Json):
    """What a calibration leaves for later measurements, and what it holds for."""

    holds_for: tuple[str, ...]
    pace: Pace
    quality_ref: float
    """The quality of the reference on the same images."""
    host: HostNumbers = field(default_factory=HostNumbers)
    """What turns cost on this machine."""


def score(job: Job, kept: Path, tell: Tell | None = None) -> Report:
    """Measure a model as the site does. The calibration is read from `kept`, or written there.

    Raises `EngineError`.
    """
    known = read(kept, job) or calibrate(job, kept, tell)
    terms = job.formula
    if terms.quality_ref is None:
        terms = replace(terms, quality_ref=known.quality_ref)
    plan = replace(job.plan, host=known.host)
    return scoring.evaluate(replace(job, pace=known.pace, formula=terms, plan=plan), tell)


def read(kept: Path, job: Job) -> Calibrated | None:
    """The kept calibration; None if there is none that holds for a job."""
    try:
        known = Calibrated.from_json(json.loads(kept.read_text()))
    except (OSError, ValueError):
        return None
    return known if known.holds_for == conditions(job) else None


def calibrate(job: Job, kept: Path, tell: Tell | None) -> Calibrated:
    """Measure the reference against itself, as long as the site does, and keep what was found.

    The cost of turns on this machine is measured first. The noise between runs is the default.
    """
    host = turns_of(job)
    ranked = replace(job.plan, max_half_width=Plan.max_half_width)
    # A person at a terminal sees the interval and judges it.
    long = replace(ranked.of_calibration(), max_half_width=job.plan.max_half_width, host=host)
    report = scoring.evaluate(
        replace(job, submission=None, plan=long, limits=job.limits.longer(CALIBRATION)), tell
    )
    pace = report.timing.pace if report.timing else None
    if report.status != "scored" or pace is None or report.quality_ref is None:
        raise EngineError(
            "too_noisy",
            say("The machine is too noisy for a calibration. Close other programs, and try again."),
        )
    known = Calibrated(conditions(job), pace, report.quality_ref, host)
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(known.to_json()))
    return known


def turns_of(job: Job) -> HostNumbers:
    """What turns cost on this machine. Raises `EngineError`."""
    from scoring.timing import turns  # it needs NumPy

    return turns.measured(job.plan, may_be_weak=job.may_be_weak)


def conditions(job: Job) -> tuple[str, ...]:
    """What a calibration depends on."""
    files = (job.reference, *(split.images for split in job.splits))
    plan = job.plan
    return (
        f"protocol {PROTOCOL}",
        hardware.cpu_model(),
        f"{plan.device}, {plan.threads} threads",
        json.dumps(job.input.to_json(), sort_keys=True),
        *(sha256_of(path) for path in files),
    )


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
