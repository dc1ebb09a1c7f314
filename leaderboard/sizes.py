"""Large numbers and sizes of files, as pages write them: with decimal units."""

from __future__ import annotations


def megabytes(count: int) -> str:
    """A number of bytes with a decimal unit and three figures: 11.7 MB is 11,700,000 bytes."""
    return f"{short(count)}B".replace("BB", "GB")


def short(count: int) -> str:
    """A large number with three figures: 11.2 M."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g} {letter}"
    return f"{count} "
