"""The font of what is drawn here: certificates and pictures of links. It has Korean letters."""

from __future__ import annotations

import functools
import unicodedata
from pathlib import Path

from fontTools.ttLib import TTFont

NANUM = Path(__file__).parent / "NanumGothic.ttf"


def written(text: str) -> str:
    """Text in the letters of the font: a letter that it lacks loses its accent, or becomes "?"."""
    return "".join(letter if ord(letter) in letters() else plain(letter) for letter in text)


def plain(letter: str) -> str:
    base = unicodedata.normalize("NFKD", letter)[0]
    return base if ord(base) in letters() else "?"


@functools.cache
def letters() -> frozenset[int]:
    with TTFont(NANUM, lazy=True) as font:
        return frozenset(font.getBestCmap())
