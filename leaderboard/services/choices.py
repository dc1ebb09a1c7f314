"""Which rows of a board are shown, and in which order. Pages and API share these words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from leaderboard.errors import Refused
from scoring import formats

RANK = "rank"
COLUMNS: dict[str, tuple[str, ...]] = {
    RANK: ("score",),
    "team": ("name",),
    "quality": ("quality",),
    "time": ("time_ratio",),
    "format": ("format", "number_type"),
    "uploaded": ("uploaded_at",),
    "parameters": ("parameters",),
    "size": ("size_bytes",),
    "macs": ("macs",),
    "memory": ("memory_bytes",),
    "entries": ("sent",),
    "last": ("last_sent_at",),
}
"""What a board can be sorted by, and the columns that hold it."""
OF_UPLOADS = ("entries", "last")
"""Columns that an upload changes, while the board keeps its version."""
LONGEST_SEARCH = 60


@dataclass(frozen=True)
class Choice:
    """Which rows of a board, in which order."""

    search: str = ""
    format: str = ""
    number_type: str = ""
    is_tied: bool = False
    sort: str = RANK
    is_descending: bool = False

    @property
    def is_whole_board(self) -> bool:
        """Whether all rows are shown in their own order."""
        return self == Choice()

    @property
    def is_filtered(self) -> bool:
        return bool(self.search or self.format or self.number_type or self.is_tied)

    @property
    def unfiltered(self) -> Choice:
        """The same order, without any filter."""
        return Choice(sort=self.sort, is_descending=self.is_descending)

    def sorted_by(self, sort: str) -> Choice:
        """The same rows in another order; `-` before it means descending. An unknown word changes
        nothing."""
        name = sort.removeprefix("-")
        if name not in COLUMNS:
            return self
        return replace(self, sort=name, is_descending=sort.startswith("-"))


def read(asked: Mapping[str, str]) -> Choice:
    """The choice in an address. Words that are not understood are left out."""
    choice = Choice(
        search=" ".join(asked.get("q", "").replace("\0", "").split())[:LONGEST_SEARCH],
        format=word(asked.get("format", "")),
        number_type=word(asked.get("type", "")),
        is_tied=asked.get("tied", "") == "1",
    )
    return choice.sorted_by(asked.get("sort", ""))


def check(asked: Mapping[str, str]) -> None:
    """Raises `Refused` for a word that no board knows. A program must not take other rows for its
    own."""
    known: dict[str, Sequence[str]] = {
        "sort": (*COLUMNS, *(f"-{name}" for name in COLUMNS)),
        "format": [one.name for one in formats.FORMATS],
        "type": formats.NUMBER_TYPES,
        "tied": ("0", "1"),
    }
    for name, words in known.items():
        value = asked.get(name, "")
        if value and value not in words:
            said = gettext("%(name)s must be one of %(words)s, not %(value)s.")
            facts = {"name": name, "words": ", ".join(words), "value": word(value)}
            raise Refused(said % facts, code="unknown_choice")


def word(text: str) -> str:
    """The name of a format or number type, cut to the length that a column holds."""
    return text.replace("\0", "")[:60]
