"""Robust statistics of one column of numbers.

Trimmed mean and winsorizing: Tukey and McLaughlin, Sankhya A 25 (1963). Jackknife: Tukey, Annals of
Mathematical Statistics 29 (1958); Miller, Biometrika 61 (1974).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

TRIMMED = 0.2
"""Share of the values that a trimmed mean leaves out at each end."""
WINSORIZED = 0.1
"""Share of the values at each end that winsorizing draws in before a regression."""
NEGLIGIBLE = 1e-4
"""A difference of log ratios that is never seen: a published ratio has four decimals."""
JACKKNIFE_GROUPS = 40
"""Most groups that a jackknife leaves out one by one; more only take longer."""


def trimmed_mean(values: Floats) -> float:
    """Mean of the values (N,) without the outer share `TRIMMED` at each end."""
    cut = int(TRIMMED * len(values))
    return float(np.sort(values)[cut : len(values) - cut].mean())


def winsorized(values: Floats, share: float = WINSORIZED) -> Floats:
    """Values (N,), clipped to their quantiles `share` and 1 - `share`."""
    return np.clip(values, *np.quantile(values, [share, 1 - share]))


def scatter(values: Floats) -> float:
    """Half of the distance between the quantiles 16 % and 84 %: of normal values the standard
    deviation, which outliers do not enlarge."""
    lower, upper = np.quantile(values, [0.16, 0.84])
    return float(upper - lower) / 2


def jackknifed(value: Callable[[Numbers], float], count: int) -> tuple[float, float]:
    """A statistic and its standard error by the delete-a-group jackknife.

    `value` takes the indices of the parts that it may use. Part i belongs to group i modulo the
    number of groups, which is `count` or at most `JACKKNIFE_GROUPS`.
    """
    everything = np.arange(count)
    groups = min(count, JACKKNIFE_GROUPS)
    left_out = [value(everything[everything % groups != group]) for group in range(groups)]
    error = float(np.std(left_out)) * math.sqrt(groups - 1)
    return value(everything), error


def t_quantile(freedom: float) -> float:
    """97.5 % quantile of Student's t with `freedom` degrees of freedom, which may be infinite."""
    return float(stdtrit(freedom, 0.975))
