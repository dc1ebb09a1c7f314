"""Figures with a fixed number of decimals: the same ones in the command, in files and on pages."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal


def rounded(value: float | Decimal, decimals: int) -> Decimal:
    """The written figure, a half rounded up as by Django's `floatformat`: 0.00325 is 0.0033.

    Python's own formats round its binary value, or a half to the even digit: 0.0032.
    """
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
