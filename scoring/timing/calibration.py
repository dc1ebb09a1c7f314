"""What a calibration tells of the reference: the measurement error of log R."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from scoring.job import Quad
from scoring.timing import tally, windows
from scoring.timing.robust import winsorized


def reference_noise(quads: Sequence[Quad]) -> tuple[float, float]:
    """Measurement error of log R from quads whose two sides are the same model.

    Two standard deviations: of the part that is new in each quad, and of the part that lasts over a
    window. Half of the variance of log S - log R is one side's own noise, for the machine does the
    same to both. Zeros if there are too few quads.
    """
    if len(quads) < 2 * windows.MIN_WINDOWS:
        return 0.0, 0.0

    def variance(window: int) -> float:
        one, other = (
            winsorized(windows.smoothed(side, window)) for side in tally.logs_per_image(quads)
        )
        return float(np.var(one - other)) / 2

    window = windows.size(quads)
    single = variance(1)
    if window == 1:
        return 0.0, math.sqrt(single)
    brief = min(single, max(0.0, (single - variance(window)) / (1 - 1 / window)))
    return math.sqrt(brief), math.sqrt(single - brief)
