"""One joint fit instead of the correction in steps: tried, compared on the same quads, not adopted.

    y_i = theta + b' (x_i - x0) + u_segment(i) + e_i,    ratio = exp(theta) / R at x0

y is log S. x is log R, log P (probe), load beside the reference, load beside the submission. x0 is
the calibration's pace, the lowest load, and as much load beside the submission as chance explains.

* b ~ N((0.8, 0.2, 0, 0), V0) with the prior of `scoring.timing.correction`; theta has none.
* u ~ N(0, tau^2) for each segment, e_i ~ s t(4): weights w_i = 5 / (4 + e_i^2 / s^2) (Lange, Little
  and Taylor, JASA 84, 1989). b, s, tau and w come from expectation and maximization.
* The measurement error of log R, known from the calibration, is subtracted from the moment of the
  first column (Fuller 1987), bounded as in `scoring.timing.regression`.
* half-width = 2 sqrt(Var theta + BETWEEN_RUNS_SD^2): one entry of the posterior, and the profile's.

The *bounded* fit differs in these ways:

* It has no segment effects, which absorb the slow changes of pace that b_1 is estimated from.
* x0 is clipped to the range seen. `correction.extrapolation_sd` and `unexplained_sd` are added.
* Var theta is at least the cluster-robust one by segment, and Student's t with segments - 1 degrees
  of freedom replaces 2.

`benchmarks.coverage --method joint` compares them on an invented machine whose truth is known,
`benchmarks.timing_noise --read` on recorded quads. `scoring/timing/MEASUREMENT.md` has the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scoring.job import Pace, Quad
from scoring.timing import correction, covariates
from scoring.timing.correction import LOAD_SD
from scoring.timing.covariates import Design
from scoring.timing.host import BETWEEN_RUNS_SD
from scoring.timing.intervals import Estimate, Z
from scoring.timing.regression import MOST_NOISE, Coefficients, residual_of
from scoring.timing.robust import Numbers, scatter, t_quantile
from scoring.timing.tally import Floats

FREEDOM = 4.0
"""Degrees of freedom of the errors' t distribution."""
ROUNDS = 60
"""Rounds of expectation and maximization."""


@dataclass(frozen=True)
class System:
    """Response (N,), columns with a leading 1 (N, K), prior mean (K,) and precision (K, K)."""

    response: Floats
    columns: Floats
    mean: Floats
    precision: Floats
    segments: Numbers
    """Numbers from 0 (N,)."""
    noise: tuple[float, float]
    """Variances of the measurement error of log R: new in each quad, and lasting over a segment."""

    def by_segment(self, values: Floats) -> Floats:
        """Sums (G,) of values (N,), or (G, K) of (N, K), over each segment."""
        if values.ndim == 1:
            return np.asarray(np.bincount(self.segments, values), dtype=np.float64)
        return np.array([np.bincount(self.segments, column) for column in values.T]).T


@dataclass(frozen=True)
class State:
    """Coefficients (K,), their covariance and inverse information (K, K), variances, weights."""

    b: Floats
    covariance: Floats
    inverse: Floats
    error: float
    """s^2."""
    between: float
    """tau^2."""
    weights: Floats
    effects: Floats
    """u of each segment (G,)."""


def estimate(quads: Sequence[Quad], pace: Pace, *, is_bounded: bool = False) -> Estimate:
    """The ratio at the calibration's pace, by one joint fit."""
    design = covariates.design_of(quads, pace)
    point = design.point if is_bounded else design.calibrated
    problem = problem_of(design, quads, point)
    state = fitted(problem, has_effects=not is_bounded)
    ratio = math.exp(state.b[0] - point[0])
    sd = math.sqrt(state.covariance[0, 0])
    if is_bounded:
        sd = max(sd, math.sqrt(clustered(problem, state)))
        sd *= t_quantile(max(2, len(state.effects) - 1)) / Z
        b = Coefficients(state.b[1 : 1 + len(point)], state.covariance[1:-2, 1:-2])
        sd = math.hypot(sd, correction.unexplained_sd(design, b))
    beyond = correction.extrapolation_sd(point - design.calibrated, state.b[1 : 1 + len(point)])
    sd = math.hypot(sd, BETWEEN_RUNS_SD, beyond)
    return Estimate(ratio, ratio * math.expm1(Z * sd), ratio * sd)


def problem_of(design: Design, quads: Sequence[Quad], point: Floats) -> System:
    """The problem of these quads, read at `point` of the covariates."""
    load, imbalance = design.loads.T
    loads = np.column_stack([load, load + imbalance])
    least = design.load_range[0]
    rest = np.array([least, least + covariates.beyond_chance(imbalance, load)])
    columns = np.column_stack([np.ones(len(quads)), design.covariates - point, loads - rest])
    prior = correction.prior(design.is_probed)
    precision = np.zeros((columns.shape[1],) * 2)
    precision[1:-2, 1:-2] = prior.precision
    precision[-2:, -2:] = np.eye(2) / LOAD_SD**2
    return System(
        design.response,
        columns,
        np.concatenate([[0.0], prior.mean, [0.0, 0.0]]),
        precision,
        np.unique([quad.segment for quad in quads], return_inverse=True)[1],
        (design.noise[0] ** 2, design.noise[1] ** 2),
    )


def noise_moment(problem: System, state: State) -> float:
    """E d' V^-1 d of the measurement error d (N,), bounded as in `scoring.timing.regression`.

    V is the covariance of u + e. The brief part has v_1 tr V^-1, the lasting part v_2 1' V_g^-1 1
    summed over segments g.
    """
    information = state.weights / state.error
    sums = problem.by_segment(information)
    spread = effect_variances(problem, state)
    brief = float(information.sum() - (spread * problem.by_segment(information**2)).sum())
    lasting = float((sums / (1 + state.between * sums)).sum())
    found = problem.noise[0] * brief + problem.noise[1] * lasting
    weighted = np.sqrt(information)
    columns = problem.columns * weighted[:, None]
    others = np.delete(columns, 1, axis=1)
    own = residual_of(columns[:, 1], others)
    response = problem.response * weighted
    unexplained = residual_of(columns[:, 1], np.column_stack([others, response]))
    return min(found, float(unexplained @ unexplained), MOST_NOISE * float(own @ own))


def fitted(problem: System, *, has_effects: bool) -> State:
    """Expectation and maximization, from the prior mean on."""
    residuals: Floats = problem.response - problem.columns @ problem.mean
    error = max(scatter(residuals), 1e-3) ** 2
    groups = int(problem.segments.max()) + 1
    state = State(
        problem.mean,
        problem.precision,
        problem.precision,
        error,
        error / 10 if has_effects else 0.0,
        np.ones(len(residuals)),
        np.zeros(groups),
    )
    for _ in range(ROUNDS):
        state = improved(problem, state)
        if not has_effects:
            state = replace(state, between=0.0)
    return state


def improved(problem: System, state: State) -> State:
    """One round: b by generalized least squares, then effects, variances and weights."""
    information = state.weights / state.error
    spread = effect_variances(problem, state)
    columns, response = problem.columns, problem.response
    weighted = columns * information[:, None]
    sums, y_sums = problem.by_segment(weighted), problem.by_segment(information * response)
    moments = weighted.T @ columns - sums.T @ (sums * spread[:, None])
    target = weighted.T @ response - sums.T @ (y_sums * spread)
    corrected = moments.copy()
    corrected[1, 1] -= noise_moment(problem, state)
    inverse: Floats = np.asarray(np.linalg.inv(corrected + problem.precision))
    b = inverse @ (target + problem.precision @ problem.mean)
    residuals = response - columns @ b
    effects = spread * problem.by_segment(information * residuals)
    squares = (residuals - effects[problem.segments]) ** 2 + spread[problem.segments]
    weights = (FREEDOM + 1) / (FREEDOM + squares / state.error)
    error = float((weights * squares).sum()) / max(1.0, len(response) - len(b))
    between = float((effects**2 + spread).sum()) / max(1, len(effects) - 1)
    covariance = inverse @ (moments + problem.precision) @ inverse
    return State(b, covariance, inverse, max(error, 1e-8), between, weights, np.asarray(effects))


def effect_variances(problem: System, state: State) -> Floats:
    """Posterior variance of each segment's effect (G,)."""
    sums = problem.by_segment(state.weights / state.error)
    return np.asarray(state.between / (1 + state.between * sums))


def clustered(problem: System, state: State) -> float:
    """Var theta, cluster-robust by segment (Liang and Zeger, Biometrika 73, 1986)."""
    information = state.weights / state.error
    residuals = problem.response - problem.columns @ state.b
    weighted = problem.columns * information[:, None]
    scores = problem.by_segment(weighted * residuals[:, None])
    effects = effect_variances(problem, state) * problem.by_segment(information * residuals)
    scores = scores - problem.by_segment(weighted) * effects[:, None]
    groups = len(effects)
    meat = scores.T @ scores * groups / max(1, groups - 1)
    return float((state.inverse @ (meat + problem.precision) @ state.inverse)[0, 0])
