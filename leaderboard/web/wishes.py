"""The query string of a board: filters, order, columns. A link with it shows the same rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.http import QueryDict

from leaderboard import digits
from leaderboard.services import choices
from leaderboard.services.choices import RANK, Choice

COLUMNS = (
    "terms",
    "milliseconds",
    "format",
    "uploaded",
    "parameters",
    "size",
    "macs",
    "memory",
    "entries",
    "last",
)
"""The columns that can be chosen, as they stand from left to right. The others are always there."""
USUAL = frozenset(("terms", "milliseconds", "format"))
BEST_FIRST = {name: f"-{name}" for name in ("quality", "uploaded", "entries", "last")}
"""How a column is sorted first where its best or latest value is the largest."""


@dataclass(frozen=True)
class Wish:
    """The address of a board, read."""

    choice: Choice
    columns: frozenset[str]
    track: str = ""
    """The slug of a track; empty: the whole board."""
    page: str = ""
    rank: int | None = None
    team: int | None = None
    """The page that holds this team's row."""
    after: int | None = None
    before: int | None = None
    """The page after or before this entry, where the board is not in its own order."""

    @property
    def is_usual(self) -> bool:
        return self.columns == USUAL

    @property
    def tools_used(self) -> int:
        """How many filters count."""
        choice = self.choice
        return sum(map(bool, (choice.format, choice.number_type, choice.is_tied)))

    @property
    def sort(self) -> str:
        return f"-{self.choice.sort}" if self.choice.is_descending else self.choice.sort

    def query(self, **place: object) -> str:
        """The query string of the same choice and columns at another place; empty for the plain
        board."""
        choice = self.choice
        said: dict[str, object] = {
            "track": self.track,
            "q": choice.search,
            "format": choice.format,
            "type": choice.number_type,
            "tied": "1" if choice.is_tied else "",
            "sort": "" if self.sort == RANK else self.sort,
            "columns": "" if self.is_usual else ",".join(self.shown) or "none",
            **place,
        }
        return urlencode({name: value for name, value in said.items() if value})

    def address(self) -> str:
        """The query string of the wish itself."""
        return self.query(after=self.after, before=self.before, team=self.team)

    def whole_board(self) -> str:
        """The query string of all rows in their own order, with the same columns."""
        return replace(self, choice=Choice()).query()

    def usual_columns(self) -> str:
        """The query string of the same rows with the usual columns."""
        return replace(self, columns=USUAL).query()

    def without_track(self) -> str:
        """The query string of the same choice and columns, to follow a track or none."""
        return replace(self, track="").query()

    def to_row(self) -> str:
        """The query string of a team's row up to the team's key. A filter might hide the row, so
        none is kept."""
        query = replace(self, choice=self.choice.unfiltered).query()
        return f"{query}&team=" if query else "team="

    @property
    def shown(self) -> list[str]:
        """The chosen columns in their order."""
        return [name for name in COLUMNS if name in self.columns]

    def sorted_by(self, sort: str) -> str:
        """The query string of a heading: the better end first, and the other end after that."""
        first = BEST_FIRST.get(sort, sort)
        other = sort if first != sort else f"-{sort}"
        way = other if self.sort == first else first
        return replace(self, choice=self.choice.sorted_by(way)).query()


def read(asked: QueryDict) -> Wish:
    """The wish in an address. What cannot be understood is left out."""
    return Wish(
        choice=choices.read(asked),
        columns=columns(asked.getlist("columns")),
        track=choices.word(asked.get("track", ""))[:30],
        page=asked.get("page", ""),
        **{name: digits.whole(asked.get(name, "")) for name in ("rank", "team", "after", "before")},
    )


def is_untidy(asked: QueryDict) -> bool:
    """Whether the address is as a form writes it: with empty fields, or with one field for each
    column."""
    return "" in asked.values() or len(asked.getlist("columns")) > 1


def columns(asked: list[str]) -> frozenset[str]:
    names = {name for text in asked for name in text.split(",")}
    return frozenset(names & set(COLUMNS)) if names - {""} else USUAL
