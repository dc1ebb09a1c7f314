"""Large numbers, sizes of files and short times, as pages and sentences write them."""

from __future__ import annotations

import math
from decimal import Decimal

from django.utils import formats

from leaderboard import rounding


def megabytes(count: int) -> str:
    """A number of bytes with a decimal unit and three figures: 11.7 MB is 11,700,000 bytes."""
    return f"{short(count)}B".replace("BB", "GB")


def short(count: int) -> str:
    """A large number with three figures: 11.2 M."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {letter}"
    return f"{count} "


def rounded(value: float, decimals: int) -> str:
    """A number with `decimals` decimals in the reader's language. Django's own function does not
    round."""
    return formats.number_format(rounding.rounded(value, decimals), decimals)


def figures(value: float | Decimal, half_width: float | None, decimals: int) -> list[str]:
    """`rounding.figures` in the reader's language."""
    written = rounding.figures(value, half_width, decimals)
    return [formats.number_format(one, max(0, -int(one.as_tuple().exponent))) for one in written]


def interval(value: float | Decimal, half_width: float | None, decimals: int) -> str:
    """An interval in the reader's language: 0.1602 ± 0.0004."""
    return " ± ".join(figures(value, half_width, decimals))


def milliseconds(seconds: float | None) -> str:
    """Seconds as milliseconds with three figures."""
    if seconds is None:
        return "–"
    value = seconds * 1000
    return rounded(value, decimals_of(value))


def milliseconds_figures(seconds: float, half_width: float | None) -> list[str]:
    """An interval of seconds as milliseconds; the time has three figures or more."""
    half = half_width if half_width is None else half_width * 1000
    return figures(seconds * 1000, half, decimals_of(seconds * 1000))


def decimals_of(milliseconds: float) -> int:
    """How many decimals a time needs for three figures."""
    return max(0, 2 - math.floor(math.log10(milliseconds))) if milliseconds > 0 else 2


def gained_milliseconds(seconds: float) -> str:
    """A difference of seconds as milliseconds with two figures, however small it is."""
    value = seconds * 1000
    decimals = max(0, 1 - math.floor(math.log10(value))) if value else 0
    return rounded(value, decimals)
