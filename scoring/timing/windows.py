"""Windows of consecutive quads, in which the noise of single blocks evens out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from scoring.job import Quad
from scoring.timing import tally
from scoring.timing.tally import Floats

WINDOW_SECONDS, WINDOW_QUADS = 2.5, 12
"""Length of a window, whichever comes first. Quads of a brief pass are short but far apart."""
MIN_WINDOWS = 8
"""Windows side by side that coefficients are estimated from, at least."""
SHORTEST = 0.5
"""Share of its length from which on a window may end early, where its segment ends."""


def size(quads: Sequence[Quad]) -> int:
    """Number of quads of a moving window: at least 1, and at most N / `MIN_WINDOWS`."""
    seconds = tally.measured_seconds(quads) / len(quads)
    most = min(WINDOW_QUADS, len(quads) // MIN_WINDOWS)
    return max(1, min(most, round(WINDOW_SECONDS / seconds)))


def smoothed(values: Floats, window: int) -> Floats:
    """Moving averages over `window` rows of values (N,) or (N, K): (N - window + 1, ...)."""
    return np.asarray(sliding_window_view(values, window, axis=0).mean(axis=-1))


def side_by_side(quads: Sequence[Quad]) -> list[list[Quad]]:
    """Consecutive quads in groups of about a window's length.

    A window ends early where its segment ends. A last group shorter than half a window joins the
    group before it, because it would weigh as much as a whole one.
    """
    groups: list[list[Quad]] = []
    length = math.inf
    for quad in quads:
        begins_segment = bool(groups) and groups[-1][-1].segment != quad.segment
        if length >= 1 or (begins_segment and length >= SHORTEST):
            groups.append([])
            length = 0.0
        groups[-1].append(quad)
        seconds = quad.reference_seconds + quad.submission_seconds
        length += max(seconds / WINDOW_SECONDS, 1 / WINDOW_QUADS)
    if len(groups) > 1 and length < SHORTEST:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups
