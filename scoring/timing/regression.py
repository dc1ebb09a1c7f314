"""Bayesian linear regression with a normal prior and measurement error in one covariate.

    y_i = a + x_i' b + e_i,   e_i ~ N(0, s^2),   b ~ N(m, P^-1)
    b^ = m + A^-1 (X'y - C m) / s^2,   A = C / s^2 + P,   C = X'X - n v E_11

X and y are centred. The first column of X has measurement error of variance v, which is subtracted
from X'X: the method of moments for errors in variables (Fuller, Measurement Error Models, 1987).
Without it b_1 is attenuated, and the reference against itself at another pace would not give 1.
Error in y does not bias b.

n v is at most what y and the other columns leave unexplained of the first column (Frisch,
Statistical Confluence Analysis, 1934), and at most the share `MOST_NOISE` of what the other columns
leave: the corrected X'X stays positive definite.

s^2 is the residuals' variance, and at least `NEGLIGIBLE`^2, so that A is finite. It is widened by
the square of t / z, because it is estimated from few windows. Rows are correlated: `rows_per_point`
rows count as one. The covariance of b^ is the sandwich A^-1 (X'X / s^2 + P + D) A^-1, where D is
the uncertainty of the subtracted variance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from scoring.timing.robust import NEGLIGIBLE, WINSORIZED, t_quantile, winsorized
from scoring.timing.tally import Floats

MOST_NOISE = 1 / 3
"""Most of the first column's own variance, as a share, that may be measurement error: beyond that
too little would be left to estimate a coefficient from."""


@dataclass(frozen=True)
class Prior:
    """b ~ N(mean, precision^-1): mean (K,), precision (K, K)."""

    mean: Floats
    precision: Floats


@dataclass(frozen=True)
class Coefficients:
    """Posterior of b: mean (K,) and covariance (K, K)."""

    mean: Floats
    covariance: Floats


def fitted(
    x: Floats,
    y: Floats,
    prior: Prior,
    *,
    rows_per_point: float = 1,
    noise_sd: float = 0.0,
    winsorized_share: float = WINSORIZED,
) -> Coefficients:
    """Coefficients of the regression of y (N,) on the columns of x (N, K).

    `noise_sd` is the standard deviation of the measurement error in the first column. Columns of x
    are winsorized by `winsorized_share`, y by `WINSORIZED`: one hiccup must not tilt a slope.
    """
    x = np.apply_along_axis(winsorized, 0, x, winsorized_share)
    x, y = x - x.mean(axis=0), winsorized(y) - winsorized(y).mean()
    noise = noise_sum(x, y, noise_sd)
    moments = x.T @ x
    moments[0, 0] -= noise
    residuals = y - x @ np.linalg.lstsq(moments, x.T @ y, rcond=None)[0]
    freedom = max(1.0, len(y) / rows_per_point - 1 - x.shape[1])
    variance = max(float(residuals @ residuals) / freedom, rows_per_point * NEGLIGIBLE**2)
    variance *= (t_quantile(freedom) / t_quantile(math.inf)) ** 2
    inverse = np.linalg.inv(moments / variance + prior.precision)
    mean = prior.mean + inverse @ (x.T @ y - moments @ prior.mean) / variance
    information = x.T @ x / variance + prior.precision
    information[0, 0] += rows_per_point / len(x) * (noise * mean[0] / variance) ** 2
    return Coefficients(mean, inverse @ information @ inverse)


def noise_sum(x: Floats, y: Floats, noise_sd: float) -> float:
    """n v: the sum of squares of the measurement error in the first column of x (N, K), bounded."""
    first, others = x[:, 0], x[:, 1:]
    own = residual_of(first, others)
    unexplained = residual_of(first, np.column_stack([others, y]))
    return min(
        len(x) * noise_sd**2, float(unexplained @ unexplained), MOST_NOISE * float(own @ own)
    )


def residual_of(values: Floats, columns: Floats) -> Floats:
    """Residual of values (N,) after least squares on the columns (N, K)."""
    return np.asarray(values - columns @ np.linalg.lstsq(columns, values, rcond=None)[0])
