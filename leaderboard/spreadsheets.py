"""Rows as CSV. A spreadsheet reads every value as text or a number, never as a formula."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator

BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""The byte order mark, which tells spreadsheets that the file is UTF-8."""

# Everything at which a program may split a line. Another program could see cells there.
CELL_BEGINS = re.compile(r"(?:^|[,;|\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029])")
SUSPECT = re.compile(CELL_BEGINS.pattern + r"\W")
"""What every formula begins with: signs, and all that a spreadsheet passes over, are no letters."""
OPENERS = frozenset("=+-@\N{MINUS SIGN}")
IGNORED_BEFORE = frozenset(["Z", "C"])
"""Major categories that a spreadsheet may pass over: spaces, control and format characters."""


def lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """CSV, one line after the other. A byte order mark comes first."""
    writer = csv.writer(Echo())
    yield BYTE_ORDER_MARK + writer.writerow(header)
    for row in rows:
        yield writer.writerow([cell(value) for value in row])


def cell(value: object) -> object:
    """The value, made safe: no program can find a formula at the start of a cell."""
    if not isinstance(value, str) or not SUSPECT.search(value):
        return value
    starts = [found.end() for found in CELL_BEGINS.finditer(value)]
    for start in reversed(starts):
        if is_formula(value[start:]):
            value = f"{value[:start]}'{value[start:]}"
    return value


def is_formula(text: str) -> bool:
    """Whether a spreadsheet might compute a cell. Some programs also accept full-width signs."""
    for letter in text:
        if letter != '"' and unicodedata.category(letter)[0] not in IGNORED_BEFORE:
            return unicodedata.normalize("NFKC", letter)[0] in OPENERS
    return False


class Echo:
    """A file whose `write` returns its argument, as in Django's manual for streamed CSV."""

    def write(self, line: str) -> str:
        return line
