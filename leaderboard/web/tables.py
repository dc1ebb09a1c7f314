"""The table of a board: its headings, the columns that can be chosen, its rows as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from leaderboard.models import Competition, Entry
from leaderboard.sentences import said
from leaderboard.services import baselines, rankings
from leaderboard.web import charts, plots, words
from leaderboard.web.wishes import COLUMNS, Wish
from scoring import formats

REPEATED = ("score", "milliseconds")
"""Columns with the order of another one, which alone tells that the board is sorted by it."""


@dataclass(frozen=True)
class Column:
    """A column of a board, from left to right in `EVERY`."""

    name: str
    label: str | Promise
    """Empty: what the competition's metric is called."""
    about: str | Promise
    """What its "?" is called."""
    sort: str = ""
    """Its name in `choices.COLUMNS`; empty: it has no order of its own."""
    classes: str = ""


EVERY = (
    Column("rank", _("Rank"), _("About the rank"), "rank"),
    Column("team", _("Team"), _("About the marks of a team"), "team"),
    Column("score", _("Score"), _("About the score"), "rank", "text-end"),
    Column("terms", _("Terms of the score"), _("About the bars"), "", "wide"),
    Column("quality", "", _("About {metric}"), "quality", "text-end"),
    Column("ratio", _("Time ratio"), _("About the time ratio"), "time", "text-end"),
    Column("milliseconds", _("ms per image"), _("About the milliseconds"), "time", "text-end wide"),
    Column("format", _("Format"), _("About the format"), "format", "wide format"),
    Column("uploaded", _("Uploaded"), _("About the time of upload"), "uploaded", "wide"),
    Column("parameters", _("Parameters"), _("About the parameters"), "parameters", "text-end"),
    Column("size", _("File size"), _("About the file size"), "size", "text-end"),
    Column("macs", _("MACs"), _("About the MACs"), "macs", "text-end"),
    Column("memory", _("Memory"), _("About the memory"), "memory", "text-end"),
    Column("entries", _("Uploads"), _("About the uploads"), "entries", "text-end"),
    Column("last", _("Last upload"), _("About the last upload"), "last"),
)


@dataclass(frozen=True)
class Head:
    """The heading of a column."""

    name: str
    label: str
    about: str
    classes: str
    query: str
    """The address of the board sorted by it; empty: it cannot be."""
    order: str
    """`ascending` or `descending` if the board is sorted by it."""
    terms: Sequence[TermHead] = ()
    """The terms of the score, in their column. The board can be sorted by each of them."""


@dataclass(frozen=True)
class TermHead:
    """A term in the heading of its column."""

    name: str
    label: str
    query: str
    """The address of the board sorted by the figure that the term grows or falls with."""


@dataclass(frozen=True)
class Pick:
    """A value that a form offers."""

    name: str
    label: str
    is_chosen: bool


@dataclass(frozen=True)
class Reach:
    """A range of ranks as a bar, in percent of an axis that the rows of a page share.

    The percents are texts already: template filters for each row would take longer than all else.
    """

    start: str
    width: str
    rank: str


@dataclass(frozen=True)
class ShownRow:
    """A row of a board as it is shown."""

    row: rankings.Row
    bar: list[charts.TermBar]
    reach: Reach | None
    """The bar of its likely ranks."""
    change: int | None
    """Ranks won since the public board."""
    since_yesterday: int | None
    """Ranks won in a day, where that is beyond noise."""
    is_mine: bool
    above: Sequence[baselines.Line]
    """The reference and the baselines that beat it, and not the row before."""


def heads(competition: Competition, wish: Wish) -> list[Head]:
    """The headings from left to right."""
    metric = said(competition.quality_measure.short)
    order = "descending" if wish.choice.is_descending else "ascending"
    return [
        Head(
            name=one.name,
            label=str(one.label) or metric,
            about=str(one.about).format(metric=metric),
            classes=one.classes,
            query=f"?{wish.sorted_by(one.sort)}" if one.sort else "",
            order=order if one.sort == wish.choice.sort and one.name not in REPEATED else "",
            terms=term_heads(competition, wish) if one.name == "terms" else (),
        )
        for one in EVERY
        if one.name not in COLUMNS or one.name in wish.columns
    ]


def term_heads(competition: Competition, wish: Wish) -> list[TermHead]:
    """The terms of the score. A term has the name of the order that is its own: the time term rises
    with the time ratio, the quality term falls with the quality."""
    return [
        TermHead(one.name, one.label, f"?{wish.sorted_by(one.name)}")
        for one in words.terms(competition)
    ]


def picks(wish: Wish) -> list[Pick]:
    """The columns that can be chosen."""
    labels = {one.name: str(one.label) for one in EVERY}
    return [Pick(name, labels[name], name in wish.columns) for name in COLUMNS]


def kinds(competition: Competition, wish: Wish) -> dict[str, list[Pick]]:
    """The formats and number types that a board can be filtered by."""
    taken = [(one.name, one.title) for one in formats.some(competition.formats)]
    types = [(name, name) for name in formats.NUMBER_TYPES]
    return {
        "formats": picked(taken, wish.choice.format),
        "types": picked(types, wish.choice.number_type),
    }


def picked(values: list[tuple[str, str]], chosen: str) -> list[Pick]:
    """Values to choose from. A value that is chosen already is among them in any case."""
    if chosen and chosen not in dict(values):
        values = [*values, (chosen, chosen)]
    return [Pick(name, label, name == chosen) for name, label in values]


def rows(
    competition: Competition,
    found: Sequence[rankings.Row],
    wish: Wish,
    team_id: int | None,
    *,
    beside: Mapping[int, Sequence[baselines.Line]] | None = None,
    moved: Mapping[int, int] | None = None,
) -> SafeString:
    """Rows of a board as HTML, with reference and baselines before those that they beat."""
    beside = beside or {}
    said = {
        "competition": competition,
        "lines": lines(competition, found, team_id, beside, moved or {}),
        "columns": wish.columns,
        "teams_at": f"/competitions/{competition.slug}/teams/",
        "below": beside.get(len(found), ()),
    }
    return mark_safe(render_to_string("competitions/rows.html", said).strip())  # noqa: S308 - ours


def points(
    competition: Competition, found: Sequence[rankings.Row], drawn: plots.Plot | None
) -> SafeString:
    """The marks of rows on the plot as SVG."""
    if drawn is None:
        return mark_safe("")
    marks = [plots.point(drawn, row) for row in found]
    said = {"competition": competition, "points": marks, "radius": drawn.radius}
    return render_to_string("competitions/points.html", said)


def front(standing: rankings.Standing, drawn: plots.Plot) -> list[plots.Point]:
    """The Pareto front of a plot, the fastest first."""
    ranks = {one.team_id: one.rank for one in drawn.front}
    entries = Entry.objects.board(standing.competition, standing.key).filter(team__in=ranks)
    rows = {one.team_id: rankings.Row(ranks[one.team_id], one, is_tied=False) for one in entries}
    return [plots.point(drawn, rows[team]) for team in ranks if team in rows]


def lines(
    competition: Competition,
    found: Sequence[rankings.Row],
    team_id: int | None,
    beside: Mapping[int, Sequence[baselines.Line]],
    moved: Mapping[int, int],
) -> list[ShownRow]:
    scale = max([1.0, *(float(row.entry.score) for row in found)])
    ranges = [row.likely for row in found]
    first = min((one.first for one in ranges if one), default=1)
    last = max((one.last for one in ranges if one), default=1)
    return [
        ShownRow(
            row,
            charts.bar(competition, row.entry.quality, row.entry.time_ratio, scale),
            reach(row, first, last),
            row.entry.public_rank - row.rank if row.rank and row.entry.public_rank else None,
            moved.get(row.entry.team_id),
            row.entry.team_id == team_id,
            beside.get(at, ()),
        )
        for at, row in enumerate(found)
    ]


def reach(row: rankings.Row, first: int, last: int) -> Reach | None:
    """The range of a row on an axis from one rank to another."""
    likely = row.likely
    if not likely or not row.rank:
        return None
    share = 100 / (last - first + 1)
    return Reach(
        start=f"{share * (likely.first - first):.2f}%",
        width=f"{share * (likely.last - likely.first + 1):.2f}%",
        rank=f"{share * (row.rank - first + 0.5):.2f}%",
    )
