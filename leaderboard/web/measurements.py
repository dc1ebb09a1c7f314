"""How the time of one evaluation was measured, for its team and for organizers.

Organizers see every quad. A team sees each segment as one ratio of two digits, and nothing of an
evaluation without a score. The reason: a model can vary its time by what it sees, and so send its
team something about the hidden images. SECURITY.md says how much is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_safe

from leaderboard.errors import NotFound
from leaderboard.models import Evaluation, organizers
from leaderboard.services import measurements, visibility
from leaderboard.web import words
from leaderboard.web.competitions import show
from leaderboard.web.requests import Request
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


@login_required
@require_safe
def measurement(request: Request, pk: int) -> HttpResponse:
    evaluation = own_evaluation(request, pk)
    sees_all = organizers.sees_all(request.user, evaluation.competition_id)
    is_shown = sees_all or evaluation.state == Evaluation.State.SCORED
    attempts = measurements.attempts(evaluation) if is_shown else []
    report, timing = evaluation.report(), evaluation.timing
    shown = parts(attempts, timing, report.hardware if report else {})
    points = [point for part in shown for point in part.points]
    for_teams = segments(shown)
    is_corrected = timing is not None and timing.published == "corrected"
    return show(
        request,
        evaluation.competition,
        "submissions/measurement.html",
        **verdict(evaluation),
        timing=timing,
        is_corrected=is_corrected,
        sees_all=sees_all,
        measured_seconds=sum(attempt.seconds for attempt in attempts),
        segment_count=sum(len(attempt.segments) for attempt in attempts),
        parts=shown,
        points=points,
        segments=for_teams,
        hour=hour(attempts),
        disturbed=sum(point.is_disturbed for point in points),
        machine=report.hardware if report else {},
        versions=report.versions if report else {},
        chart_words=words.measurement_chart(of_comparisons=sees_all),
        chart=chart(evaluation, shown, is_corrected=is_corrected)
        if sees_all
        else chart_of_segments(evaluation, for_teams),
    )


def verdict(evaluation: Evaluation) -> dict[str, Any]:
    """What the page says of the evaluation itself, whatever was measured."""
    ratio, half_width = evaluation.time_ratio, evaluation.half_width
    submission = evaluation.submission
    return {
        "evaluation": evaluation,
        "submission": submission,
        "siblings": submission.evaluations.order_by("pk") if submission else (),
        "percent": 100 * half_width / ratio if half_width and ratio else None,
        "narrower_before": measurements.narrower_before(evaluation),
        "isolation": evaluation.isolation,
        "weak": evaluation.isolation if evaluation.is_weakly_isolated else None,
    }


def own_evaluation(request: Request, pk: int) -> Evaluation:
    """An evaluation that the person may see. Raises `NotFound` for another team's, and in a blind
    competition."""
    found = (
        Evaluation.objects.visible_to(request.user)
        .select_related(
            "submission__team", "profile", "measured_by", "competition__calibration__reference"
        )
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise NotFound(gettext("There is no such evaluation, or it belongs to another team."))
    if visibility.hides_from(found.competition, request.user):
        raise visibility.hidden()
    return found


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


def hour(attempts: Sequence[measurements.Attempt]) -> tuple[float, float] | None:
    """Seconds per image of submission and reference as they were measured, over all quads."""
    quads = [quad for attempt in attempts for quad in attempt.quads]
    if not quads:
        return None
    return (
        sum(quad.submission_seconds for quad in quads)
        / sum(quad.submission_images for quad in quads),
        sum(quad.reference_seconds for quad in quads)
        / sum(quad.reference_images for quad in quads),
    )


def segments(shown: Sequence[Part]) -> list[Segment]:
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


def chart_of_segments(evaluation: Evaluation, segments: Sequence[Segment]) -> dict[str, Any]:
    """One point for each segment, and the interval as a band."""
    ratio, half_width = evaluation.time_ratio, evaluation.half_width or 0.0
    edges = [] if ratio is None else [ratio - half_width, ratio + half_width]
    everything = [*edges, *(one.ratio for one in segments)] or [1.0]
    air = max(0.02 * max(everything), 0.08 * (max(everything) - min(everything)))
    firsts = [next(group) for _, group in groupby(segments, lambda one: one.part.name)]
    return {
        "unit": "segment",
        "counted": [{"x": one.number, "y": one.ratio, "segment": one.number} for one in segments],
        "wall": [],
        "disturbed": [],
        "cpu": [],
        "band": {"ratio": ratio, "low": edges[0], "high": edges[1]} if edges else None,
        "segments": [
            {"number": one.number, "from": one.number, "to": one.number} for one in segments
        ],
        "parts": [{"name": one.part.name, "from": one.number} for one in firsts if len(firsts) > 1],
        "y": [min(everything) - air, max(everything) + air],
    }


def chart(evaluation: Evaluation, shown: Sequence[Part], *, is_corrected: bool) -> dict[str, Any]:
    """Quads over time, the interval as a band, segments as stripes behind the quads.

    A quad stands at the ratio at which it counts. Beside it stand its ratio by the wall clock, if
    that is another one, and its ratio by the CPU clock.
    """
    points = [one for part in shown for one in part.points]
    ratio, half_width = evaluation.time_ratio, evaluation.half_width or 0.0
    calm = [one.published_ratio for one in points if not one.is_disturbed]
    clocks = [one.cpu_ratio for one in points if one.cpu_ratio is not None]
    edges = [] if ratio is None else [ratio - half_width, ratio + half_width]
    everything = [*calm, *clocks, *edges, *(one.wall_ratio for one in points)]
    # One quad far outside must not press the others into one line. The table also has it.
    middle = ratio or (sorted(everything)[len(everything) // 2] if everything else 1.0)
    inside = [one for one in everything if middle / 2 <= one <= middle * 2] or [middle]
    air = max(0.02 * middle, 0.08 * (max(inside) - min(inside)))
    return {
        "unit": "second",
        "counted": [spot(one, one.published_ratio) for one in points if not one.is_disturbed],
        "wall": [spot(one, one.wall_ratio) for one in points if is_corrected],
        "disturbed": [spot(one, one.wall_ratio) for one in points if one.is_disturbed],
        "cpu": [spot(one, one.cpu_ratio) for one in points if one.cpu_ratio is not None],
        "band": {"ratio": ratio, "low": edges[0], "high": edges[1]} if edges else None,
        "segments": [stripe(list(group)) for _, group in groupby(points, lambda one: one.segment)],
        "parts": [
            {"name": part.name, "from": part.points[0].at_seconds}
            for part in shown
            if len(shown) > 1
        ],
        "y": [min(inside) - air, max(inside) + air],
    }


def spot(point: Point, ratio: float | None) -> dict[str, Any]:
    return {"x": point.at_seconds, "y": ratio, "segment": point.segment}


def stripe(points: Sequence[Point]) -> dict[str, float]:
    return {
        "number": points[0].segment,
        "from": points[0].at_seconds,
        "to": points[-1].at_seconds,
    }
