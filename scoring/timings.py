"""The data of a measurement: its quads, the time ratio, the pace of the machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from typing import Literal

from scoring.dataclass_json import Json
from scoring.sentences import Sentence
from scoring.specs import Estimator

Rounding = Callable[[float], float]


@dataclass(frozen=True)
class Pace(Json):
    """How fast a machine was, on average over one measuring."""

    reference_seconds: float
    """R*: seconds of the reference per image."""
    probe_seconds: float = 0.0
    """Seconds of `scoring.timing.probe`; 0 if it was not run."""
    reference_scatter: tuple[float, float] = (0.0, 0.0)
    """Standard deviations of the logarithm of the reference's time: from quad to quad, and the part
    that lasts over a window. 0 if unknown."""


@dataclass(frozen=True)
class Quad(Json):
    """Four blocks ABBA or BAAB, summed for each model; A is the reference, B the submission.

    Seconds are those of the parent's clock, without the time of an empty block and without the time
    in which a core wakes up.
    """

    at_seconds: float
    """Its beginning, since the start of the measuring."""
    segment: int
    reference_seconds: float
    reference_images: int
    submission_seconds: float
    submission_images: int
    reference_cpu_seconds: float
    submission_cpu_seconds: float
    disturbed: bool = False
    """Whether the reference lacked the CPU for a part of its time."""
    alone_seconds: float = 0.0
    """Time of the submission's blocks between this quad and the next, without the reference."""
    alone_images: int = 0
    whole_pass: bool = False
    """Whether the submission's blocks held every image: then differences of images cancel."""
    reference_load: float = 0.0
    """Cores that other programs, or the host, kept busy during the reference's blocks. The kernel
    counts in steps of 10 ms, so without such programs it is about 0, and may be below."""
    probe_seconds: float = 0.0
    """Seconds of `scoring.timing.probe` in the reference's process before the quad; 0 on a GPU."""
    submission_load: float | None = None
    """Cores that other programs, or the host, kept busy during the submission's blocks. None on a
    GPU and with several threads: there the submission itself could keep cores busy."""

    def loads(self, least: float, most: float) -> tuple[float, float]:
        """The reference's load, and the submission's load minus it, in cores.

        Both loads are limited to the range from `least` to `most`. The difference is 0 if the
        submission's load is unknown.
        """
        of_reference = min(max(self.reference_load, least), most)
        if self.submission_load is None:
            return of_reference, 0.0
        return of_reference, min(max(self.submission_load, least), most) - of_reference


@dataclass(frozen=True)
class Timing(Json):
    """time_ratio = submission seconds / reference seconds per image; below 1 is faster.

    `time_ratio` is the plain or the corrected ratio, whichever `published` names. Half widths are
    absolute, of 95 % intervals, and cover the noise of time only.
    """

    time_ratio: float
    half_width: float
    seconds_per_image: float
    reference_seconds_per_image: float
    quads: tuple[Quad, ...]
    """Oldest first. Quads of earlier measurings come first."""
    segments: int
    measured_seconds: float
    disturbed_share: float
    in_force: tuple[Sentence, ...] = ()
    """What protected the measurement, for instance "Each segment has new processes."."""
    flags: tuple[Sentence, ...] = ()
    """Findings in words, for the page of the evaluation."""
    standard_error: float = 0.0
    """Of `time_ratio`, absolute."""
    published: Estimator = "plain"
    plain_ratio: float | None = None
    plain_half_width: float | None = None
    plain_by: Literal["trimmed mean", "sums"] = "trimmed mean"
    corrected_ratio: float | None = None
    """None if the reference's calibrated time is unknown."""
    corrected_half_width: float | None = None
    pace_coefficient: float | None = None
    """Coefficient of log reference time: per cent that the submission slows for one per cent."""
    load_coefficient: float | None = None
    """Coefficient of the load: for each busy core the submission's time is longer by this share,
    beyond what `pace_coefficient` explains. It is below 0 if the load slows the reference only."""
    foreign_load: float = 0.0
    """Mean over the quads of the cores that other programs kept busy."""
    read_at_seconds: float | None = None
    """The reference point of the reference's time: R*, limited to the measured range."""
    loads: tuple[float, float] | None = None
    """The range of loads, in cores. A tenth of the quads on each side counts as its end. None if no
    coefficient of the load was estimated."""
    load_read_at: float | None = None
    """The reference point of the load: the lower end of `loads`."""
    imbalance_coefficient: float = 0.0
    """Coefficient of the difference of loads: for each core more during the submission's blocks
    than during the reference's, the submission's time is longer by this share."""
    imbalance_read_at: float = 0.0
    """The reference point of the difference of loads: its mean beyond chance, about 0."""
    probe_seconds: float = 0.0
    """Mean seconds of the quads' probes."""
    probe_coefficient: float | None = None
    """Coefficient of log probe time, beyond what `pace_coefficient` explains. None without a
    calibrated probe, and for few quads."""
    probe_read_at_seconds: float | None = None
    """The reference point of the probe's time, limited to the measured range."""
    probes: tuple[float, float] | None = None
    """The range of probe times. A tenth of the quads on each side counts as its end."""
    quad_ratios: tuple[float, ...] = ()
    """For each of `quads` the ratio with which it counts in the corrected ratio. Empty if the plain
    ratio is published: then it is submission over reference seconds per image."""
    earlier_quads: int = 0
    """Number of `quads` that come from earlier measurings."""
    answers_compared: int = 0
    """Answers that were asked for in two processes."""
    answers_changed: int = 0
    """Images whose two answers differ."""
    stopped_cpu_seconds: float = 0.0
    """CPU seconds of the submission while it should stand still."""
    reference_scatter: tuple[float, float] = (0.0, 0.0)
    """`Pace.reference_scatter` of a calibration; 0 in other evaluations."""

    @property
    def pace(self) -> Pace:
        """The pace of a calibration, with which later measurings are compared."""
        return Pace(self.reference_seconds_per_image, self.probe_seconds, self.reference_scatter)


def published_ratio(ratio: float) -> float:
    """The time ratio in four decimals; two digits below 0.01.

    An interval is at least a hundred times as wide. More digits tell nothing about the model, but
    could carry a message that the model sends by its time (SECURITY.md).
    """
    return round(ratio, 4) if ratio >= 0.01 else float(f"{ratio:.2g}")


def published_half_width(half_width: float) -> float:
    """The half-width in two digits, rounded up: no interval is shown narrower than it is."""
    return float(Context(prec=2, rounding=ROUND_CEILING).create_decimal(f"{half_width:.6g}"))
