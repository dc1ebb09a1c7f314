"""The private board as a publication would show it, for organizers, before they publish.

Nothing is written. All teams are read in batches, as a publication prepares them, and once for each
version of the boards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from leaderboard.models import Competition, Entry, User
from leaderboard.models.tracks import Track
from leaderboard.services import (
    conditions,
    counting,
    organizers,
    placing,
    preparing,
    rankings,
    tracks,
    versions,
)
from leaderboard.services.counting import Counting

Board = Entry.Board


@dataclass(frozen=True, slots=True)
class Row:
    """A team on the private board, and its rank on the public one."""

    team: str
    score: Decimal
    score_half_width: float
    rank: int | None
    """None below the gate, like `public_rank`."""
    is_tied: bool
    public_rank: int | None
    likely: tuple[int, int] | None
    """The first and the last rank of the range on the public board."""
    verification: str = ""
    """The state of the team's verification, if it was asked for one."""

    @property
    def change(self) -> int | None:
        """Ranks won since the public board. None if the team lacks a rank on one of the boards."""
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
        first, last = self.likely
        return first <= self.rank <= last


@dataclass(frozen=True)
class Preview:
    """Both boards side by side, in the order of the private one."""

    rows: list[Row]
    prizes: int
    """How many first ranks are looked at."""

    @property
    def entering(self) -> list[Row]:
        """The teams that come into the first ranks."""
        return [one for one in self.first if not one.public_rank or one.public_rank > self.prizes]

    @property
    def leaving(self) -> list[Row]:
        """The teams that were among the first ranks of the public board and no longer are."""
        return [
            one
            for one in self.rows
            if one.public_rank
            and one.public_rank <= self.prizes
            and (one.rank is None or one.rank > self.prizes)
        ]

    @property
    def first(self) -> list[Row]:
        return [one for one in self.rows if one.rank and one.rank <= self.prizes]

    @property
    def told(self) -> list[Row]:
        """The teams that have a private rank and a range."""
        return [one for one in self.rows if one.is_inside is not None]

    @property
    def landed(self) -> int:
        return sum(bool(one.is_inside) for one in self.told)


def of(competition: Competition, *, by: User, prizes: int = 3) -> Preview:
    """The private board of today. Raises `NotAllowed`."""
    organizers.check_reader(by, competition)
    private, public = (versions.of(competition, one) for one in (Board.PRIVATE, Board.PUBLIC))
    # New ranges of ranks change the version of the public board alone.
    what = f"preview-{public}"
    kept = versions.kept(competition, Board.PRIVATE, private, what, lambda: rows(competition))
    return Preview(kept, prizes)


def rows(competition: Competition) -> list[Row]:
    board = rankings.rows(competition, Board.PUBLIC, for_organizers=True)
    public = {one.entry.team_id: one for one in board}
    states = rankings.verifications(competition)
    found = []
    above: Entry | None = None
    for rank, entry in ranked(private(competition)):
        row = public.get(entry.team_id)
        likely = row.likely if row else None
        found.append(
            Row(
                team=entry.team.name,
                score=entry.score,
                score_half_width=entry.score_half_width,
                rank=rank,
                is_tied=rank is not None and rankings.are_tied(above, entry),
                public_rank=row.rank if row else None,
                likely=(likely.first, likely.last) if likely else None,
                verification=states.get(entry.team_id, ""),
            )
        )
        above = entry
    return found


def ranked(entries: list[Entry]) -> Iterator[tuple[int | None, Entry]]:
    """Entries in order with their ranks; None below the gate."""
    for place, entry in enumerate(entries, start=1):
        yield place if entry.is_ranked else None, entry


def private(competition: Competition, track: Track | None = None) -> list[Entry]:
    """The entries of the private board, or of a track of it, in the order of a publication."""
    board = tracks.key(Board.PRIVATE, track.slug if track else "")
    made = [
        placing.entry(competition, board, one, min_quality=competition.min_quality)
        for one in winners(competition, track)
    ]
    teams = competition.teams.in_bulk()
    for one in made:
        one.team = teams[one.team_id]
    return sorted(made, key=lambda one: (not one.is_ranked, one.score, one.uploaded_at))


def winners(competition: Competition, track: Track | None) -> Iterator[Counting]:
    """The evaluation that counts for each team, in batches of teams."""
    keys = list(competition.teams.order_by("pk").values_list("pk", flat=True))
    which = conditions.uploads(track, competition) if track else None
    for start in range(0, len(keys), preparing.BATCH):
        batch = keys[start : start + preparing.BATCH]
        some = tracks.members(track, batch) if track else batch
        yield from counting.winners(competition, some, which).values()
