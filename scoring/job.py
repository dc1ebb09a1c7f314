"""What goes into the engine and what comes out: plain frozen dataclasses, JSON both ways.

A `Job` says everything `scoring.evaluate` needs; a `Report` says everything that was found out.
Neither knows of Django, and importing this module needs the standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from scoring.dataclass_json import Json
from scoring.report import (
    TIMED_STAGE,
    ClassQuality,
    DryRun,
    Failure,
    Isolation,
    Model,
    Progress,
    Report,
    SplitQuality,
)
from scoring.specs import (
    CALIBRATION,
    RETRY,
    CropMode,
    Device,
    Dtype,
    Estimator,
    Formula,
    InputBounds,
    InputSpec,
    Interpolation,
    Limits,
    Plan,
)
from scoring.timings import Pace, Quad, Timing

__all__ = [
    "CALIBRATION",
    "PROTOCOL",
    "RETRY",
    "TIMED_STAGE",
    "ClassQuality",
    "CropMode",
    "Device",
    "DryRun",
    "Dtype",
    "Estimator",
    "Failure",
    "Formula",
    "InputBounds",
    "InputSpec",
    "Interpolation",
    "Isolation",
    "Job",
    "Json",
    "Limits",
    "Model",
    "Pace",
    "Plan",
    "Progress",
    "Quad",
    "Report",
    "Split",
    "SplitQuality",
    "Timing",
]

PROTOCOL = 13
"""Version of the measuring; raised whenever a time or an answer that was measured before could come
out differently."""


@dataclass(frozen=True)
class Split(Json):
    """Images of one split: a zip or folder of class folders."""

    name: str
    images: Path


@dataclass(frozen=True)
class Job(Json):
    """One submission to score against the reference; without a submission a calibration (A/A)."""

    reference: Path
    splits: tuple[Split, ...]
    classes: tuple[str, ...]
    submission: Path | None = None
    input: InputSpec = field(default_factory=InputSpec)
    bounds: InputBounds = field(default_factory=InputBounds)
    formula: Formula = field(default_factory=Formula)
    plan: Plan = field(default_factory=Plan)
    limits: Limits = field(default_factory=Limits)
    seed: int = 0
    pace: Pace | None = None
    """Of the competition's calibration on this hardware profile, where there is one."""
    earlier: tuple[Quad, ...] = ()
    """Quads of earlier measurings of the same content: pooled with the new ones."""
    cache: Path | None = None
    """Folder for decoded images, named by content; None keeps them for this evaluation only."""
    cache_bytes: int = 20 << 30
    """What the folder may hold when an evaluation begins; the least recently used go first."""
    lock: Path | None = None
    """File that only one evaluation on a machine holds at a time; the others wait for it."""
    sample: Path | None = None
    """Images that teams have: the model is tried on a few of them first, and may talk there."""
    may_be_weak: bool = False
    """Run models also where the kernel lacks a layer of the sandbox: for development only."""
