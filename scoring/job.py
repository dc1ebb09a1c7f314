"""What goes into the engine and what comes out: frozen dataclasses, JSON both ways.

A `Job` holds all that `scoring.evaluate` needs. A `Report` holds all that it found. Standard
library only. The other data modules (`specs`, `timings`, `report`) are imported from here too, so
that callers need one import.
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
    Trial,
)
from scoring.specs import (
    CALIBRATION,
    RETRY_FACTOR,
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
from scoring.timing.host import HostNumbers
from scoring.timings import Pace, Quad, Timing

__all__ = [
    "CALIBRATION",
    "PROTOCOL",
    "RETRY_FACTOR",
    "TIMED_STAGE",
    "ClassQuality",
    "CropMode",
    "Device",
    "DryRun",
    "Dtype",
    "Estimator",
    "Failure",
    "Formula",
    "HostNumbers",
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
    "Trial",
]

PROTOCOL = 14
"""Version of the measuring.

It is raised by each change after which a time or an answer could come out differently.
"""


@dataclass(frozen=True)
class Split(Json):
    """One split. `images`: a zip or a folder of class folders."""

    name: str
    images: Path


@dataclass(frozen=True)
class Job(Json):
    """One submission to score against the reference; without a submission, a calibration (A/A)."""

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
    """Of the competition's calibration on this hardware profile; None before it."""
    earlier: tuple[Quad, ...] = ()
    """Quads of earlier measurings of the same content. They are pooled with the new ones."""
    cache: Path | None = None
    """Folder of decoded images, named by content. None: a temporary one."""
    cache_bytes: int = 20 << 30
    """Upper limit of that folder when an evaluation begins. The least recently used go first."""
    lock: Path | None = None
    """A file that one evaluation of a machine holds at a time. None: evaluations do not wait."""
    sample: Path | None = None
    """Images that teams have, for the dry run, whose output is kept. None: no dry run."""
    may_be_weak: bool = False
    """Run models even if the kernel lacks a layer of the sandbox. For development only."""
