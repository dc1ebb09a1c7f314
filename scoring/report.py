"""What comes out of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from scoring.dataclass_json import Json
from scoring.specs import InputSpec
from scoring.timings import Timing

TIMED_STAGE = "measure"
"""Of `Progress`: here alone a model answers hidden images, and how far it is depends on them."""


@dataclass(frozen=True)
class Failure(Json):
    """Why a submission has no score: the team's fault, in words that give nothing hidden away."""

    code: str
    message: str


@dataclass(frozen=True)
class ClassQuality(Json):
    precision: float
    recall: float
    f1: float
    images: int


@dataclass(frozen=True)
class SplitQuality(Json):
    """Quality on one split; `confusion[i][j]` counts images of class i answered as class j."""

    images: int
    quality: float
    """By the competition's metric, 0 to 1."""
    accuracy: float
    per_class: dict[str, ClassQuality]
    confusion: tuple[tuple[int, ...], ...]
    score: float | None = None


@dataclass(frozen=True)
class DryRun(Json):
    """A try on images that the team has, which is why it may read every word of it."""

    images: int
    output: str = ""
    """What the model printed, and the text of the error it raised; cut off at some length."""
    is_cut: bool = False


@dataclass(frozen=True)
class Isolation(Json):
    """Which layers shut the models in, in words, and which the kernel lacked."""

    layers: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    is_weak: bool = False
    """Whether a layer is missing that is insisted on outside of development."""


@dataclass(frozen=True)
class Model(Json):
    """The static facts of one archive."""

    sha256: str
    bytes: int
    parameters: int
    dtypes: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    """Devices other than the CPU that its code names."""
    in_training: tuple[str, ...] = ()
    """Kinds of layers that its code applies in training mode, whatever its own mode is."""
    input: InputSpec | None = None
    """The effective input spec, the upload's own declaration applied."""
    rows: tuple[int, ...] = ()
    """The first sizes of its weights, each once: a linear layer has one row for each output."""
    format: str = ""
    """Its name in the table `scoring.formats.FORMATS`."""


@dataclass(frozen=True)
class Report(Json):
    """Everything one evaluation found out; `splits` is empty when it failed, and so is `timing`
    unless time itself was the failure."""

    status: Literal["scored", "failed", "invalid"]
    failure: Failure | None = None
    splits: dict[str, SplitQuality] = field(default_factory=dict)
    timing: Timing | None = None
    model: Model | None = None
    dry_run: DryRun | None = None
    isolation: Isolation | None = None
    quality_ref: float | None = None
    hardware: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)
    """Wall seconds of each stage, by name, in order."""


@dataclass(frozen=True)
class Progress(Json):
    """Where an evaluation stands; says nothing about which image or split."""

    stage: str
    percent: float
    remaining_seconds: float | None = None
