"""Figures turned into pictures: plain numbers for the board's chart and the score's bars."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from leaderboard.models import Competition, Entry
from leaderboard.services import rankings
from scoring import formula

STEPS = 48
CONTOURS = 5


@dataclass(frozen=True)
class Stretch:
    """One term of a score in a bar; start and width in percent of the picture's width."""

    name: str
    value: float
    start: float
    width: float


def bar(competition: Competition, quality: float, time_ratio: float, scale: float) -> list[Stretch]:
    """A score as one stretch for each term; a score of `scale` would fill the picture."""
    score = competition.score(quality, time_ratio)
    assert score, "whoever has a score was measured against a reference quality"
    stretches, start = [], 0.0
    for name, value in score.terms.items():
        width = 100 * value / scale
        stretches.append(Stretch(name, value, start, width))
        start += width
    return stretches


def board(competition: Competition, entries: list[Entry], name: str) -> dict[str, Any]:
    """Points with error bars, the Pareto front, the reference, and lines of equal score."""
    points: list[dict[str, Any]] = [
        {
            "team": entry.team.name,
            **interval(entry.time_ratio, entry.evaluation.half_width or 0.0),
            "y": entry.quality,
            "score": float(entry.score),
            "halfWidth": entry.score_half_width,
        }
        for entry in entries
    ]
    baseline = rankings.baseline(competition, name)
    reference = (
        {
            "team": baseline.name,
            **interval(baseline.time_ratio, baseline.half_width),
            "y": baseline.quality,
            "score": baseline.score,
            "halfWidth": baseline.score_half_width,
        }
        if baseline
        else None
    )
    shown = points + ([reference] if reference else [])
    x, y = around([one["x"] for one in shown]), around([one["y"] for one in shown], highest=1.0)
    return {
        "points": points,
        "front": pareto([(one["x"], one["y"]) for one in points]),
        "reference": reference,
        "contours": contours(competition, x, y),
        "x": x,
        "y": y,
    }


def interval(ratio: float, half_width: float) -> dict[str, float]:
    return {"x": ratio, "xMin": max(0.0, ratio - half_width), "xMax": ratio + half_width}


def pareto(points: Iterable[tuple[float, float]]) -> list[dict[str, float]]:
    """The Pareto front of points (time ratio, quality), in ascending order of both."""
    front: list[dict[str, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or y > front[-1]["y"]:
            front.append({"x": x, "y": y})
    return front


def contours(
    competition: Competition, x: tuple[float, float], y: tuple[float, float]
) -> list[dict[str, Any]]:
    """Lines through the picture along which the score is the same."""
    quality_ref = competition.reference_quality
    if quality_ref is None or not competition.k:
        return []
    weight = competition.time_weight

    def quality(score: float, ratio: float) -> float | None:
        term = score - weight * ratio
        if not 0 < term < 1:
            return None
        return quality_ref - math.log(term / (1 - term)) / competition.k

    def ratio(score: float, quality: float) -> float | None:
        term = formula.quality_term(quality, quality_ref=quality_ref, k=competition.k)
        return (score - term) / weight if weight else None

    # Steps of the ratio leave kinks where a line is steep, steps of quality where it is flat.
    found = []
    for score in levels(0.05, weight * x[1] + 1.0):
        points: list[tuple[float | None, float | None]]
        points = [(one, quality(score, one)) for one in steps(x)]
        points += [(ratio(score, one), one) for one in steps(y)]
        line = sorted(
            (across, up)
            for across, up in points
            if across is not None and x[0] <= across <= x[1]
            if up is not None and y[0] <= up <= y[1]
        )
        if line and line[-1][0] - line[0][0] > (x[1] - x[0]) / 6:
            found.append({"score": score, "line": [{"x": one, "y": up} for one, up in line]})
    return found[:: max(1, math.ceil(len(found) / CONTOURS))]


def steps(axis: tuple[float, float]) -> list[float]:
    return [axis[0] + (axis[1] - axis[0]) * step / STEPS for step in range(STEPS + 1)]


def levels(low: float, high: float) -> list[float]:
    """Round numbers, a tenth apart."""
    return [number / 10 for number in range(math.ceil(low * 10), math.floor(high * 10) + 1)]


def around(values: list[float], *, highest: float = math.inf) -> tuple[float, float]:
    """An axis that leaves some air on both sides of its values."""
    if not values:
        return 0.0, 1.0
    air = max(0.05, 0.12 * (max(values) - min(values)))
    low, high = max(0.0, min(values) - air), min(highest, max(values) + air)
    return math.floor(low * 20) / 20, math.ceil(high * 20) / 20
