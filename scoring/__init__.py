"""The engine: one model in, one report out. Only calling `evaluate` needs numpy and torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from scoring.errors import BadDataset, Coded, EngineError, Rejected
from scoring.job import Job, Progress, Report

if TYPE_CHECKING:
    from scoring.timing.blocks import Labels

__all__ = [
    "BadDataset",
    "Coded",
    "EngineError",
    "Job",
    "Progress",
    "Rejected",
    "Report",
    "evaluate",
]


def evaluate(
    job: Job,
    progress: Callable[[Progress], None] | None = None,
    answered: Callable[[Mapping[str, Labels]], None] | None = None,
) -> Report:
    """Score one submission against the reference model; see `scoring.engine.evaluate`."""
    from scoring import engine

    return engine.evaluate(job, progress, answered)
