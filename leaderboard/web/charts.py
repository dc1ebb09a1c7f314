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
class Bar:
    """A score as two stretches, time then F1, in percent of the picture's width."""

    score: float
    time_term: float
    quality_term: float
    scale: float

    @property
    def time_percent(self) -> float:
        return 100 * self.time_term / self.scale

    @property
    def quality_percent(self) -> float:
        return 100 * self.quality_term / self.scale


def bar(competition: Competition, score: float, time_ratio: float, scale: float) -> Bar:
    time_term = competition.time_weight * time_ratio
    return Bar(score, time_term, max(0.0, score - time_term), scale)


def board(competition: Competition, entries: list[Entry], name: str) -> dict[str, Any]:
    """Points with error bars, the Pareto front, the reference, and lines of equal score."""
    points: list[dict[str, Any]] = [
        {
            "team": entry.team.name,
            **interval(entry.time_ratio, entry.evaluation.half_width or 0.0),
            "y": entry.f1,
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
            "y": baseline.f1,
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
    """Those that nothing beats in both: from the fastest on, each with a higher F1."""
    front: list[dict[str, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or y > front[-1]["y"]:
            front.append({"x": x, "y": y})
    return front


def contours(
    competition: Competition, x: tuple[float, float], y: tuple[float, float]
) -> list[dict[str, Any]]:
    """Lines through the picture along which the score is the same."""
    f1_ref = competition.reference_f1
    if f1_ref is None or not competition.k:
        return []
    weight = competition.time_weight

    def f1(score: float, ratio: float) -> float | None:
        quality = score - weight * ratio
        if not 0 < quality < 1:
            return None
        return f1_ref - math.log(quality / (1 - quality)) / competition.k

    def ratio(score: float, f1: float) -> float | None:
        quality = formula.quality_term(f1, f1_ref=f1_ref, k=competition.k)
        return (score - quality) / weight if weight else None

    # Where a line is steep, equal steps of the ratio leave kinks; where it is flat, steps of F1.
    found = []
    for score in levels(0.05, weight * x[1] + 1.0):
        points: list[tuple[float | None, float | None]]
        points = [(one, f1(score, one)) for one in steps(x)]
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
