"""What a measurement is made of and what comes out of it: quads, the ratio, the pace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scoring.dataclass_json import Json
from scoring.specs import Estimator


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
