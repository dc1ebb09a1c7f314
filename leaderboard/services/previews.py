"""The private board as a publication would show it, for organizers, before they publish.

Nothing is written. All teams are read in batches, as a publication prepares them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from leaderboard.models import Competition, Entry, RankRange, User
from leaderboard.services import organizers, placing, preparing, rankings
from leaderboard.services.placing import Counting

Board = Entry.Board


@dataclass(frozen=True)
class Move:
    """A team on the private board, and how it got there from the public one."""

    entry: Entry
    rank: int | None
    public_rank: int | None
    likely: RankRange | None
    """Of the public rank."""
    is_tied: bool

    @property
    def change(self) -> int | None:
        """Ranks won since the public board; None if the team has no rank on one of them."""
        return self.public_rank - self.rank if self.rank and self.public_rank else None

    @property
    def lost(self) -> int:
        """Ranks lost since the public board."""
        return max(0, -(self.change or 0))

    @property
    def is_inside(self) -> bool | None:
        """Whether the private rank is in the range of the public one; None without both."""
        if self.likely is None or self.rank is None:
            return None
        return self.likely.first <= self.rank <= self.likely.last


@dataclass(frozen=True)
class Preview:
    """Both boards side by side, in the order of the private one."""

    moves: list[Move]
    prizes: int
    """How many first ranks are looked at."""

    @property
    def entering(self) -> list[Move]:
        """The teams that come into the first ranks."""
        return [one for one in self.first if not one.public_rank or one.public_rank > self.prizes]

    @property
    def leaving(self) -> list[Move]:
        """The teams that were among the first ranks of the public board and no longer are."""
        return [
            one
            for one in self.moves
            if one.public_rank
            and one.public_rank <= self.prizes
            and (one.rank is None or one.rank > self.prizes)
        ]

    @property
    def first(self) -> list[Move]:
        return [one for one in self.moves if one.rank and one.rank <= self.prizes]

    @property
    def told(self) -> list[Move]:
        """The teams with a rank and a range."""
        return [one for one in self.moves if one.is_inside is not None]

    @property
    def landed(self) -> int:
        return sum(bool(one.is_inside) for one in self.told)


def of(competition: Competition, *, by: User, prizes: int = 3) -> Preview:
    """The private board of today. Raises `NotAllowed`."""
    organizers.check_reader(by, competition)
    public = {one.entry.team_id: one for one in rankings.rows(competition, Board.PUBLIC)}
    moves, above = [], None
    for rank, entry in ranked(private(competition)):
        row = public.get(entry.team_id)
        moves.append(
            Move(
                entry=entry,
                rank=rank,
                public_rank=row.rank if row else None,
                likely=row.likely if row else None,
                is_tied=rank is not None and rankings.are_tied(above, entry),
            )
        )
        above = entry
    return Preview(moves, prizes)


def ranked(entries: list[Entry]) -> Iterator[tuple[int | None, Entry]]:
    """Entries in order with their ranks; None below the gate."""
    for place, entry in enumerate(entries, start=1):
        yield place if entry.is_ranked else None, entry


def private(competition: Competition) -> list[Entry]:
    """The entries of the private board in order, as a publication would write them."""
    made = [
        placing.entry(competition, Board.PRIVATE, one, min_quality=competition.min_quality)
        for one in winners(competition)
    ]
    teams = competition.teams.in_bulk()
    for one in made:
        one.team = teams[one.team_id]
    return sorted(made, key=lambda one: (not one.is_ranked, one.score, one.uploaded_at))


def winners(competition: Competition) -> Iterator[Counting]:
    """What counts of each team, in batches of teams."""
    keys = list(competition.teams.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), preparing.BATCH):
        batch = keys[start : start + preparing.BATCH]
        yield from placing.winners(competition, batch).values()
