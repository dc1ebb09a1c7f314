"""The public board, and the private one once it is published."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import floatformat
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_safe

from leaderboard import times
from leaderboard.errors import NotFound
from leaderboard.models import Entry, RankNote, Verification
from leaderboard.services import (
    baselines,
    browsing,
    landing,
    races,
    ranges,
    rankings,
    teams,
    verifications,
    visibility,
)
from leaderboard.web import plots, tables, wishes
from leaderboard.web.competitions import find, show
from leaderboard.web.requests import Request

PAGE = 100


@dataclass(frozen=True)
class Own:
    """Where the reader's team stands."""

    entry: Entry
    rank: int | None
    """None below the gate, or by a verification."""
    place: int
    is_out: bool
    """Whether a verification took the rank."""

    @property
    def row(self) -> rankings.Row:
        return rankings.Row(self.rank, self.entry, is_tied=False)


@dataclass(frozen=True)
class Pager:
    """The query strings of the pages around one; None: there is no such page."""

    first: str | None
    previous: str | None
    next: str | None
    last: str | None = None


@require_safe
def board(request: Request, slug: str, name: str) -> HttpResponse:
    competition = find(request, slug)
    try:
        visibility.check_board(competition, name)
    except NotFound as refusal:
        if refusal.code == "unknown_board":
            raise
        return show(request, competition, "competitions/unpublished.html")
    wish = wishes.read(request.GET)
    if wishes.is_untidy(request.GET):
        return HttpResponseRedirect(f"{request.path}?{wish.query()}")
    standing = rankings.Standing(competition, name, track=wish.track)
    mine = own(request, standing)
    drawn = standing.kept("plot", lambda: plots.plot(standing)) if len(standing) else None
    draw = whole if wish.choice.is_whole_board else part
    shown = draw(standing, wish, mine, drawn)
    return show(
        request,
        competition,
        "competitions/board.html",
        board=name,
        wish=wish,
        mine=mine,
        mine_query=f"{wish.to_row()}{mine.entry.team_id}" if mine else "",
        heads=tables.heads(competition, wish),
        picks=tables.picks(wish),
        kinds=tables.kinds(competition, wish),
        has_ranges=has_ranges(standing),
        landed=None if standing.track else landing.of(standing),
        rank_notes=notes(standing),
        standing=standing,
        drawn=drawn,
        front=drawn and standing.kept("front", partial(tables.front, standing, drawn)),
        share_description=summary(standing),
        embed_title=frame_title(standing),
        embed_address=request.build_absolute_uri(framed(standing)),
        own_point=plots.point(drawn, mine.row) if drawn and mine else None,
        **shown,
    )


def has_ranges(standing: rankings.Standing) -> bool:
    """Whether the ranks of a public board have ranges, computed or to come."""
    is_public = standing.board == Entry.Board.PUBLIC
    return is_public and (standing.track is None or standing.ranked.count <= ranges.MOST_IN_TRACK)


def framed(standing: rankings.Standing) -> str:
    """The address of a board for a frame, from that of its page."""
    return f"embed/?track={standing.slug}" if standing.track else "embed/"


def frame_title(standing: rankings.Standing) -> str:
    """The title of a frame with a board. Screen readers say it."""
    is_private = standing.board == Entry.Board.PRIVATE
    board = gettext("Private board") if is_private else gettext("Public board")
    parts = (standing.competition.title, board, standing.track and standing.track.title)
    return " · ".join(str(part) for part in parts if part)


def notes(standing: rankings.Standing) -> list[RankNote]:
    """How verifications moved ranks of the private board; empty on the public one."""
    is_private = standing.board == Entry.Board.PRIVATE
    return verifications.notes(standing.competition) if is_private else []


def summary(standing: rankings.Standing) -> str:
    """A board in one sentence, for previews of its address in other places."""

    def made() -> str:
        first = standing.part(True).values_list("team__name", "score").first()
        if first is None:
            return ""
        leader, best = first
        # Translators: lower scores are better.
        said = gettext("{teams} teams. {leader} leads with a score of {score} (lower is better).")
        score = floatformat(best, 4)
        return said.format(teams=len(standing), leader=leader, score=score)

    return standing.kept(f"summary-{get_language()}", made)


def reader() -> str:
    """What the text of a row depends on besides the board: the language and the zone."""
    return f"{get_language()}-{times.personal.get()}"


def own(request: Request, standing: rankings.Standing) -> Own | None:
    team = teams.of(request.user, standing.competition)
    entry = rankings.entry_of(team, standing.board, standing.slug) if team else None
    if entry is None:
        return None
    place = standing.place(entry)
    is_out = standing.verification_of(entry.team_id) in Verification.UNRANKED
    return Own(entry, place if entry.is_ranked else None, place, is_out)


def whole(
    standing: rankings.Standing, wish: wishes.Wish, mine: Own | None, drawn: plots.Plot | None
) -> dict[str, Any]:
    """A page of the whole board in its order. For each choice of columns its rows are made once in
    each language for all who have no own row there."""
    pages = Paginator(range(len(standing)), PAGE)
    page = pages.get_page(wanted_page(standing, wish))
    team_id = mine.entry.team_id if mine and page_of(mine.place) == page.number else None

    def made() -> dict[str, Any]:
        first, last = page.object_list[0], page.object_list[-1]
        lines = baselines.on(standing).every
        above, found = split(standing[max(first - 1, 0) : last + 1], is_first=not first)
        rows = tables.rows(
            standing.competition,
            found,
            wish,
            team_id,
            beside=baselines.beside(lines, found, above=above, is_last=not page.has_next()),
            moved=moved(standing, found),
        )
        return {"rows": rows, "points": tables.points(standing.competition, found, drawn)}

    if not len(standing):
        return {"page": page}
    what = f"rows-{wish.query()}-{page.number}-{team_id}-{reader()}-{races.hour():%d%H}"
    return {"page": page, "pager": pager(wish, page), **standing.kept(what, made)}


def part(
    standing: rankings.Standing, wish: wishes.Wish, mine: Own | None, drawn: plots.Plot | None
) -> dict[str, Any]:
    """One page of the rows that a reader has chosen, in the chosen order.

    A search is made again for each reader, because there are too many different ones to keep.
    """
    team_id = mine.entry.team_id if mine else None

    def made() -> dict[str, Any]:
        found = browsing.look(
            standing,
            wish.choice,
            size=PAGE,
            after=browsing.entry_of(standing, key=wish.after),
            before=browsing.entry_of(standing, key=wish.before),
            at=browsing.entry_of(standing, team=wish.team),
        )
        change = moved(standing, found.rows)
        rows = tables.rows(standing.competition, found.rows, wish, team_id, moved=change)
        links = Pager(
            first=wish.query() if wish.after or wish.before or wish.team else None,
            previous=wish.query(before=found.before) if found.before else None,
            next=wish.query(after=found.after) if found.after else None,
        )
        return {
            "found": replace(found, rows=[]),
            "pager": links,
            "rows": rows,
            "points": tables.points(standing.competition, found.rows, drawn),
        }

    if wish.choice.search:
        return made()
    return standing.kept(f"part-{races.hour():%d%H}-{wish.address()}-{team_id}-{reader()}", made)


def moved(standing: rankings.Standing, rows: Sequence[rankings.Row]) -> dict[int, int]:
    """Ranks that teams of the public board have won since yesterday, beyond noise."""
    race = races.of(standing) if standing.key == Entry.Board.PUBLIC else None
    return races.since_yesterday(race, rows) if race else {}


def pager(wish: wishes.Wish, page: Page[int]) -> Pager:
    def at(number: int) -> str:
        return wish.query(page=number if number > 1 else None)

    before = at(page.previous_page_number()) if page.has_previous() else None
    after = at(page.next_page_number()) if page.has_next() else None
    return Pager(
        first=None if before is None else at(1),
        previous=before,
        next=after,
        last=None if after is None else at(page.paginator.num_pages),
    )


def wanted_page(standing: rankings.Standing, wish: wishes.Wish) -> str | int:
    """The page that was asked for, or the one with the rank or the team that was."""
    if wish.team and (entry := browsing.entry_of(standing, team=wish.team)):
        return page_of(standing.place(entry))
    return wish.page if wish.rank is None else page_of(wish.rank)


def page_of(place: int) -> int:
    return (max(place, 1) - 1) // PAGE + 1


def split(
    rows: list[rankings.Row], *, is_first: bool
) -> tuple[rankings.Row | None, list[rankings.Row]]:
    """The last row of the page before, and the rows of a page."""
    return (None, rows) if is_first else (rows[0], rows[1:])
