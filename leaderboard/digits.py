"""Whole numbers out of text that anybody may send."""

from __future__ import annotations

MOST = 10**18
"""Above every size, rank and count of ours. Python refuses to read a number of 4,300 digits."""


def whole(text: str) -> int | None:
    """The number in a text, at most `MOST`. None if the text has anything but digits."""
    if not text.isdecimal():
        return None
    return int(text) if len(text) < len(str(MOST)) else MOST
