"""What goes into the correction: response and covariates of each quad, and the reference point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.job import Pace, Quad
from scoring.timing import tally, windows
from scoring.timing.intervals import Z
from scoring.timing.robust import winsorized
from scoring.timing.tally import Floats


@dataclass(frozen=True)
class Design:
    """Response and covariates of N quads, and the reference point."""

    response: Floats
    """log S (N,)."""
    covariates: Floats
    """log R and, where all quads have a probe, log P: (N, K)."""
    calibrated: Floats
    """log R* and log P* (K,)."""
    loads: Floats
    """Load and imbalance in cores (N, 2)."""
    load_range: tuple[float, float]
    window: int
    noise: tuple[float, float]
    """Standard deviations of the measurement error of log R: new in each quad, and lasting."""

    @property
    def noise_sd(self) -> float:
        """The same, averaged over a window."""
        brief, lasting = self.noise
        return math.hypot(brief / math.sqrt(self.window), lasting)

    @property
    def point(self) -> Floats:
        """Reference point of the covariates (K,): the calibration, clipped to the range seen."""
        return np.clip(self.calibrated, self.covariates.min(axis=0), self.covariates.max(axis=0))

    @property
    def load_point(self) -> Floats:
        """Reference point of load and imbalance (2,)."""
        load, imbalance = self.loads.T
        return np.array([self.load_range[0], beyond_chance(imbalance, load)])

    @property
    def is_probed(self) -> bool:
        return len(self.calibrated) > 1


def design_of(quads: Sequence[Quad], pace: Pace) -> Design:
    """Response, covariates and loads of these quads, with the calibration's pace."""
    covariates, calibrated = covariates_of(quads, pace)
    seen = winsorized(np.array([max(0.0, quad.reference_load) for quad in quads]))
    load_range = float(seen.min()), float(seen.max())
    return Design(
        response=tally.logs_per_image(quads)[1],
        covariates=covariates,
        calibrated=calibrated,
        loads=np.array([quad.loads(*load_range) for quad in quads]),
        load_range=load_range,
        window=windows.size(quads),
        noise=pace.reference_scatter,
    )


def covariates_of(quads: Sequence[Quad], pace: Pace) -> tuple[Floats, Floats]:
    """Covariates (N, K), and their values in the calibration (K,): log R and, where every quad and
    the calibration have a probe, the winsorized log P."""
    reference, _ = tally.logs_per_image(quads)
    columns, calibrated = [reference], [pace.reference_seconds]
    if pace.probe_seconds > 0 and all(quad.probe_seconds > 0 for quad in quads):
        columns.append(winsorized(np.log([quad.probe_seconds for quad in quads])))
        calibrated.append(pace.probe_seconds)
    return np.column_stack(columns), np.log(calibrated)


def beyond_chance(imbalance: Floats, reference_loads: Floats) -> float:
    """The part of the mean imbalance (N,) that chance does not explain, in cores.

    Its expected value is 0. A mean of up to two standard errors passes for chance. The standard
    error is at most that of the difference of two independent loads that scatter like the
    reference's (N,), which no submission can influence: load of its own making excuses nothing.
    """
    mean = float(imbalance.mean())
    sd = min(float(imbalance.std()), math.sqrt(2) * float(reference_loads.std()))
    chance = Z * sd / math.sqrt(len(imbalance))
    return mean - min(max(mean, -chance), chance)
