"""The plain ratio: exp of the trimmed mean over quads of log(S / R).

Two rules charge a model that is slow only where the trimmed mean does not look:

* The ratio of sums counts instead if it clearly differs: images that take long must be paid for.
* Time beside no reference counts if an image clearly took longer there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from scoring.job import Quad
from scoring.timing import intervals, robust, tally, windows
from scoring.timing.host import BETWEEN_RUNS_SD
from scoring.timing.intervals import Estimate, Z
from scoring.timing.robust import Numbers

SUMS_DIFFER = 0.01
"""Log ratio by which the ratio of sums must differ to count: it bounds the gain of a model that is
fast on most images and slow on some."""
ALONE_DIFFERS = 0.03
"""Log ratio by which an image must take longer beside no reference for that time to count. These
blocks run at other moments, which differ by about as much."""


def estimate(
    quads: Sequence[Quad],
    charged_by: Sequence[Quad] | None = None,
    between_runs_sd: float = BETWEEN_RUNS_SD,
) -> Estimate:
    """The plain ratio of these quads.

    `charged_by` are the quads by which time beside no reference is charged; by default the same.
    """
    charging = quads if charged_by is None else charged_by
    if sums_count(quads):
        return charged(of_sums(quads, between_runs_sd), charging)
    trimmed = intervals.trimmed(tally.log_ratios(quads), quads, between_runs_sd)
    found = intervals.from_logs(*trimmed, between_runs_sd=between_runs_sd)
    return charged(found, charging)


def sums_count(quads: Sequence[Quad]) -> bool:
    """Whether the ratio of sums differs from the trimmed mean by more than noise explains.

    If most quads hold every image, only noise can make quads differ.
    """
    if len(quads) < 2 or sum(quad.whole_pass for quad in quads) > len(quads) / 2:
        return False
    logs = tally.log_ratios(quads)
    difference, error = robust.jackknifed(
        lambda kept: tally.log_ratio([quads[i] for i in kept]) - robust.trimmed_mean(logs[kept]),
        len(quads),
    )
    return abs(difference) > max(SUMS_DIFFER, Z * error)


def of_sums(quads: Sequence[Quad], between_runs_sd: float) -> Estimate:
    """The ratio of sums with a jackknife over windows, in which images' differences even out."""
    groups = windows.side_by_side(quads)
    if len(groups) < 3:
        groups = [[quad] for quad in quads]
    center, error = robust.jackknifed(
        lambda kept: tally.log_ratio([quad for i in kept for quad in groups[i]]), len(groups)
    )
    half_width = math.hypot(robust.t_quantile(len(groups) - 1) * error, Z * between_runs_sd)
    error = math.hypot(error, between_runs_sd)
    return intervals.from_logs(center, half_width, error, "sums", between_runs_sd)


def charged(found: Estimate, quads: Sequence[Quad]) -> Estimate:
    """An estimate times `alone_factor` of the quads."""
    factor = alone_factor(quads)
    return replace(
        found,
        ratio=found.ratio * factor,
        half_width=found.half_width * factor,
        standard_error=found.standard_error * factor,
    )


def alone_factor(quads: Sequence[Quad]) -> float:
    """Seconds per image of all blocks / of the quads' blocks, where that is clearly above 1.

    Else 1. `ALONE_DIFFERS` and two standard errors must be exceeded.
    """
    both = [quad for quad in quads if quad.alone_images]
    if len(both) < 3:
        return 1.0

    def dearer(kept: Numbers) -> float:
        some = [both[i] for i in kept]
        alone = tally.alone_seconds(some) / sum(quad.alone_images for quad in some)
        return math.log(alone / tally.per_image(some)[1])

    difference, error = robust.jackknifed(dearer, len(both))
    if difference <= ALONE_DIFFERS + Z * error:
        return 1.0
    images = sum(quad.submission_images + quad.alone_images for quad in quads)
    seconds = sum(quad.submission_seconds + quad.alone_seconds for quad in quads)
    return max(1.0, seconds / images / tally.per_image(quads)[1])
