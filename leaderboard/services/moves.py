"""The public board before a rescore beside the board after it, for organizers.

The rows of a preview are the board of this moment and the prepared one. Those of an applied rescore
were kept when it was applied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

from leaderboard.models import Entry, NextEntry, Rescore
from leaderboard.services import rankings, tracks

PODIUM = 3
"""The ranks that prizes usually go to."""
SIDE = ("submission_id", "is_ranked", "score", "score_half_width", "uploaded_at")


@dataclass(frozen=True, slots=True)
class Side:
    """A team's row on one of the two boards."""

    submission_id: int
    is_ranked: bool
    score: Decimal
    score_half_width: float
    uploaded_at: datetime


@dataclass(frozen=True, slots=True)
class Pair:
    """A team's row on a board before and after."""

    board: str
    team_id: int
    team: str
    entry_id: int
    before: Side
    after: Side


@dataclass(frozen=True, slots=True)
class Move:
    """A team and its ranks; None below the gate."""

    pair: Pair
    rank_before: int | None
    rank_after: int | None

    @property
    def up(self) -> int:
        """How many ranks the team gains. Below 0: ranks that it loses. 0 if it crosses the gate."""
        if self.rank_before is None or self.rank_after is None:
            return 0
        return self.rank_before - self.rank_after

    @property
    def passes_gate(self) -> bool:
        return self.rank_before is None and self.rank_after is not None

    @property
    def fails_gate(self) -> bool:
        return self.rank_before is not None and self.rank_after is None

    @property
    def has_other_submission(self) -> bool:
        """Whether the team's best submission is another one than before."""
        return self.pair.before.submission_id != self.pair.after.submission_id

    @property
    def joins_podium(self) -> bool:
        return is_on_podium(self.rank_after) and not is_on_podium(self.rank_before)

    @property
    def leaves_podium(self) -> bool:
        return is_on_podium(self.rank_before) and not is_on_podium(self.rank_after)


@dataclass(frozen=True)
class Summary:
    """What a rescore does to a board, in numbers."""

    teams: int
    up: int
    down: int
    largest: int
    """The largest move, in ranks."""
    pass_gate: int
    fail_gate: int
    other_submissions: int
    tied_before: int
    tied_after: int
    podium: Sequence[Move]
    """Those who join or leave it, in the order of the board after."""


def of(rescore: Rescore, track: str = "") -> list[Move]:
    """Every team of the public board, or of a track's, in the order after the rescore; empty for a
    cancelled one."""
    return of_tracks(rescore, [track])[track]


def of_tracks(rescore: Rescore, slugs: Collection[str]) -> dict[str, list[Move]]:
    """The same of several tracks in one pass; the public board itself has no slug."""
    boards = {tracks.key(Entry.Board.PUBLIC, slug): slug for slug in slugs}
    pairs: dict[str, list[Pair]] = {board: [] for board in boards}
    if rescore.state != Rescore.State.CANCELLED:
        is_prepared = rescore.state == Rescore.State.PREVIEW
        for pair in prepared(rescore, boards) if is_prepared else kept(rescore, boards):
            pairs[pair.board].append(pair)
    return {slug: moved(pairs[board]) for board, slug in boards.items()}


def moved(pairs: Sequence[Pair]) -> list[Move]:
    """The rows of one board with their ranks, in the order after the rescore."""
    before = ranks(pairs, lambda pair: pair.before)
    after = ranks(pairs, lambda pair: pair.after)
    ordered = sorted(pairs, key=lambda pair: order(pair, pair.after))
    return [Move(pair, before.get(pair.entry_id), after.get(pair.entry_id)) for pair in ordered]


def summary(moves: Sequence[Move]) -> Summary:
    before = sorted(moves, key=lambda move: order(move.pair, move.pair.before))
    return Summary(
        teams=len(moves),
        up=sum(move.up > 0 for move in moves),
        down=sum(move.up < 0 for move in moves),
        largest=max((abs(move.up) for move in moves), default=0),
        pass_gate=sum(move.passes_gate for move in moves),
        fail_gate=sum(move.fails_gate for move in moves),
        other_submissions=sum(move.has_other_submission for move in moves),
        tied_before=tied(move.pair.before for move in before),
        tied_after=tied(move.pair.after for move in moves),
        podium=[move for move in moves if move.joins_podium or move.leaves_podium],
    )


def prepared(rescore: Rescore, boards: Collection[str]) -> Iterator[Pair]:
    """Boards of this moment, and what is prepared."""
    own = {"competition": rescore.competition_id, "board__in": boards}
    rows = NextEntry.objects.filter(**own).values_list("board", "team_id", *SIDE)
    coming = {(board, team): Side(*side) for board, team, *side in rows}
    columns = ["board", "team_id", "team__name", "pk", *SIDE]
    for board, team, name, key, *side in (
        Entry.objects.filter(**own).order_by().values_list(*columns)
    ):
        before = Side(*side)
        yield Pair(board, team, name, key, before, coming.get((board, team), before))


def kept(rescore: Rescore, boards: Collection[str]) -> Iterator[Pair]:
    was = [f"was_{name}" for name in SIDE]
    columns = ["board", "team_id", "team__name", "entry_id", *was, *SIDE]
    rows = rescore.moved.filter(board__in=boards).order_by()
    for board, team, name, key, *sides in rows.values_list(*columns):
        before, after = Side(*sides[: len(SIDE)]), Side(*sides[len(SIDE) :])
        yield Pair(board, team, name, key, before, after)


def order(pair: Pair, side: Side) -> tuple[object, ...]:
    """The order of boards, `rankings.ORDER`."""
    return not side.is_ranked, side.score, side.uploaded_at, pair.entry_id


def ranks(pairs: Iterable[Pair], side: Callable[[Pair], Side]) -> dict[int, int]:
    """The rank of each ranked row on one of the two boards, by the entry's key."""
    ranked = sorted(
        (pair for pair in pairs if side(pair).is_ranked),
        key=lambda pair: order(pair, side(pair)),
    )
    return {pair.entry_id: rank for rank, pair in enumerate(ranked, start=1)}


def tied(sides: Iterable[Side]) -> int:
    """How many rows are tied with the row above."""
    ranked = [(side.score, side.score_half_width) for side in sides if side.is_ranked]
    return sum(rankings.within_noise(above, below) for above, below in pairwise(ranked))


def is_on_podium(rank: int | None) -> bool:
    return rank is not None and rank <= PODIUM
