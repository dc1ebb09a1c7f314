"""The public board, and the private one once it is published."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from leaderboard.errors import NotFound
from leaderboard.models import Competition, Entry
from leaderboard.services import rankings, teams
from leaderboard.web import charts
from leaderboard.web.competitions import find, show
from leaderboard.web.requests import Request

PAGE = 100
MOST_POINTS = 500


@dataclass(frozen=True)
class Line:
    """A row of a board as it is shown; `change` counts ranks won since the public board."""

    row: rankings.Row
    bar: charts.Bar
    change: int | None
    is_mine: bool


@require_safe
def board(request: Request, slug: str, name: str) -> HttpResponse:
    competition = find(request, slug)
    try:
        rankings.check_visible(competition, name)
    except NotFound as refusal:
        if refusal.code != "board_not_published":
            raise
        return show(request, competition, "competitions/unpublished.html", status=404)

    entries = Entry.objects.board(competition, name)
    page = Paginator(entries, PAGE).get_page(request.GET.get("page"))
    start = page.start_index() - 1 if page.paginator.count else 0
    return show(
        request,
        competition,
        "competitions/board.html",
        board=name,
        page=page,
        lines=lines(
            request, competition, rankings.rows(competition, name, start=start, count=PAGE)
        ),
        board_baseline=rankings.baseline(competition, name),
        chart=charts.board(competition, list(entries[:MOST_POINTS]), name),
    )


def lines(request: Request, competition: Competition, rows: list[rankings.Row]) -> list[Line]:
    mine = teams.of(request.user, competition)
    scale = max([1.0, *(float(row.entry.score) for row in rows)])
    return [
        Line(
            row,
            charts.bar(competition, float(row.entry.score), row.entry.time_ratio, scale),
            row.entry.public_rank - row.rank if row.rank and row.entry.public_rank else None,
            mine is not None and mine.pk == row.entry.team_id,
        )
        for row in rows
    ]
