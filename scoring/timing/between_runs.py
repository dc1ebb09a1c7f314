"""The noise between runs of a host, from canaries: the reference against itself.

    log ratio_i = u_i + e_i,   u_i ~ N(0, sd^2) between runs,   e_i ~ N(0, se_i^2) within run i

    v = sum w_i (log^2 ratio_i - se_i^2) / sum w_i,   w_i = (s^2 + se_i^2)^-2
    sd^2 = s^2 + (v - s^2) / (1 + Var(v) / s^4),      Var(v) = 2 / sum w_i

The expected log ratio is 0. v is the estimate by moments for random effects (DerSimonian and Laird,
Controlled Clinical Trials 7, 1986). Weights and Var(v) are those of the default, sd = s. v is
shrunk to s^2, whose prior standard deviation is as large as itself (credibility: Buhlmann, ASTIN
Bulletin 4, 1967): few or noisy canaries do not move it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scoring.timing.host import BETWEEN_RUNS_SD
from scoring.timing.intervals import Z

LEAST_CANARIES = 10
"""Canaries below which the default holds."""
MOST_CANARIES = 400
"""Latest canaries that are asked."""


def estimated_sd(canaries: Sequence[tuple[float, float]], band: float) -> float:
    """Standard deviation of log ratios between runs.

    `canaries`: the time ratio of each and its relative standard error within the run. Only those
    that passed: a worker whose canary leaves the `band` measures nothing.

    At least the default, because nets of other character than the reference may differ more. At
    most band / Z: beyond that more than one canary in twenty would leave the band, and the worker
    would be refused.
    """
    if len(canaries) < LEAST_CANARIES:
        return BETWEEN_RUNS_SD
    weights = [(BETWEEN_RUNS_SD**2 + error**2) ** -2 for _, error in canaries]
    excess = [math.log(ratio) ** 2 - error**2 for ratio, error in canaries]
    found = sum(map(math.prod, zip(weights, excess, strict=True))) / sum(weights)
    usual = BETWEEN_RUNS_SD**2
    raised = (found - usual) / (1 + 2 / sum(weights) / usual**2)
    most = max(BETWEEN_RUNS_SD, band / Z)
    return min(math.sqrt(usual + max(0.0, raised)), most)
