"""The race: how the public board stood at a moment, and how the leaders came there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from leaderboard import times
from leaderboard.models import Competition, Entry
from leaderboard.services import races, rankings, teams
from leaderboard.web.axes import Axis
from leaderboard.web.competitions import find, show
from leaderboard.web.requests import Request

LEADERS = 10
"""Teams whose lines are drawn."""
ROWS = 50
MOMENTS = 120
"""Steps between the moments at which the picture looks at the board. An era between two moments is
left out."""
FEWEST, LOWEST = 4, 15
"""The lowest rank on the axis: of few teams, and at most. Lower ranks share its place."""
FEW = 6
"""Up to so many ranks each one has a line of the axis."""
WIDTH, HEIGHT = 1000, 400
LEFT, RIGHT, TOP, BOTTOM = 44, 190, 18, 36
GAP = 20.0
"""Pixels from one name to the next."""
DATES = 4
BY = ("rank", "score")


@dataclass(frozen=True)
class LeaderPath:
    """A leader's way."""

    number: int
    """The number of its colour."""
    team_id: int
    name: str
    path: str
    end: float
    label: float
    """The pixel of its name, which keeps away from other names."""
    is_mine: bool


@dataclass(frozen=True)
class Chart:
    lines: list[LeaderPath]
    ticks: list[tuple[float, str]]
    dates: list[tuple[float, str]]
    end: float = WIDTH - RIGHT
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class Row:
    placed: races.Placed
    name: str
    now: int | None
    is_mine: bool


@require_safe
def race(request: Request, slug: str) -> HttpResponse:
    competition = find(request, slug)
    if competition.hides_scores:
        return show(request, competition, "competitions/unpublished.html")
    track = request.GET.get("track", "")
    standing = rankings.Standing(competition, Entry.Board.PUBLIC, track=track)
    found = races.of(standing)
    if found is None:
        return show(request, competition, "competitions/race.html", standing=standing)
    own_zone = times.personal.get()
    zone = ZoneInfo(own_zone or competition.time_zone)
    begin, end = bounds(competition, found)
    read_in = request.GET.get("zone", "")
    read_in = read_in if read_in in times.zones() else competition.time_zone
    at = moment(request.GET.get("as_of", ""), ZoneInfo(read_in), begin, end)
    by = next((one for one in BY if one == request.GET.get("by")), BY[0])
    mine = teams.of(request.user, competition)
    era = found.number(at or end)
    placed, names = first_teams(found, at or end)
    chart = drawn(zone, found, placed[:LEADERS], names, begin, at or end, by)
    own = mine.pk if mine else None
    return show(
        request,
        competition,
        "competitions/race.html",
        chart=replace(chart, lines=[replace(x, is_mine=x.team_id == own) for x in chart.lines]),
        rows=table(found, placed, names, own),
        by=by,
        links=links(at, own_zone, zone, by, standing.slug),
        standing=standing,
        at=at,
        zone=zone.key,
        own_zone=own_zone,
        first=field(begin, zone),
        last=field(end, zone),
        shown=field(at or end, zone),
        is_cut=found.stretch(era).reach is not None,
        is_earlier=era < found.number(end),
        team=mine,
    )


def first_teams(found: races.Race, at: datetime) -> tuple[list[races.Placed], dict[int, str]]:
    """The first teams at a moment, and their names. A team that was merged meanwhile has none, and
    is left out."""
    placed = found.standing(at)[:ROWS]
    names = found.names(one.team_id for one in placed)
    return [one for one in placed if one.team_id in names], names


def table(
    found: races.Race, placed: Sequence[races.Placed], names: Mapping[int, str], own: int | None
) -> list[Row]:
    return [
        Row(one, names[one.team_id], found.now.get(one.team_id), one.team_id == own)
        for one in placed
    ]


def bounds(competition: Competition, found: races.Race) -> tuple[datetime, datetime]:
    """The first score, and now or the end of the competition; a rescore may come after that."""
    begin, now = found.begin, timezone.now()
    end = min(now, competition.ends_at) if competition.ends_at else now
    last = max(some[-1].uploaded_at for some in found.today.steps.values())
    rescored = found.eras[-1].begin or begin
    return begin, max(end, last, rescored, begin + timedelta(minutes=1))


def moment(text: str, zone: ZoneInfo, begin: datetime, end: datetime) -> datetime | None:
    """The moment in an address, within the race; without an offset it is in `zone`. None: now."""
    try:
        at = datetime.fromisoformat(text[:40].replace(" ", "+"))
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        return None if at >= end else max(at, begin)
    except (ValueError, OverflowError):
        return None


def links(
    at: datetime | None, own_zone: str, zone: ZoneInfo, by: str, track: str
) -> dict[str, object]:
    """The query strings that lead on: to each picture, to now, and to another track."""
    return {
        "ways": [(one, urlencode(address(at, own_zone, zone, one, track))) for one in BY],
        "now": urlencode(address(None, own_zone, zone, by, track)),
        "kept": urlencode(address(at, own_zone, zone, by, "")),
    }


def address(
    at: datetime | None, own_zone: str, zone: ZoneInfo, by: str, track: str
) -> dict[str, str]:
    """The query of a moment.

    It names the zone of the reader, because other readers of the address may have another zone.
    """
    said = {
        "track": track,
        "as_of": field(at, zone) if at else "",
        "zone": own_zone if at else "",
        "by": by if by != BY[0] else "",
    }
    return {name: value for name, value in said.items() if value}


def field(at: datetime, zone: ZoneInfo) -> str:
    """A moment in the form that an input for date and time takes."""
    return at.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def drawn(
    zone: ZoneInfo,
    found: races.Race,
    leaders: Sequence[races.Placed],
    names: Mapping[int, str],
    begin: datetime,
    end: datetime,
    by: str,
) -> Chart:
    """The lines of the leaders of a moment up to that moment."""
    x = Axis(0.0, max(1.0, (end - begin).total_seconds()), False, LEFT, WIDTH - RIGHT)
    ways, y = (ranks if by == "rank" else scores)(found, leaders, begin, end, x)
    ends = spread([way[-1][1] for way in ways])
    lines = [
        LeaderPath(
            number=number,
            team_id=one.team_id,
            name=names[one.team_id],
            path="M" + "L".join(f"{a} {b}" for a, b in way),
            end=way[-1][1],
            label=label,
            is_mine=False,
        )
        for number, (one, way, label) in enumerate(zip(leaders, ways, ends, strict=True))
    ]
    return Chart(lines, y, dates(zone, begin, end, x))


Ways = tuple[list[list[tuple[float, float]]], list[tuple[float, str]]]


def ranks(
    found: races.Race, leaders: Sequence[races.Placed], begin: datetime, end: datetime, x: Axis
) -> Ways:
    moments = spaced(begin, end)
    pixels = [x.at((at - begin).total_seconds()) for at in moments]
    counted = found.ranks([one.team_id for one in leaders], moments)
    last = max((rank for some in counted.values() for rank in some if rank), default=1)
    lowest = min(LOWEST, max(last, FEWEST))
    y = Axis(1.0, float(lowest), False, TOP, HEIGHT - BOTTOM)
    ways = [
        [(pixel, y.at(rank)) for pixel, rank in zip(pixels, some, strict=True) if rank]
        for some in counted.values()
    ]
    if last <= FEW:
        return ways, [(y.at(rank), str(rank)) for rank in range(1, last + 1)]
    ticks = [(y.at(rank), str(rank)) for rank in (1, 5, 10) if rank <= lowest - 2]
    return ways, [*ticks, (y.at(lowest), f"{lowest}+" if last > lowest else str(lowest))]


def scores(
    found: races.Race, leaders: Sequence[races.Placed], begin: datetime, end: datetime, x: Axis
) -> Ways:
    if not leaders:  # the teams that are known do not tell who led at such an early moment
        return [], []
    each = list(found.ways([one.team_id for one in leaders], spaced(begin, end)).values())
    # A leader's first try may have been far worse than what the race is about.
    every = [score for some in each for _, score in some]
    best, worst = min(every), float(leaders[-1].step.score)
    high = min(max(every), worst + 2 * (worst - best) + 0.02)
    y = Axis(max(0.0, best - 0.01), high + 0.01, False, HEIGHT - BOTTOM, TOP)
    ways = []
    for some in each:
        way: list[tuple[float, float]] = []
        for moment, score in some:
            at = x.at((moment - begin).total_seconds())
            if way:
                way.append((at, way[-1][1]))
            way.append((at, y.at(score)))
        ways.append([*way, (x.end, way[-1][1])])
    return ways, y.ticks()


def spaced(begin: datetime, end: datetime) -> list[datetime]:
    return [begin + (end - begin) * number / MOMENTS for number in range(MOMENTS + 1)]


def spread(ends: Sequence[float]) -> list[float]:
    """Heights for names near the ends of their lines, so that no two names overlap."""
    order = sorted(range(len(ends)), key=lambda number: ends[number])
    found = list(ends)
    low = TOP - GAP
    for number in order:
        low = found[number] = max(found[number], low + GAP)
    high = HEIGHT - BOTTOM + GAP
    for number in reversed(order):
        high = found[number] = min(found[number], high - GAP)
    return found


def dates(zone: ZoneInfo, begin: datetime, end: datetime, x: Axis) -> list[tuple[float, str]]:
    parts = [begin + (end - begin) * number / DATES for number in range(DATES + 1)]
    is_long = end - begin > timedelta(days=2)
    shown = times.day if is_long else times.local
    return [
        (x.at((one - begin).total_seconds()), shown(one, zone.key))
        for one in (parts if is_long else [parts[0], parts[-1]])
    ]
