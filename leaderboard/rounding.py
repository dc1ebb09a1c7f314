"""Figures with a fixed number of decimals: the same ones in the command, in files and on pages."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

QUALITY_DECIMALS = 4
"""Every door tells a quality in so many. SECURITY.md counts what they tell of hidden images."""


def rounded(value: float | Decimal, decimals: int) -> Decimal:
    """A number with `decimals` decimals. A half is rounded up: 0.00325 is 0.0033.

    Django's `floatformat` rounds in the same way. Python's own formats give 0.0032: they round the
    binary value, or a half to the even digit.
    """
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def figures(value: float | Decimal, half_width: float | None, decimals: int) -> list[Decimal]:
    """A value and its half-width, if that is known, with equal decimals.

    They have `decimals` decimals, and more if the half-width would be written as zero: 0.16004 and
    0.00004.
    """
    if half_width is None:
        return [rounded(value, decimals)]
    if not half_width:
        return [rounded(value, decimals), Decimal(0)]
    decimals = max(decimals, math.ceil(-math.log10(2 * half_width)))
    return [rounded(value, decimals), rounded(half_width, decimals)]


def interval(value: float | Decimal, half_width: float | None, decimals: int) -> str:
    """An interval as the command and files write it: 0.1602 ± 0.0004."""
    return " ± ".join(map(str, figures(value, half_width, decimals)))
