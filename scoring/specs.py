"""What an organizer sets: the input, the formula, how time is measured, the limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from scoring.dataclass_json import Json
from scoring.timing.host import HostNumbers

CALIBRATION = 3.0
"""Longest time of a calibration, in times of an evaluation."""
RETRY_FACTOR = 4.0
"""Longest time of a second attempt, in times of a first one.

With r = RETRY_FACTOR, 1 + r times as many quads have 1 / sqrt(1 + r) = 0.45 of the noise. A net
like the reference needs them beside a neighbour that is always busy.
"""

Dtype = Literal["uint8", "float32", "float16"]
Interpolation = Literal["nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"]
CropMode = Literal["center", "squash", "border"]
Device = Literal["cpu", "cuda"]
Estimator = Literal["plain", "corrected"]


@dataclass(frozen=True)
class InputSpec(Json):
    """What a model is fed: batches of RGB images, (batch_size, 3, height, width).

    Float pixels are (value / 255 - mean) / std for each channel. uint8 pixels are the values 0 to
    255. `interpolation`, `crop_pct` and `crop_mode` have their meaning in timm's data
    configuration. Sizes are in pixels.
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
    """Images are scaled to size / crop_pct first, so a small share makes decoding slow."""
    max_crop_pct: float = 2.0
    """A share above 1 puts a border around the image. timm's largest is 1.15."""


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
    """How time is measured: a part of the hardware profile."""

    device: Device = "cpu"
    threads: int = 1
    block_seconds: float = 0.05
    """Aim for one block of each model. A host's noise is as strong in short blocks as in long ones.
    So more, shorter blocks tell more in the same time."""
    min_quads: int = 16
    min_segments: int = 3
    target_half_width: float = 0.015
    """Stop once the half width of the time ratio's 95 % interval is at most this share of it."""
    max_half_width: float = 0.03
    """A wider interval at the end makes the measurement `invalid`; 0 means never."""
    max_seconds: float = 60.0
    """Cap of timed seconds of both models together. The first pass is always completed."""
    published: Estimator = "corrected"
    """The ratio that counts once the reference's calibrated time is known; before, the plain one.

    Both are stored. On a busy host the corrected one has less noise: `benchmarks.timing_noise`.
    """
    pinned: bool = True
    """Keep both models on the same cores and the measurer off them, if the host allows it."""
    preferred: bool = True
    """Raise the priority of the models and the measurer, if the host allows it."""
    host: HostNumbers = field(default_factory=HostNumbers)
    """Of the machine that measures. A hardware profile has the defaults here."""

    def of_calibration(self) -> Plan:
        """The plan of a calibration: up to `CALIBRATION` times as long, without an early stop.

        Every later evaluation is compared with its pace. One minute of a busy host is no fair
        sample for that.
        """
        if not self.max_half_width:  # a profile without ranks
            return self
        seconds = CALIBRATION * self.max_seconds
        return replace(self, target_half_width=0.0, max_seconds=seconds)


@dataclass(frozen=True)
class Limits(Json):
    """What one submission may use. Each limit has its own failure code."""

    load_seconds: float = 60.0
    first_call_seconds: float = 30.0
    """Limit of a process's first answer, for which torch compiles."""
    call_seconds: float = 10.0
    """Limit of any later answer. A block may take this and 20 times its usual time."""
    total_seconds: float = 1800.0
    """Most wall seconds of all processes of the submission together."""
    memory_bytes: int = 4 << 30
    """Most bytes of address space beyond what torch itself maps."""
    output_bytes: int = 1 << 20
    """Most bytes of one answer."""
    unpacked_bytes: int = 2 << 30
    """Most bytes of the upload, unpacked."""

    def longer(self, times: float) -> Limits:
        """The limits for a measuring that is `times` as long."""
        return replace(self, total_seconds=times * self.total_seconds)
