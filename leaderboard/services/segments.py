"""A measurement as it is shown: its quads for organizers, its segments for a team.

A team sees each segment as one ratio of two digits. The reason: a model can vary its time by what
it sees, and so send its team something about the hidden images. SECURITY.md says how much is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.utils.translation import gettext, ngettext

from leaderboard.models import Evaluation
from leaderboard.services import measurements
from scoring.job import Quad, Timing
from scoring.timing import pooling

GAP = 2.0
"""Seconds in the picture between two measurings."""
MOST_SEGMENTS = 12
"""Most segments that a team sees. Of more, neighbours are shown as one."""


@dataclass(frozen=True)
class Point:
    """A quad in ratios and seconds per image. Its number of images is not shown."""

    at_seconds: float
    segment: int
    wall_ratio: float
    published_ratio: float
    """The ratio at which the quad counts: its own, or the corrected one."""
    cpu_ratio: float | None
    submission_seconds: float
    reference_seconds: float
    is_disturbed: bool


@dataclass(frozen=True)
class Part:
    """One measuring as it is shown. Its quads stand after those of the measuring before."""

    name: str
    is_noisy: bool
    points: list[Point]
    machine: str
    """The machine, if it is another one than the page shows."""

    @property
    def title(self) -> str:
        if not self.machine:
            return self.name
        return gettext("{name}, on {machine}").format(name=self.name, machine=self.machine)


@dataclass(frozen=True)
class Segment:
    """What a team sees of a segment: each figure in two digits.

    Several neighbouring segments may be shown together.
    """

    number: int
    part: Part
    """The measuring of the segment, or of the first of them."""
    ratio: float
    reference_seconds: float
    """Of the reference, which no submission can make slower or faster."""


def of(evaluation: Evaluation) -> list[Segment]:
    """The segments of an evaluation as its team sees them. None of one without a score."""
    if evaluation.state != Evaluation.State.SCORED:
        return []
    report, timing = evaluation.report(), evaluation.timing
    attempts = measurements.attempts(evaluation)
    return of_parts(parts(attempts, timing, report.hardware if report else {}))


def parts(
    attempts: Sequence[measurements.Attempt], timing: Timing | None, machine: Mapping[str, Any]
) -> list[Part]:
    """The measurings one after the other, with segments counted on: each has its own processes."""
    ratios = measurements.corrected_ratios(timing)
    found: list[Part] = []
    row: tuple[Quad, ...] = ()
    for number, attempt in enumerate(attempts, start=1):
        before = len(row)
        row = pooling.pooled(row, pooling.from_zero(attempt.quads), gap_seconds=GAP)
        points = [point(quad, ratios.get(measurements.identity(quad))) for quad in row[before:]]
        name = part_name(number, is_noisy=attempt.is_noisy)
        elsewhere = machine_name(attempt.hardware)
        if elsewhere == machine_name(machine):
            elsewhere = ""
        found.append(Part(name, attempt.is_noisy, points, elsewhere))
    return found


def part_name(number: int, *, is_noisy: bool) -> str:
    if is_noisy:
        return gettext("Measurement {number} (too noisy alone)").format(number=number)
    return gettext("Measurement {number}").format(number=number)


def machine_name(hardware: Mapping[str, Any]) -> str:
    """A machine in the words that tell it from others."""
    cores = hardware.get("cores")
    counted = cores and ngettext("{cores} core", "{cores} cores", cores).format(cores=cores)
    names = [hardware.get("gpu"), hardware.get("cpu"), counted, hardware.get("kernel")]
    return ", ".join(name for name in names if name)


def point(quad: Quad, corrected_ratio: float | None = None) -> Point:
    """A quad as the page shows it. Without a corrected ratio its own ratio counts."""

    def ratio(submission: float, reference: float) -> float:
        return (submission / quad.submission_images) / (reference / quad.reference_images)

    wall_ratio = ratio(quad.submission_seconds, quad.reference_seconds)
    return Point(
        at_seconds=quad.at_seconds,
        segment=quad.segment,
        wall_ratio=wall_ratio,
        published_ratio=wall_ratio if corrected_ratio is None else corrected_ratio,
        cpu_ratio=ratio(quad.submission_cpu_seconds, quad.reference_cpu_seconds)
        if quad.reference_cpu_seconds
        else None,
        submission_seconds=quad.submission_seconds / quad.submission_images,
        reference_seconds=quad.reference_seconds / quad.reference_images,
        is_disturbed=quad.disturbed,
    )


def of_parts(shown: Sequence[Part]) -> list[Segment]:
    """Segments by the geometric mean of the quads that count."""
    by_segment = [
        (part, list(points))
        for part in shown
        for _, points in groupby(part.points, lambda one: one.segment)
    ]
    size = -(-len(by_segment) // MOST_SEGMENTS) or 1
    found: list[Segment] = []
    for start in range(0, len(by_segment), size):
        together = by_segment[start : start + size]
        points = [point for _, points in together for point in points]
        points = [point for point in points if not point.is_disturbed] or points
        logs = [math.log(point.published_ratio) for point in points]
        reference = sum(point.reference_seconds for point in points) / len(points)
        ratio = two_digits(math.exp(sum(logs) / len(logs)))
        found.append(Segment(len(found) + 1, together[0][0], ratio, two_digits(reference)))
    return found


def two_digits(value: float | None) -> Any:
    return None if value is None else float(f"{value:.2g}")
