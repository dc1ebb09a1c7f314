"""What goes into the engine and what comes out: plain frozen dataclasses, JSON both ways.

A `Job` says everything `scoring.evaluate` needs; a `Report` says everything that was found out.
Neither knows of Django, and importing this module needs the standard library only.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

PROTOCOL = 13
"""Version of the measuring; raised whenever a time or an answer that was measured before could come
out differently."""
CALIBRATION = 3.0
"""How many times as long as an evaluation a calibration may take."""
RETRY = 4.0
"""And one for which the quads of earlier attempts did not suffice. Of five times as many in all the
noise is less than half; a net like the reference takes them beside a neighbour that never rests."""

Dtype = Literal["uint8", "float32", "float16"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"]
CropMode = Literal["center", "squash", "border"]
Device = Literal["cpu", "cuda"]
Estimator = Literal["plain", "corrected"]


class Json:
    """JSON both ways for a frozen dataclass; unknown keys are refused, missing ones default."""

    def to_json(self) -> dict[str, Any]:
        """A dictionary that `json.dumps` accepts."""
        return {f.name: _dump(getattr(self, f.name)) for f in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. Raises `ValueError` naming an unknown or missing key."""
        hints = _hints(cls)  # type: ignore[arg-type]  # a class can be hashed
        names = {f.name for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
        if unknown := sorted(set(data) - names):
            raise ValueError(f"{cls.__name__} has no field {', '.join(unknown)}.")
        try:
            return cls(**{name: _load(hints[name], value) for name, value in data.items()})
        except TypeError as error:
            raise ValueError(f"{cls.__name__}: {error}") from error


@dataclass(frozen=True)
class InputSpec(Json):
    """What a model is fed: batches of RGB images, (batch_size, 3, height, width).

    Float pixels are (value / 255 - mean) / std per channel; uint8 pixels are the plain 0..255
    values. `interpolation`, `crop_pct` and `crop_mode` mean what they mean in timm's data
    configuration.
    """

    height: int = 96
    width: int = 96
    batch_size: int = 1
    dtype: Dtype = "float32"
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    interpolation: Interpolation = "bilinear"
    crop_pct: float = 1.0
    crop_mode: CropMode = "center"


@dataclass(frozen=True)
class InputBounds(Json):
    """How far an upload's own `featherweight.json` may depart from the competition's input spec."""

    min_size: int = 8
    max_size: int = 512
    min_crop_pct: float = 0.5
    """Images are scaled to size / crop_pct first: a small share makes decoding slow."""
    max_crop_pct: float = 2.0
    """A share above 1 puts a border around the image; timm's largest is 1.15."""


@dataclass(frozen=True)
class Formula(Json):
    """score = time_weight x time ratio + sigmoid(k x (quality_ref - quality)); lower is better.

    `metric` names the quality in the table of `scoring.quality.metrics`. `quality_ref` None: the
    reference model's own quality on the public split. A model below `min_quality`, the gate, is
    scored but not ranked.
    """

    quality_ref: float | None = None
    k: float = 20.0
    time_weight: float = 0.5
    min_quality: float = 0.0
    metric: str = "macro_f1"


@dataclass(frozen=True)
class Plan(Json):
    """How time is measured; belongs to the hardware profile."""

    device: Device = "cpu"
    threads: int = 1
    block_seconds: float = 0.05
    """Of each model, by its own speed. The host's noise is as strong in short blocks as in long
    ones, so that more and shorter ones say more in the same time."""
    min_quads: int = 16
    min_segments: int = 3
    target_half_width: float = 0.015
    """Stop early once the 95 % interval of the time ratio is at most +- this share of it."""
    max_half_width: float = 0.03
    """A wider interval at the end makes the measurement `invalid`; 0 means never."""
    max_seconds: float = 60.0
    """Cap of timed seconds, both models together; the first complete pass is always finished."""
    published: Estimator = "corrected"
    """Which ratio counts where the reference's calibrated time is known; else the plain one.

    Both are stored. Where the host is restless, the corrected one scatters less:
    `benchmarks.timing_noise`.
    """
    pinned: bool = True
    """Keep both models on the same cores and the measurer off them, where the host allows."""
    preferred: bool = True
    """Raise the priority of the models and the measurer, where the host allows."""

    def of_calibration(self) -> Plan:
        """A calibration is made once, and every evaluation is held to its pace, so that it takes
        its time: what a busy host does in one minute is not what it mostly does."""
        if not self.max_half_width:  # such a profile does not aim at ranks
            return self
        seconds = CALIBRATION * self.max_seconds
        return replace(self, target_half_width=0.0, max_seconds=seconds)


@dataclass(frozen=True)
class Limits(Json):
    """What one submission may use; each has its own failure code."""

    load_seconds: float = 60.0
    first_call_seconds: float = 30.0
    """Of a process's first answer, which compiles."""
    call_seconds: float = 10.0
    """Of any later answer. A block may take so much more than 20 times its usual time."""
    total_seconds: float = 1800.0
    """Wall seconds of all its processes together."""
    memory_bytes: int = 4 << 30
    """Address space over what torch itself maps."""
    output_bytes: int = 1 << 20
    """Of one answer."""
    unpacked_bytes: int = 2 << 30

    def longer(self, times: float) -> Limits:
        """Whoever is measured for longer may take as much longer."""
        return replace(self, total_seconds=times * self.total_seconds)


@dataclass(frozen=True)
class Split(Json):
    """Images of one split: a zip or folder of class folders."""

    name: str
    images: Path


@dataclass(frozen=True)
class Pace(Json):
    """How fast a machine was, over a whole measuring."""

    reference_seconds: float
    """R*: of the reference, per image."""
    probe_seconds: float = 0.0
    """Of `scoring.timing.probe`; 0 where it was not asked."""
    reference_scatter: tuple[float, float] = (0.0, 0.0)
    """What the logarithm of the reference's time scatters by itself, standard deviations: from quad
    to quad, and what of it lasts over a window; 0 where nobody looked."""


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
class Quad(Json):
    """Four blocks ABBA or BAAB, summed per model. Seconds are those of the parent's clock, without
    an empty block's and those few in which a core woke up."""

    at_seconds: float
    """When it began, since the start of the measuring."""
    segment: int
    reference_seconds: float
    reference_images: int
    submission_seconds: float
    submission_images: int
    reference_cpu_seconds: float
    submission_cpu_seconds: float
    disturbed: bool = False
    alone_seconds: float = 0.0
    """Time of the submission's blocks from here to the next quad, beside which no reference ran."""
    alone_images: int = 0
    whole_pass: bool = False
    """The submission's blocks held every image, so that images' own differences cancel."""
    reference_load: float = 0.0
    """Cores that others kept busy during the reference's blocks, on this machine or by its host;
    around 0, and below it as well, where nobody did: the kernel counts in steps of 10 ms."""
    probe_seconds: float = 0.0
    """What `scoring.timing.probe` took in the reference's process before its blocks; 0 on a GPU."""
    submission_load: float | None = None
    """Cores that others kept busy during the submission's blocks. None where a model could keep
    some busy besides its own: on a GPU, or with several threads."""

    def loads(self, least: float, most: float) -> tuple[float, float]:
        """Cores that others kept busy during the reference's blocks, within a range; and how many
        more during the submission's, within the same; 0 where that is not known."""
        theirs = min(max(self.reference_load, least), most)
        if self.submission_load is None:
            return theirs, 0.0
        return theirs, min(max(self.submission_load, least), most) - theirs


@dataclass(frozen=True)
class Timing(Json):
    """time_ratio = submission seconds / reference seconds per image; below 1 is faster.

    `time_ratio` is the published one of the plain and the corrected ratio; all half-widths are
    absolute halves of 95 % intervals, and speak of time only.
    """

    time_ratio: float
    half_width: float
    seconds_per_image: float
    reference_seconds_per_image: float
    quads: tuple[Quad, ...]
    """Oldest first; those of earlier measurings lead."""
    segments: int
    measured_seconds: float
    disturbed_share: float
    in_force: tuple[str, ...] = ()
    """What kept the measurement fair: "idle side stopped", "models pinned to core 1", ..."""
    flags: tuple[str, ...] = ()
    """Findings in words, for the page of the evaluation."""
    standard_error: float = 0.0
    """Of `time_ratio`, absolute."""
    published: Estimator = "plain"
    plain_ratio: float | None = None
    plain_half_width: float | None = None
    plain_by: Literal["trimmed mean", "sums"] = "trimmed mean"
    corrected_ratio: float | None = None
    """None where the reference's calibrated time is not known."""
    corrected_half_width: float | None = None
    elasticity: float | None = None
    """By how many per cent the submission slows when the machine slows the reference by one."""
    burden: float | None = None
    """By which share the submission's time is besides longer with each core that others keep busy;
    below 0 where they slow the reference and not it."""
    foreign_load: float = 0.0
    """Cores that others kept busy, on average over the quads."""
    read_at_seconds: float | None = None
    """The reference's time at which the corrected ratio is read: R*, within the range seen."""
    loads: tuple[float, float] | None = None
    """Cores that others kept busy: fewest and most that count; a tenth of the quads on either side
    counts like these. None where no burden was looked for."""
    load_read_at: float | None = None
    """Cores that others kept busy where the corrected ratio is read: the fewest that count."""
    imbalance_slope: float = 0.0
    """By which share the submission's time is besides longer with each core more that others keep
    busy during its own blocks than during the reference's."""
    imbalance_read_at: float = 0.0
    """How many more such cores there were on average than luck explains; about 0."""
    probe_seconds: float = 0.0
    """Of the quads' probes, on average."""
    probe_slope: float | None = None
    """By how many per cent the submission besides slows when the probe slows by one. None where no
    probe was calibrated, or few quads were measured."""
    probe_read_at_seconds: float | None = None
    """The probe's time at which the corrected ratio is read, within the range seen."""
    probes: tuple[float, float] | None = None
    """The shortest and longest that count; a tenth of the quads on either side count like these."""
    quad_ratios: tuple[float, ...] = ()
    """Of each of `quads`, the ratio at which it counts in the corrected ratio. Empty where the
    plain ratio is published: there it is submission over reference seconds per image."""
    earlier_quads: int = 0
    """How many of `quads` come from earlier measurings."""
    answers_compared: int = 0
    """Answers that were asked for twice, in different processes, ..."""
    answers_changed: int = 0
    """... and how many of them differed, each image counted once."""
    stopped_cpu_seconds: float = 0.0
    """CPU the submission used while it should stand still."""
    own_scatter: tuple[float, float] = (0.0, 0.0)
    """In a calibration what the reference scatters by itself, `Pace.reference_scatter`; 0 else."""

    @property
    def pace(self) -> Pace:
        """What later measurings are held to where this one is the calibration."""
        return Pace(self.reference_seconds_per_image, self.probe_seconds, self.own_scatter)


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


TIMED_STAGE = "measure"
"""Of `Progress`: here alone a model answers hidden images, and how far it is depends on them."""


@dataclass(frozen=True)
class Progress(Json):
    """Where an evaluation stands; says nothing about which image or split."""

    stage: str
    percent: float
    remaining_seconds: float | None = None


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    """Types of a class's fields. A report has hundreds of quads, all of one class."""
    return typing.get_type_hints(cls)


def _dump(value: Any) -> Any:
    if isinstance(value, Json):
        return value.to_json()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _dump(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_dump(item) for item in value]
    return value


def _load(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return _load(next(a for a in arguments if a is not type(None)), value)
    if origin is tuple:
        item = arguments[0]
        return tuple(_load(item, one) for one in value)
    if origin is dict:
        return {key: _load(arguments[1], one) for key, one in value.items()}
    if isinstance(hint, type) and issubclass(hint, Json):
        return hint.from_json(value)
    if hint is Path:
        return Path(value)
    return value
