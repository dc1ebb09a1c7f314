"""What an organizer sets: the input, the formula, how time is measured, the limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from scoring.dataclass_json import Json

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
