"""What comes out of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from scoring.dataclass_json import Json
from scoring.sentences import Sentence, joined
from scoring.specs import InputSpec
from scoring.timing.host import HostNumbers
from scoring.timings import Timing

TIMED_STAGE = "measure"
"""The stage in which hidden images are answered. Its progress depends on them."""


@dataclass(frozen=True)
class Failure(Json):
    """Why a submission has no score. What is said gives no hidden image or label away."""

    code: str
    said: tuple[Sentence, ...]

    @property
    def message(self) -> str:
        """The sentences in English, for the command line and logs."""
        return joined(self.said)


@dataclass(frozen=True)
class ClassQuality(Json):
    """Quality on the images of one class."""

    precision: float
    recall: float
    f1: float
    images: int


@dataclass(frozen=True)
class SplitQuality(Json):
    """Quality on one split. `confusion[i][j]`: images of class i that were answered as class j."""

    images: int
    quality: float
    """By the competition's metric, 0 to 1."""
    accuracy: float
    per_class: dict[str, ClassQuality]
    confusion: tuple[tuple[int, ...], ...]
    score: float | None = None


@dataclass(frozen=True)
class DryRun(Json):
    """A try on images that the team has. So the team may read all of its output."""

    images: int
    output: str = ""
    """What the model printed, and the text of its error; the first part of it."""
    is_cut: bool = False
    """Whether `output` lacks its end."""
    memory_bytes: int | None = None
    """The most memory that the process held beyond what it had before the model was loaded; None
    on a GPU. It is told of a dry run only: elsewhere it could tell of hidden images."""


@dataclass(frozen=True)
class Isolation(Json):
    """The layers that held the models, and those that the kernel lacked."""

    layers: tuple[Sentence, ...] = ()
    missing: tuple[Sentence, ...] = ()
    is_weak: bool = False
    """Whether a layer is missing that is required outside of development."""


@dataclass(frozen=True)
class Model(Json):
    """The static facts of one upload."""

    sha256: str
    bytes: int
    """Of the file."""
    parameters: int
    """Numbers in weights and buffers."""
    dtypes: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    """Devices other than the CPU that the code names."""
    in_training: tuple[str, ...] = ()
    """Kinds of layers that the code applies in training mode, in any mode of the model."""
    input: InputSpec | None = None
    """The input spec that holds: the competition's with the upload's own declaration."""
    rows: tuple[int, ...] = ()
    """The first sizes of the weights, each once. A linear layer has one row for each output."""
    format: str = ""
    """The format's name in the table `scoring.formats.FORMATS`."""
    layers: int = 0
    """Convolutions and matrix products in a graph that lists them; 0 for other formats."""
    quantized_layers: int = 0
    """Those of them that compute in int8."""
    macs: int | None = None
    """Multiplications with additions for one image, in convolutions and matrix products; None if
    they cannot be counted."""
    structure: str = ""
    """`scoring.formats.structure.fingerprint` of the network: the same for a copy with other
    weights or number types. Empty if it is not known."""


@dataclass(frozen=True)
class Report(Json):
    """All that one evaluation found.

    After a failure `splits` is empty, and `timing` is None unless the time itself was the failure.
    """

    status: Literal["scored", "failed", "invalid"]
    failure: Failure | None = None
    splits: dict[str, SplitQuality] = field(default_factory=dict)
    timing: Timing | None = None
    model: Model | None = None
    dry_run: DryRun | None = None
    isolation: Isolation | None = None
    quality_ref: float | None = None
    host: HostNumbers | None = None
    """The numbers of the host by which time was measured; None for a report from before them."""
    hardware: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)
    """Wall seconds of each stage, by name, in order."""


@dataclass(frozen=True)
class Trial(Json):
    """What a try found. `quality` is None if it failed."""

    status: str
    """passed or failed"""
    failure: Failure | None = None
    model: Model | None = None
    dry_run: DryRun | None = None
    quality: SplitQuality | None = None
    """On these images. The model may have been trained on them."""
    seconds_per_image: float | None = None
    """Roughly: of one process, without a reference beside it."""


@dataclass(frozen=True)
class Progress(Json):
    """Where an evaluation stands. It does not tell which image or split."""

    stage: str
    percent: float
    remaining_seconds: float | None = None
