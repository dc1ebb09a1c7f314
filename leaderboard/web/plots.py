"""The plot of a board: quality against time ratio, as SVG that needs no script.

Of many teams only dots are drawn, in layers by how many stand in one place. The teams of the page,
the front and the reader's own team are marks that lead to their rows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from leaderboard.models import Competition, Entry, LikelyRanks
from leaderboard.services import baselines, rankings
from leaderboard.web.axes import Axis, decades, multiples
from scoring import formula
from scoring.quality.power import SURE

MOST_POINTS = 5_000
"""Teams on the plot, the best ones; a reader is told how many there are."""
WIDTH, HEIGHT = 320, 330
LEFT, RIGHT, TOP, BOTTOM = 40, 10, 10, 38
EMPTY_HALF = 0.5
"""An axis is changed where outliers would take more than this share of it."""
NAMED = 6
"""Teams of the front that are named in a sentence below the plot."""
FINE = 1_000
"""With more teams than this the dots stand two pixels apart. A dot is four pixels wide."""
CONTOURS = 6
SHORTEST = 12
"""Least number of places of a line that gets a label."""
MOST_LOOKED_AT = 200
"""Places that a label of a contour keeps away from."""
ELLIPSE = math.sqrt(-2 * math.log(0.05)) / SURE
"""A half axis of a 95 % ellipse (chi-squared, 2 degrees of freedom) for each half of a 95 %
interval."""
LAYERS = (1, 3, 10)
"""Dots are darker where at least so many teams stand in one place."""


@dataclass(frozen=True)
class Mark:
    """A team on the plot; the reference and baselines have the key 0."""

    team_id: int
    name: str
    x: float
    y: float
    rank: int | None = None


@dataclass(frozen=True)
class Contour:
    """A line of equal score, and where its score is written."""

    path: str
    label: str
    """Empty if there is no room for the label."""
    x: float
    y: float


@dataclass(frozen=True)
class Plot:
    """What is drawn of one version of a board for all readers."""

    x: Axis
    y: Axis
    shown: int
    beyond: int
    """Teams that stand at an edge because their figures are beyond it."""
    layers: list[str]
    radius: float
    front: list[Mark]
    front_line: str
    contours: list[Contour]
    reference: Mark | None
    baselines: Sequence[Mark] = ()

    @property
    def diameter(self) -> float:
        return 2 * self.radius

    @property
    def named(self) -> list[Mark]:
        return self.front[:NAMED]

    @property
    def unnamed(self) -> int:
        return max(0, len(self.front) - NAMED)


@dataclass(frozen=True)
class Ellipse:
    """Where 95 % of other exams would see a model, its two half axes in pixels."""

    rx: float
    ry: float
    half_width: float
    """Half of the 95 % interval of the quality alone."""


@dataclass(frozen=True)
class Point:
    """The mark of an entry, with its interval."""

    entry: Entry
    x: float
    y: float
    low: float
    high: float
    ellipse: Ellipse | None
    """None until the doubt of its quality is computed, and beyond the axes."""
    rank: int | None
    likely: LikelyRanks | None

    @property
    def label_dy(self) -> int:
        """Pixels down to the middle of a label: above the mark, or below it at the upper edge."""
        return 20 if self.y < TOP + 20 else -10

    @property
    def label_anchor(self) -> str:
        """Which end of a label stands at the mark, so that it stays on the plot."""
        if self.x < LEFT + 30:
            return "start"
        return "end" if self.x > WIDTH - RIGHT - 30 else "middle"


def plot(standing: rankings.Standing, *, most: int = MOST_POINTS) -> Plot:
    """The plot of the best teams of a board, at most so many."""
    competition = standing.competition
    entries = Entry.objects.filter(competition=competition, board=standing.key)
    columns = "team_id", "team__name", "time_ratio", "quality", "is_ranked"
    best = entries.order_by("-is_ranked", *rankings.ORDER)[:most]
    found = list(best.values_list(*columns))
    rows = [row[:4] for row in found]
    ranks = {row[0]: place for place, row in enumerate(found, start=1) if row[4]}
    lines = baselines.on(standing)
    x = across([row[2] for row in rows] + [one.time_ratio for one in lines.every])
    y = upward([row[3] for row in rows] + [one.quality for one in lines.every])
    reference = beside(lines.reference, x, y) if lines.reference else None
    named = [beside(one, x, y) for one in lines.baselines]
    marks = [Mark(team, name, x.at(ratio), y.at(quality)) for team, name, ratio, quality in rows]
    best_ones = front(rows)
    grid = 1 if len(rows) <= FINE else 2
    cells = Counter((grid * round(one.x / grid), grid * round(one.y / grid)) for one in marks)
    marked = [*named, reference] if reference else named
    drawn = [*cells, *((one.x, one.y) for one in marked)]
    return Plot(
        x=x,
        y=y,
        shown=len(rows),
        beyond=sum(not (x.holds(row[2]) and y.holds(row[3])) for row in rows),
        layers=[dots(cells, *bounds) for bounds in zip(LAYERS, (*LAYERS[1:], None), strict=True)],
        radius=5 if len(rows) <= 50 else 3 if len(rows) <= 500 else 2,
        front=[
            Mark(team, name, x.at(ratio), y.at(quality), ranks.get(team))
            for team, name, ratio, quality in best_ones
        ],
        front_line=stairs([(x.at(row[2]), y.at(row[3])) for row in best_ones], end=x.end),
        contours=contours(competition, x, y, drawn),
        reference=reference,
        baselines=named,
    )


def beside(line: baselines.Line, x: Axis, y: Axis) -> Mark:
    """The mark of the reference or of a baseline."""
    return Mark(0, line.name, x.at(line.time_ratio), y.at(line.quality))


def empty(competition: Competition, quality_ref: float) -> Plot:
    """The plot of a board without teams, about the reference."""
    x = Axis(0.0, 2.0, False, LEFT, WIDTH - RIGHT)
    y = upward([max(0.0, quality_ref - 0.25), min(1.0, quality_ref + 0.15)])
    at = (x.at(1.0), y.at(quality_ref))
    return Plot(
        x=x,
        y=y,
        shown=0,
        beyond=0,
        layers=[],
        radius=5,
        front=[],
        front_line="",
        contours=contours(competition, x, y, [at]),
        reference=Mark(0, str(competition.reference or ""), *at),
    )


def point(drawn: Plot, row: rankings.Row) -> Point:
    entry = row.entry
    half = entry.evaluation.half_width or 0.0
    return Point(
        entry,
        drawn.x.at(entry.time_ratio),
        drawn.y.at(entry.quality),
        drawn.x.at(entry.time_ratio - half),
        drawn.x.at(entry.time_ratio + half),
        ellipse(drawn, row, half),
        row.rank,
        row.likely,
    )


def ellipse(drawn: Plot, row: rankings.Row, half: float) -> Ellipse | None:
    """The ellipse that 95 % of other exams would stay within; None if it is not known or off the
    plot.

    The errors of quality and time are taken as normal and independent. On a logarithmic axis the
    error of the time is taken as small beside the time.
    """
    ratio, quality, likely = row.entry.time_ratio, row.entry.quality, row.likely
    if likely is None or not (drawn.x.holds(ratio) and drawn.y.holds(quality)):
        return None
    return Ellipse(
        round(ELLIPSE * half * drawn.x.scale(ratio), 1),
        round(ELLIPSE * likely.half_width * drawn.y.scale(quality), 1),
        likely.half_width,
    )


Figures = tuple[int, str, float, float]


def front(rows: Iterable[Figures]) -> list[Figures]:
    """The Pareto front: teams that no other team beats in both figures, the fastest first."""
    found: list[Figures] = []
    for row in sorted(rows, key=lambda row: (row[2], -row[3])):
        if not found or row[3] > found[-1][3]:
            found.append(row)
    return found


def across(values: Sequence[float]) -> Axis:
    """The axis of the time ratio. It is logarithmic if outliers would take most of a linear axis.

    Values beyond the range of a logarithmic axis stand at its end.
    """
    low, high, usual = min(values), max(values), quantile(values, 0.95)
    start, end = LEFT, WIDTH - RIGHT
    # Among few teams the 95 % quantile is the largest value, and one outlier would hide the others.
    others = quantile(sorted(values)[:-1] or values, 0.95)
    if low <= 0 or high / low < 4 or (others - low) / (high - low) >= EMPTY_HALF:
        air = max(0.05, 0.06 * (high - low))
        return Axis(max(0.0, low - air), high + air, False, start, end)
    if usual > low and math.log(usual / low) / math.log(high / low) < EMPTY_HALF:
        high = usual * math.sqrt(usual / low)
    return Axis(low / 1.15, high * 1.15, True, start, end)


def upward(values: Sequence[float]) -> Axis:
    """The axis of quality. Low outliers stand at its lower end."""
    low, high, usual = min(values), max(values), quantile(values, 0.05)
    if high > low and (high - usual) / (high - low) < EMPTY_HALF:
        low = usual - 0.3 * (high - usual)
    air = max(0.02, 0.06 * (high - low))
    return Axis(max(0.0, low - air), min(1.0, high + air), False, HEIGHT - BOTTOM, TOP)


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def dots(cells: Counter[tuple[int, int]], least: int, below: int | None) -> str:
    """A path with a dot at each place that so many teams share."""
    places = (
        place for place, count in cells.items() if count >= least and not (below and count >= below)
    )
    return "".join(f"M{x} {y}h0" for x, y in sorted(places))


def stairs(places: Sequence[tuple[float, float]], *, end: float) -> str:
    """The border of what the front beats. The path goes level to the next team, then up to its
    quality."""
    if not places:
        return ""
    (x, y), *others = places
    return f"M{x} {y}" + "".join(f"H{x}V{y}" for x, y in others) + f"H{end}"


def contours(
    competition: Competition, x: Axis, y: Axis, drawn: Sequence[tuple[float, float]]
) -> list[Contour]:
    """Lines along which the score is the same, each with a label where few teams stand."""
    if competition.reference_quality is None or not competition.k:
        return []
    # Some of the places tell where there is room; the last one is the reference's.
    taken = [*drawn[:: len(drawn) // MOST_LOOKED_AT + 1], *drawn[-1:]]
    corners = [
        corner.total
        for one in (x.low, x.high)
        for other in (y.low, y.high)
        if (corner := competition.score(other, one))
    ]
    found: list[Contour] = []
    for score in levels(x, min(corners), max(corners)):
        line = equal(competition, x, y, score)
        if len(line) < SHORTEST:
            continue
        spot = quietest(line, [*taken, *((one.x, one.y) for one in found)])
        label = f"{score:.4g}" if spot else ""
        found.append(Contour(path(line), label, *(spot or line[0])))
    return found


def isoline(competition: Competition, drawn: Plot, score: float) -> str:
    """The path of all models with one score on a plot; empty if it would be a single dot."""
    line = equal(competition, drawn.x, drawn.y, score)
    return path(line) if len(line) > 1 else ""


def equal(competition: Competition, x: Axis, y: Axis, score: float) -> list[tuple[float, float]]:
    """Places with the same score, from left to right."""
    reference, weight, k = competition.reference_quality, competition.time_weight, competition.k
    if reference is None or not k:
        return []

    def quality(ratio: float) -> float | None:
        return formula.quality_at(score - weight * ratio, quality_ref=reference, k=k)

    def ratio(quality: float) -> float | None:
        term = formula.quality_term(quality, quality_ref=reference, k=k)
        return (score - term) / weight if weight else None

    return sorted_up(along(x, y, quality, ratio))


def path(line: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{a} {b}" for a, b in line)


def levels(x: Axis, low: float, high: float) -> list[float]:
    """Scores of the lines. Where the time is logarithmic, they are spread over its decades, too."""
    if x.is_log:
        return list(decades(max(low, high / 1000), high, CONTOURS))
    return list(multiples(low, high, CONTOURS))


def along(
    x: Axis,
    y: Axis,
    quality: Callable[[float], float | None],
    ratio: Callable[[float], float | None],
) -> Iterator[tuple[float, float]]:
    """Places on a line of equal score, every few pixels.

    Where the line is steep, steps across would leave kinks, so there the steps go up.
    """
    for pixel in range(LEFT, WIDTH - RIGHT + 1, 4):
        found = quality(x.value(pixel))
        if found is not None and y.holds(found):
            yield float(pixel), y.at(found)
    for pixel in range(TOP, HEIGHT - BOTTOM + 1, 4):
        found = ratio(y.value(pixel))
        if found is not None and x.holds(found):
            yield x.at(found), float(pixel)


def sorted_up(places: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Places from left to right. Those of a steep line come from below, because the line rises."""
    return sorted(places, key=lambda place: (place[0], -place[1]))


def quietest(
    line: Sequence[tuple[float, float]], taken: Sequence[tuple[float, float]]
) -> tuple[float, float] | None:
    """The place of a line that is farthest from everything that is drawn.

    Distances to the side count half, because a label is wider than high. None for a line that runs
    along the edge only.
    """
    inner = [
        (a, b)
        for a, b in line
        if LEFT + 14 < a < WIDTH - RIGHT - 14 and TOP + 8 < b < HEIGHT - BOTTOM - 8
    ]

    def room(spot: tuple[float, float]) -> float:
        return min((math.hypot((a - spot[0]) / 2, b - spot[1]) for a, b in taken), default=0.0)

    return max(inner[::3], key=room, default=None)
