"""A team's scores from upload to upload as a picture. Shares of its width, pixels of its height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leaderboard.models import Entry, Evaluation, Team
from leaderboard.services import rankings
from leaderboard.web.axes import Axis, multiples

MOST = 100
"""The latest submissions that are shown."""
HEIGHT = 200
AIR = 14
"""Pixels above the highest point and below the lowest one."""
TICKS = 4
LEAST_SPAN = 1e-6
"""Least span of the scores: they have six decimals."""


@dataclass(frozen=True)
class Dot:
    number: int
    score: float
    x: float
    y: float
    is_best: bool
    is_selected: bool


@dataclass(frozen=True)
class Stroke:
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Level:
    """A line across the whole picture."""

    y: float
    label: str


@dataclass(frozen=True)
class Chart:
    dots: list[Dot]
    best_so_far: list[Stroke]
    ticks: list[Level]
    leader: Level | None
    """The best score of the board, and its team."""
    leader_score: float | None
    best: Dot | None
    is_cut: bool
    """Whether there are earlier scores than those that are shown."""
    height: int = HEIGHT


def of(team: Team, entry: Entry | None) -> Chart | None:
    """The picture of a team's scores; None for fewer than two. `entry`: its own on the public
    board."""
    counting = Evaluation.objects.counting().filter(team=team)
    read = counting.order_by("-submission__uploaded_at", "-submission_id").values_list(
        "submission_id", "score_public", "quality_public", "submission__selected_at"
    )
    rows = [*reversed(read[: MOST + 1])]
    is_cut, rows = len(rows) > MOST, rows[-MOST:]
    if len(rows) < 2:
        return None
    board = Entry.objects.filter(competition=team.competition, board=Entry.Board.PUBLIC)
    leader = board.filter(is_ranked=True).select_related("team").order_by(*rankings.ORDER).first()
    scores = [float(score or 0.0) for _, score, *_ in rows]
    shown = [*scores, float(leader.score)] if leader else scores
    low, high = min(shown), max(shown)
    # A higher score, which is worse, is drawn higher.
    heights = Axis(low, max(high, low + LEAST_SPAN), False, HEIGHT - AIR, AIR)
    dots = [
        Dot(
            number,
            score,
            x=across(at, len(rows)),
            y=heights.at(score),
            is_best=entry is not None and entry.submission_id == number,
            is_selected=selected_at is not None,
        )
        for at, (score, (number, _, _, selected_at)) in enumerate(zip(scores, rows, strict=True))
    ]
    is_ranked = [(quality or 0.0) >= team.competition.min_quality for _, _, quality, _ in rows]
    return Chart(
        dots=dots,
        best_so_far=stairs([dot for dot, ranked in zip(dots, is_ranked, strict=True) if ranked]),
        ticks=levels(heights),
        leader=Level(heights.at(float(leader.score)), leader.team.name) if leader else None,
        leader_score=float(leader.score) if leader else None,
        best=next((dot for dot in dots if dot.is_best), None),
        is_cut=is_cut,
    )


def levels(heights: Axis) -> list[Level]:
    """Lines at round scores."""
    values = multiples(heights.low, heights.high, TICKS)
    return [Level(heights.at(one), f"{one:.4g}") for one in values]


def across(at: int, count: int) -> float:
    return 2.0 + 96.0 * at / (count - 1)


def stairs(dots: Sequence[Dot]) -> list[Stroke]:
    """The best score so far: level until a better one."""
    strokes: list[Stroke] = []
    if not dots:
        return strokes
    x, y, best = dots[0].x, dots[0].y, dots[0].score
    for dot in dots[1:]:
        if dot.score < best:
            strokes += [Stroke(x, y, dot.x, y), Stroke(dot.x, y, dot.x, dot.y)]
            x, y, best = dot.x, dot.y, dot.score
    return [*strokes, Stroke(x, y, 100.0, y)]
