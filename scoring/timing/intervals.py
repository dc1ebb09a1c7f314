"""An estimate of the time ratio, and the interval of a trimmed mean over quads.

The trimmed mean's influence values are h_i = (w_i - mean w) / (1 - 2 trim), where w are the
winsorized values (Tukey and McLaughlin 1963). Its standard error is the larger one of

    sqrt(sum_i h_i^2 / (N (N - 1)))                       quads as if independent
    sqrt(G / (G - 1) sum_g (sum_{i in g} h_i / N)^2)      cluster-robust by segment, G segments
                                                          (Liang and Zeger, Biometrika 73, 1986)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scoring.job import Quad
from scoring.timing import robust
from scoring.timing.host import BETWEEN_RUNS_SD
from scoring.timing.robust import t_quantile
from scoring.timing.tally import Floats

WIDENING = 1.3
"""Factor of the t interval of a trimmed mean, because neighbouring quads are correlated."""
Z = 2.0
"""Standard errors of half a 95 % interval. A difference beyond so many is taken for real."""


@dataclass(frozen=True)
class Correction:
    """Coefficients of the correction, and the reference point at which the ratio is read.

    See `scoring.timing.correction`. Without enough quads only `reference_seconds` is known.
    """

    reference_seconds: float
    """Reference point of R: seconds per image."""
    pace_coefficient: float = 1.0
    """Coefficient of log R."""
    probe_coefficient: float | None = None
    probe_seconds: float | None = None
    """Reference point of the probe; None where the probe is no covariate."""
    probe_range: tuple[float, float] | None = None
    """The shortest and the longest probe, after winsorizing, in seconds."""
    load_coefficient: float = 0.0
    load_range: tuple[float, float] | None = None
    """The lowest and the highest load, after winsorizing, in cores."""
    load: float | None = None
    """Reference point of the load in cores."""
    imbalance_coefficient: float = 0.0
    imbalance: float = 0.0
    """Reference point of the imbalance in cores."""


@dataclass(frozen=True)
class Estimate:
    """A time ratio with half of its 95 % interval and its standard error, all absolute."""

    ratio: float
    half_width: float
    standard_error: float
    by: Literal["trimmed mean", "sums"] = "trimmed mean"
    fixed_sd: float = BETWEEN_RUNS_SD
    """The part of the standard error, relative, that more quads do not make smaller."""
    correction: Correction | None = None
    """None for a plain ratio."""
    quad_ratios: tuple[float, ...] = ()
    """Ratio of each quad at the reference point. Empty for a plain ratio."""


def from_logs(
    center: float,
    half_width: float,
    error: float,
    by: Literal["trimmed mean", "sums"] = "trimmed mean",
    between_runs_sd: float = BETWEEN_RUNS_SD,
) -> Estimate:
    """An estimate from a log ratio, its half-width and its standard error, which have
    `between_runs_sd` in them."""
    ratio = math.exp(center)
    return Estimate(ratio, ratio * math.expm1(half_width), ratio * error, by, between_runs_sd)


def trimmed(
    values: Floats, quads: Sequence[Quad], between_runs_sd: float = BETWEEN_RUNS_SD
) -> tuple[float, float, float]:
    """Trimmed mean of one value for each quad (N,), its half-width and its standard error."""
    center = robust.trimmed_mean(values)
    if len(values) < 3:
        return center, math.log(2), 1.0  # nothing is known about the noise
    cut = int(robust.TRIMMED * len(values))
    ordered = np.sort(values)
    clipped = np.clip(values, ordered[cut], ordered[len(values) - cut - 1])
    influence = (clipped - clipped.mean()) / (1 - 2 * robust.TRIMMED)
    segments, kept = [quad.segment for quad in quads], len(values) - 2 * cut
    return center, *of_influence(influence, segments, kept, between_runs_sd)


def of_influence(
    influence: Floats, segments: Sequence[int], kept: int, between_runs_sd: float
) -> tuple[float, float]:
    """Half-width and standard error of a mean from influence values (N,) and segments (N,).

    `kept` values were not trimmed. `between_runs_sd` is added in quadrature.
    """
    count = len(influence)
    error = math.sqrt(float(influence @ influence) / (count * (count - 1)))
    half_width = WIDENING * t_quantile(max(1, kept - 1)) * error
    sums: dict[int, float] = {}
    for segment, part in zip(segments, influence.tolist(), strict=True):
        sums[segment] = sums.get(segment, 0.0) + part / count
    groups = len(sums)
    if 1 < groups < count:  # with one quad per segment both formulas say the same
        between = math.sqrt(sum(one * one for one in sums.values()) * groups / (groups - 1))
        half_width = max(half_width, t_quantile(groups - 1) * between)
        error = max(error, between)
    return math.hypot(half_width, Z * between_runs_sd), math.hypot(error, between_runs_sd)
