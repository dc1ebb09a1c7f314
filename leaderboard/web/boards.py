"""The public board, and the private one once it is published."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from leaderboard import digits
from leaderboard.errors import NotFound
from leaderboard.models import Competition, Entry
from leaderboard.services import rankings, teams
from leaderboard.web import charts, words
from leaderboard.web.competitions import find, show
from leaderboard.web.requests import Request

PAGE = 100
MOST_POINTS = 500
CHART_FORMAT = 1
"""One more whenever the chart's figures change their form: browsers keep those of a version."""


@dataclass(frozen=True)
class Line:
    """A row of a board as it is shown; `change` counts ranks won since the public board."""

    row: rankings.Row
    bar: list[charts.Stretch]
    change: int | None
    is_mine: bool


@dataclass(frozen=True)
class Own:
    """Where the reader's team stands."""

    entry: Entry
    rank: int | None
    """None below the gate."""
    page: int


@require_safe
def board(request: Request, slug: str, name: str) -> HttpResponse:
    competition = find(request, slug)
    try:
        rankings.check_visible(competition, name)
    except NotFound as refusal:
        if refusal.code != "board_not_published":
            raise
        return show(request, competition, "competitions/unpublished.html")
    standing = rankings.Standing(competition, name)
    mine = own(request, standing)
    page = Paginator(range(len(standing)), PAGE).get_page(wanted_page(request))
    return show(
        request,
        competition,
        "competitions/board.html",
        board=name,
        page=page,
        mine=mine,
        rows=rows(standing, page, mine) if len(standing) else "",
        points=min(len(standing), MOST_POINTS),
        chart_words=words.board_chart(competition),
    )


@require_safe
def chart(request: Request, slug: str, name: str) -> HttpResponse:
    """The chart's figures: the same for everybody, so that browsers keep them, too."""
    competition = find(request, slug)
    rankings.check_visible(competition, name)
    standing = rankings.Standing(competition, name)
    etag = quote_etag(f"{competition.pk}-{name}-{standing.version}-{CHART_FORMAT}")

    def drawn() -> str:
        entries = [row.entry for row in standing[:MOST_POINTS]]
        return json.dumps(charts.board(competition, entries, name))

    headers = {"ETag": etag, "Cache-Control": "no-cache"}  # which means: ask whether it changed
    unchanged = get_conditional_response(request, etag=etag)
    return unchanged or HttpResponse(
        standing.kept("chart", drawn), content_type="application/json", headers=headers
    )


def wanted_page(request: Request) -> str | int | None:
    """The page that was asked for, or the one with the rank that was."""
    rank = digits.whole(request.GET.get("rank", ""))
    return request.GET.get("page") if rank is None else page_of(rank)


def page_of(rank: int) -> int:
    return (max(rank, 1) - 1) // PAGE + 1


def own(request: Request, standing: rankings.Standing) -> Own | None:
    team = teams.of(request.user, standing.competition)
    entry = rankings.entry_of(team, standing.board) if team else None
    if entry is None:
        return None
    place = standing.place(entry)
    return Own(entry, place if entry.is_ranked else None, page_of(place))


def rows(standing: rankings.Standing, page: Page[int], mine: Own | None) -> SafeString:
    """The table's rows as HTML, made once in each language for all who have no own row there."""
    competition, name = standing.competition, standing.board
    is_here = mine is not None and mine.page == page.number
    team_id = mine.entry.team_id if mine and is_here else None

    def made() -> str:
        places = page.object_list
        shown = lines(competition, standing[places[0] : places[-1] + 1], team_id)
        baseline = rankings.baseline(competition, name)
        said = {
            "competition": competition,
            "lines": shown,
            "board_baseline": baseline,
            "baseline_at": baseline_at(baseline, standing, page) if baseline else None,
        }
        return render_to_string("competitions/rows.html", said)

    key = f"rows-{page.number}-{team_id}-{get_language()}"
    return mark_safe(standing.kept(key, made))  # noqa: S308 - our template


def baseline_at(
    baseline: rankings.Baseline, standing: rankings.Standing, page: Page[int]
) -> int | None:
    """Before which row of a page the reference stands by its score; None: on another page.

    It stands before the first row that it beats, or whose team has no rank.
    """
    places = page.object_list
    first, last = places[0], places[-1]
    # With the last row of the page before, to see whether the reference belongs there.
    before = standing[first - 1 : last + 1] if first else standing[: last + 1]
    is_beaten = [
        row.rank is not None and float(row.entry.score) <= baseline.score for row in before
    ]
    if first and not is_beaten[0]:
        return None
    place = is_beaten.index(False) if False in is_beaten else len(is_beaten)
    if place == len(is_beaten) and page.has_next():
        return None  # it stands at the top of the next page
    return place - 1 if first else place


def lines(competition: Competition, rows: list[rankings.Row], team_id: int | None) -> list[Line]:
    scale = max([1.0, *(float(row.entry.score) for row in rows)])
    return [
        Line(
            row,
            charts.bar(competition, row.entry.quality, row.entry.time_ratio, scale),
            row.entry.public_rank - row.rank if row.rank and row.entry.public_rank else None,
            row.entry.team_id == team_id,
        )
        for row in rows
    ]
