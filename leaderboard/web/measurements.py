"""How the time of one evaluation was measured, for its team and for organizers.

Organizers see every quad. A team sees each segment as one ratio of two digits, and nothing of an
evaluation without a score. The reason: a model can vary its time by what it sees, and so send its
team something about the hidden images. SECURITY.md says how much is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from leaderboard.errors import NotFound
from leaderboard.models import Evaluation, organizers
from leaderboard.services import measurements, segments, visibility
from leaderboard.services.segments import Part, Point, Segment
from leaderboard.web import words
from leaderboard.web.competitions import show
from leaderboard.web.requests import Request


@login_required
@require_safe
def measurement(request: Request, pk: int) -> HttpResponse:
    evaluation = own_evaluation(request, pk)
    sees_all = organizers.sees_all(request.user, evaluation.competition_id)
    is_shown = sees_all or evaluation.state == Evaluation.State.SCORED
    attempts = measurements.attempts(evaluation) if is_shown else []
    report, timing = evaluation.report(), evaluation.timing
    shown = segments.parts(attempts, timing, report.hardware if report else {})
    points = [point for part in shown for point in part.points]
    for_teams = segments.of_parts(shown)
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
            "submission__team",
            "baseline",
            "profile",
            "measured_by",
            "competition__calibration__reference",
        )
        .filter(pk=pk)
        .first()
    )
    if found is None:
        raise NotFound(gettext("There is no such evaluation, or it belongs to another team."))
    if visibility.hides_from(found.competition, request.user):
        raise visibility.hidden()
    return found


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
