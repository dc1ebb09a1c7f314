"""The corrected ratio: the ratio at a reference point of pace and load.

    log S_i = a + b_1 log R_i + b_2 log P_i + h l_i + k d_i + e_i

S and R are seconds per image of submission and reference in quad i, and P is the probe's time. l is
the load: the cores that other programs kept busy during the reference's blocks. d is the imbalance:
the same during the submission's blocks, less l.

Every quad is moved to the reference point by the coefficients; the plain ratio of the moved quads
is the corrected ratio. The reference point is the calibration's R* and P*, clipped to the range
seen, the lowest load seen, and an imbalance of 0 as far as its mean may be chance.

* b comes from moving averages over a window, where a block's own noise evens out. Measurement error
  remains in log R; the calibration knows its variance.
* h and k come from single quads. Bursts are as short as a block, so they are not winsorized.
* Both are estimated in turn, twice (backfitting: Buja, Hastie and Tibshirani, Annals of Statistics
  17, 1989). The load stays in the covariates, which explain a part of its effect. The imbalance
  does not.
* The probe runs while the submission is stopped. A submission can neither make nor see the probe's
  time. h may be negative: other programs may take memory that only the reference needs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scoring.job import Pace, Quad
from scoring.timing import plain, robust, tally, windows
from scoring.timing.covariates import Design, covariates_of, design_of
from scoring.timing.host import BETWEEN_RUNS_SD
from scoring.timing.intervals import Correction, Estimate, Z
from scoring.timing.regression import Coefficients, Prior, fitted
from scoring.timing.robust import trimmed_mean
from scoring.timing.tally import Floats

PRIOR_MEAN = (0.8, 0.2)
"""Prior mean of the coefficients of log R and log P: what slows both slows every model."""
PRIOR_SUM_SD, PRIOR_SD = 0.15, 0.5
"""Prior standard deviation of the coefficients' sum, and of each. On hosts whose cores are shared
0.3 and 0.6 were seen as well as 1 and 0."""
UNPROBED_SD = 0.7
"""Prior standard deviation of the coefficient of log R where there is no probe. Its prior mean is
the sum of `PRIOR_MEAN`."""
LOAD_SD = 0.1
"""Prior standard deviation of what one busy core does to log S: beside the reference only, h - k,
and beside the submission only, k. The prior mean is 0."""
LOAD_PRIOR = Prior(np.zeros(2), np.array([[1.0, -1.0], [-1.0, 2.0]]) / LOAD_SD**2)
"""The same for (h, k): the precision is (e e' + f f') / LOAD_SD^2 with e = (1, -1), f = (0, 1). If
h and k had independent priors, k would get a part of h where the imbalance never changes."""
QUADS_PER_POINT = 1.5
"""Quads that say as much about h and k as one independent quad: neighbours are correlated."""
BACKFITTING = 2
"""Rounds of backfitting."""
UNEXPLAINED, UNEXPLAINED_BY_REFERENCE = 0.06, 0.006
"""Standard deviation of a whole evaluation that the covariates do not explain: this share of the
scatter of log R over windows, at most the second number, and of the scatter of x'b. It has a bound
because a small reference is now and then crowded out of its cache altogether."""


@dataclass(frozen=True)
class Fit:
    """Coefficients b of the covariates (K,), and (h, k) of load and imbalance (2,)."""

    covariates: Coefficients
    loads: Coefficients


def estimate(
    quads: Sequence[Quad], pace: Pace, between_runs_sd: float = BETWEEN_RUNS_SD
) -> Estimate:
    """The corrected ratio at the calibration's pace; for too few quads see `uncorrected`."""
    if len(quads) < 2 * windows.MIN_WINDOWS:
        return uncorrected(quads, pace, between_runs_sd)
    design = design_of(quads, pace)
    fit = fit_of(design)
    load_offset = design.loads - design.load_point
    shift = (design.covariates - design.point) @ fit.covariates.mean
    shift = shift + load_offset @ fit.loads.mean
    # A block beside no reference had other bursts than the quad before it. It is compared with
    # quads from which the bursts were not taken out either.
    with_bursts = shift - load_offset[:, 1] * fit.loads.mean[1]
    at_point = moved(quads, shift, design.point[0])
    charged_by = moved(quads, with_bursts, design.point[0])
    found = plain.estimate(at_point, charged_by, between_runs_sd)
    narrowing, fixed = standard_deviations(design, fit)
    sd = found.ratio * math.hypot(*narrowing, *fixed)
    return replace(
        found,
        half_width=math.hypot(found.half_width, Z * sd),
        standard_error=math.hypot(found.standard_error, sd),
        fixed_sd=math.hypot(between_runs_sd, *fixed),
        correction=correction_of(design, fit),
        quad_ratios=tuple(tally.ratio(quad) for quad in at_point),
    )


def uncorrected(quads: Sequence[Quad], pace: Pace, between_runs_sd: float) -> Estimate:
    """The plain ratio of quads too few for coefficients, widened by the prior's uncertainty."""
    found = plain.estimate(quads, between_runs_sd=between_runs_sd)
    covariates, calibrated = covariates_of(quads, pace)
    offset = np.apply_along_axis(trimmed_mean, 0, covariates) - calibrated
    sd = found.ratio * extrapolation_sd(offset, prior(len(offset) > 1).mean)
    return replace(
        found,
        half_width=math.hypot(found.half_width, Z * sd),
        standard_error=math.hypot(found.standard_error, sd),
        correction=Correction(pace.reference_seconds),
    )


def prior(is_probed: bool) -> Prior:
    """Prior of the covariates' coefficients: mean (K,), precision (K, K)."""
    if not is_probed:
        return Prior(np.array([sum(PRIOR_MEAN)]), np.eye(1) / UNPROBED_SD**2)
    precision = np.ones((2, 2)) / PRIOR_SUM_SD**2 + np.eye(2) / PRIOR_SD**2
    return Prior(np.array(PRIOR_MEAN), precision)


def fit_of(design: Design) -> Fit:
    """Coefficients by backfitting; see the head of this module."""
    imbalance_coefficient = 0.0
    offset = design.loads - design.load_point
    for _ in range(BACKFITTING):
        covariates = fitted(
            windows.smoothed(design.covariates, design.window),
            windows.smoothed(design.response - offset[:, 1] * imbalance_coefficient, design.window),
            prior(design.is_probed),
            rows_per_point=design.window,
            noise_sd=design.noise_sd,
        )
        loads = fitted(
            offset,
            design.response - design.covariates @ covariates.mean,
            LOAD_PRIOR,
            rows_per_point=QUADS_PER_POINT,
            winsorized_share=0,
        )
        imbalance_coefficient = loads.mean[1]
    return Fit(covariates, loads)


def moved(quads: Sequence[Quad], shift: Floats, log_reference: float) -> list[Quad]:
    """Quads at the reference point: R is exp(`log_reference`) seconds per image, and the
    submission's times are multiplied by exp(-shift) (N,)."""
    return [
        replace(
            quad,
            reference_seconds=quad.reference_images * math.exp(log_reference),
            submission_seconds=quad.submission_seconds * factor,
            alone_seconds=quad.alone_seconds * factor,
        )
        for quad, factor in zip(quads, np.exp(-shift).tolist(), strict=True)
    ]


def standard_deviations(design: Design, fit: Fit) -> tuple[list[float], list[float]]:
    """Standard deviations of the log ratio that the correction adds.

    The first list gets smaller with more quads: the coefficients' uncertainty times the distance of
    the quads' mean from the reference point. The second does not: the remaining imbalance, what the
    covariates do not explain, and extrapolation to a pace that was not seen.
    """
    b, loads = fit.covariates, fit.loads
    load_offset = design.loads - design.load_point
    mean_load = np.array([trimmed_mean(load_offset[:, 0]), load_offset[:, 1].mean()])
    offset = np.apply_along_axis(trimmed_mean, 0, design.covariates) - design.point
    # What load does to the covariates is taken out with the load, whatever b is.
    per_load = np.linalg.lstsq(
        load_offset - load_offset.mean(axis=0), design.covariates, rcond=None
    )[0]
    offset = offset - mean_load @ (np.eye(2) - loads.covariance @ LOAD_PRIOR.precision) @ per_load
    narrowing = [
        math.sqrt(offset @ b.covariance @ offset),
        math.sqrt(mean_load @ loads.covariance @ mean_load),
    ]
    fixed = [
        float(loads.mean[1] * design.load_point[1]),
        unexplained_sd(design, b),
        extrapolation_sd(design.point - design.calibrated, b.mean),
    ]
    return narrowing, fixed


def unexplained_sd(design: Design, b: Coefficients) -> float:
    """Standard deviation of the log ratio that the covariates do not explain.

    The scatter of x'b stands for the submission's: it is free of the submission's own noise, which
    more quads do make smaller.
    """
    reference, submission = (
        robust.scatter(windows.smoothed(side, design.window))
        for side in (design.covariates[:, 0], design.covariates @ b.mean)
    )
    by_reference = min(UNEXPLAINED * reference, UNEXPLAINED_BY_REFERENCE)
    return math.hypot(by_reference, UNEXPLAINED * submission)


def extrapolation_sd(offset: Floats, mean: Floats) -> float:
    """Root mean square of the log ratio's change over `offset` (K,) of the covariates.

    The coefficients have this mean (K,) and the prior's covariance: what a machine does all the
    time need not slow a model like what it did now and then.
    """
    expected = offset @ mean - offset[0]  # of log S, less that of log R
    precision = prior(len(offset) > 1).precision
    return math.hypot(expected, math.sqrt(offset @ np.linalg.solve(precision, offset)))


def correction_of(design: Design, fit: Fit) -> Correction:
    """Coefficients and reference point as they are reported."""
    b, loads, point = fit.covariates.mean, fit.loads.mean, design.point
    probes = np.exp(design.covariates[:, -1])
    return Correction(
        reference_seconds=math.exp(point[0]),
        pace_coefficient=float(b[0]),
        probe_coefficient=float(b[1]) if design.is_probed else None,
        probe_seconds=math.exp(point[1]) if design.is_probed else None,
        probe_range=(float(probes.min()), float(probes.max())) if design.is_probed else None,
        load_coefficient=float(loads[0]),
        load_range=design.load_range,
        load=design.load_range[0],
        imbalance_coefficient=float(loads[1]) if design.loads[:, 1].any() else 0.0,
        imbalance=float(design.load_point[1]),
    )
