"""Jobs for the engine, made from rows."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from django.conf import settings

from leaderboard.models import Competition, Evaluation, Worker
from leaderboard.services import files, formulas, hosts, measurements
from scoring.job import CALIBRATION, RETRY_FACTOR, Job, Pace, Plan, Split

CANARY_SECONDS = 15.0
"""Most seconds of paired measuring in a canary."""


def for_evaluation(evaluation: Evaluation) -> Job:
    """A job over both hidden splits: a submission or a baseline, or in a calibration the reference
    against itself."""
    competition = formulas.judging(evaluation)
    model = evaluation.model
    splits = {split.name: split for split in evaluation.dataset.splits.all()}
    calibration = competition.calibration
    plan, limits = evaluation.profile.plan(), competition.limits()
    earlier = measurements.pooled(evaluation)
    if not model:
        plan, limits = plan.of_calibration(), limits.longer(CALIBRATION)
    elif earlier:
        limits = limits.longer(RETRY_FACTOR)
    return Job(
        reference=files.local_path(evaluation.reference.file),
        submission=files.local_path(model.file) if model else None,
        splits=tuple(
            Split(name, files.local_path(splits[name].archive)) for name in ("public", "private")
        ),
        classes=tuple(evaluation.dataset.classes),
        input=competition.input_spec(),
        bounds=competition.input_bounds(),
        formula=competition.formula(),
        plan=replace(plan, host=hosts.of(evaluation.profile, evaluation.worker)),
        limits=limits,
        seed=secret_number(f"{evaluation.pk} {evaluation.attempt}"),
        pace=pace(calibration) if calibration and model else None,
        earlier=earlier,
        cache=Path(settings.CACHE_DIR),
        lock=lock_file(),
        sample=files.local_path(splits["sample"].archive) if "sample" in splits else None,
        may_be_weak=settings.ALLOW_WEAK_SANDBOX,
    )


def for_canary(competition: Competition, worker: Worker, *, number: int) -> Job:
    """The calibrated reference against itself: a few quads over the smallest split."""
    assert competition.reference
    assert competition.dataset
    split = min(competition.dataset.splits.all(), key=lambda one: one.images)
    return Job(
        reference=files.local_path(competition.reference.file),
        splits=(Split(split.name, files.local_path(split.archive)),),
        classes=tuple(competition.dataset.classes),
        input=competition.input_spec(),
        formula=competition.formula(),
        plan=replace(
            canary_plan(worker.profile.plan(), band=worker.profile.canary_band),
            host=worker.numbers,
        ),
        limits=competition.limits(),
        seed=secret_number(f"canary {worker.pk} {number}"),
        cache=Path(settings.CACHE_DIR),
        lock=lock_file(),
        may_be_weak=settings.ALLOW_WEAK_SANDBOX,
    )


def pace(calibration: Evaluation) -> Pace | None:
    """The calibration's pace, which all evaluations of its competition are read at."""
    if calibration.reference_seconds is None:
        return None
    timing = calibration.timing
    return timing.pace if timing else Pace(calibration.reference_seconds)


def canary_plan(plan: Plan, *, band: float) -> Plan:
    """Precise enough for the band. No canary is refused for noise, because its verdict weighs the
    noise."""
    return replace(
        plan,
        min_quads=8,
        min_segments=2,
        target_half_width=band / 2,
        max_half_width=0.0,
        max_seconds=min(plan.max_seconds, CANARY_SECONDS),
    )


def lock_file() -> Path:
    """The file that lets the workers of a machine measure one after the other. They share its
    cache."""
    return Path(settings.CACHE_DIR) / "measuring.lock"


def secret_number(what: str) -> int:
    """A secret number for each `what`, so that nobody can foresee the order of the images."""
    return int.from_bytes(hashlib.sha256(f"{settings.SECRET_KEY} {what}".encode()).digest()[:6])
