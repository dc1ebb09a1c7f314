"""A team's best score over time, as SVG that needs no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from leaderboard.services.histories import Step
from leaderboard.web.axes import Axis

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 14, 30


@dataclass(frozen=True)
class Point:
    x: float
    y: float
    low: float
    """The pixel of the interval's lower end."""
    high: float
    step: Step


@dataclass(frozen=True)
class Progress:
    points: list[Point]
    line: str
    """Level until the next submission that was better."""
    ticks: list[tuple[float, str]]
    first: datetime
    last: datetime


def drawn(steps: Sequence[Step]) -> Progress | None:
    """The picture of a team's history; None before there is one."""
    if not steps:
        return None
    first, last = steps[0].uploaded_at, max(timezone.now(), steps[-1].uploaded_at)
    scores = [one.score for one in steps]
    air = max(0.01, 0.15 * (max(scores) - min(scores)))
    y = Axis(max(0.0, min(scores) - air), max(scores) + air, False, HEIGHT - BOTTOM, TOP)
    seconds = max(1.0, (last - first).total_seconds())
    x = Axis(0.0, seconds, False, LEFT, WIDTH - RIGHT)
    points = [
        Point(
            x.at((one.uploaded_at - first).total_seconds()),
            y.at(one.score),
            y.at(one.score - one.half_width),
            y.at(one.score + one.half_width),
            one,
        )
        for one in steps
    ]
    line = f"M{points[0].x} {points[0].y}"
    line += "".join(f"H{one.x}V{one.y}" for one in points[1:]) + f"H{x.end}"
    return Progress(points, line, y.ticks(), first, last)
