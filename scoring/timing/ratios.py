"""From quads to a time ratio and its interval: pure functions, so invented quads can test them.

Two estimates are made. The *plain* ratio is the trimmed mean over quads. The *corrected* one asks
what the ratio is while the machine runs at the pace of the calibration, and others leave it alone:
nets of different character are slowed differently by the same neighbour, and this takes it out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import bdtrc

from scoring.job import Pace, Plan, Quad

Floats = npt.NDArray[np.float64]

TRIM = 0.2
WIDENING = 1.3
"""The t interval of a trimmed mean, widened: neighbouring quads share the weather."""
DRIFT = 0.004
"""Standard deviation of a ratio from evaluation to evaluation that is not seen within one: how the
machine happens to lay out and share its memory. `benchmarks.timing_noise`: intervals without it
held the long-run mean 8 times in 10, with it 9 in 10."""
UNEXPLAINED, MOST_BY_REFERENCE = 0.06, 0.006
"""What the weather does to a ratio over a whole evaluation that reference, probe and load together
do not tell: this share of how the reference's time scatters over windows, at most so much, and of
how the submission's does by the weather. At most, for a small reference is now and then crowded out
of its cache altogether, and a model that hardly minds is no less known for it. Chosen by 70
evaluations of `benchmarks.timing_noise`, most of them by earlier protocols: of the very same,
intervals without it held the mean of their net 65 times, with it 69 times."""
STEADY_CPU_SHARE = 0.97
MAX_DROPPED = 1 / 3
"""Share of quads that may lose their time for being disturbed: half as many again are measured."""
CLEAR = 2.0
"""Standard errors beyond which a difference is taken for real."""
SUMS_DIFFER = 0.01
"""The ratio of sums counts where it differs by more than this: a bound on what a model can gain
that is cheap on most images and dear on some."""
ALONE_DIFFERS = 0.03
"""Blocks beside which no reference ran may be this much dearer: they see other weather."""
WINDOW_SECONDS, WINDOW_QUADS = 2.5, 12
"""Length of a window, whichever comes first: quads of a brief pass are short, but far apart."""
SHARED = 1.5
"""Quads that say as much about a burden as one: neighbours' residuals resemble each other a bit."""
MIN_WINDOWS = 8
"""Side by side; fewer quads than twice as many are asked for no slope."""
PRIORS = (0.8, 0.2)
"""What is believed of an elasticity and of the probe's slope before anything was measured."""
SUM_SD, SLOPE_SD = 0.15, 0.5
"""How far off their sum may be, and each: what slows both the reference and the probe slows all,
but on hosts whose cores are shared 0.3 and 0.6 were seen as well as 1 and 0."""
UNPROBED_PRIOR, UNPROBED_SD = 1.0, 0.7
"""The same of an elasticity where there is no probe."""
MOST_ALONE = 1 / 3
"""Of what the reference does and the probe does not tell, the most that is its own doing: beyond
that nothing would be left to read a slope off."""
LEAST_NOISE = 1e-4
"""Standard deviation of a logarithm: no line fits better."""
BURDEN_SD = 0.1
"""How far from 0 it is believed to be what a core does that others keep busy beside one side."""
BURDENS = np.array([[1.0, -1.0], [-1.0, 2.0]]) / BURDEN_SD**2
"""How firmly the slopes of load and imbalance are believed to be 0, an inverse covariance. What is
bounded is what a core does that is busy beside the reference, the one less the other, and beside
the submission, the other. Were the two bounded as they are, they would share what the reference's
load does where the submission's never changes and says nothing."""
WINSORIZED = 0.1
"""Share of values on each side that count like the one before them."""
FINE = 0.001
"""A half-width that is published however small the ratio: 0.0005 of a score, as much as 0.0001 of
F1 makes. Of a ratio of 0.02 the usual 3 % would be half as much, and on a restless host take
several attempts."""
NO_TARGET = 1e-4
"""A target below this share is none: measuring goes on to the cap."""
FALSE_ALARM = 0.001
"""How often an honest model, on a machine however busy, is said to wait."""
UNSTEADY = 2.0
"""How much more than the reference's a submission's time must scatter to be called unstable."""


@dataclass(frozen=True)
class Estimate:
    """A ratio with half of its 95 % interval and its standard error, all absolute."""

    ratio: float
    half_width: float
    standard_error: float
    by: Literal["trimmed mean", "sums"] = "trimmed mean"
    unseen: float = DRIFT
    """Of the standard error, relative: what more quads do not narrow."""
    elasticity: float = 1.0
    burden: float = 0.0
    read_at: float | None = None
    """Reference seconds per image at which the ratio was read; None for a plain one."""
    loads: tuple[float, float] | None = None
    """Cores that others kept busy: fewest and most that count."""
    load_read_at: float | None = None
    imbalance_slope: float = 0.0
    """By which share it is slower besides, with each core more that others kept busy during its
    blocks than during the reference's."""
    imbalance_read_at: float = 0.0
    probe_slope: float | None = None
    probe_read_at: float | None = None
    """Seconds of a quad's probes at which the ratio was read; None where the probe has no say."""
    probes: tuple[float, float] | None = None
    """The shortest and the longest that count."""


def published(quads: Sequence[Quad], plan: Plan, pace: Pace | None) -> Estimate:
    """The estimate that counts under this plan."""
    if plan.published == "corrected" and pace is not None:
        return corrected(quads, pace)
    return plain(quads)


def plain(quads: Sequence[Quad], charged_by: Sequence[Quad] | None = None) -> Estimate:
    """exp of the 20 %-trimmed mean over quads of log(submission / reference per image).

    Where the ratio of sums clearly differs it counts instead: a model that is cheap on most images
    and dear on some must pay for the dear ones. What it is charged for time beside no reference
    these quads say, or those of `charged_by`.
    """
    charging = quads if charged_by is None else charged_by
    if sums_count(quads):
        return charged(estimate_of_sums(quads), charging)
    logs = np.array([log_ratio(quad) for quad in quads])
    return charged(estimate(*trimmed(logs, quads)), charging)


def corrected(quads: Sequence[Quad], pace: Pace) -> Estimate:
    """The ratio at the pace of the calibration, and beside as little as others did meanwhile.

    With log S = a + g log R + p log probe + h load + i imbalance, every quad is brought there,
    within the range that was seen; what is left is a plain ratio. Too few quads: the plain ratio as
    it came. A calibrated pace outside of the range is not read at; what the ratio would be there
    widens the interval, by what is believed of g and p beforehand: what a machine does all the time
    need not slow a model as what it did now and then.

    The elasticity g and the probe's slope p come from moving averages over a window, in which the
    blocks' own noise evens out. The probe runs while the submission stands still: it can neither
    make nor see it, but may guess the weather from its own time. The load is what others kept busy
    during the reference's blocks; where they take its memory and not the submission's, h is below
    0. The imbalance is what more they kept busy during the submission's, within the range of the
    load. Bursts make it scatter widely around 0, and the ratios with it. That its mean is not 0 is
    believed as far as it may be luck: a submission cannot excuse itself by load of its making.
    """
    if len(quads) < 2 * MIN_WINDOWS:
        return uncorrected(quads, pace)
    weather, calibrated = weather_of(quads, pace)
    read_at = np.clip(calibrated, weather.min(axis=0), weather.max(axis=0))
    _, ours = logs_per_image(quads)
    is_probed = len(read_at) > 1
    window = window_quads(quads)
    brief, lasting = pace.reference_scatter
    seen = winsorized(np.array([max(0.0, quad.reference_load) for quad in quads]))
    loads = float(seen.min()), float(seen.max())
    load, imbalance = np.array([quad.loads(*loads) for quad in quads]).T
    rest = np.array([loads[0], more_than_luck(imbalance, load)])
    beside = np.column_stack([load, imbalance]) - rest
    fit = fitted(
        ours,
        weather,
        beside,
        window=window,
        alone=math.hypot(brief / math.sqrt(window), lasting),
    )
    slower = (weather - read_at) @ fit.slopes + beside @ fit.burdens
    # What is alone was beside other bursts than the quad before it, and is held against quads that
    # have theirs, too.
    uneven = at_rest(quads, slower - beside[:, 1] * fit.burdens[1], read_at[0])
    found = plain(at_rest(quads, slower, read_at[0]), charged_by=uneven)
    more = np.array([trimmed_mean(beside[:, 0]), beside[:, 1].mean()])
    away = np.apply_along_axis(trimmed_mean, 0, weather) - read_at
    beyond = unread(read_at - calibrated, fit.slopes)
    # Of the weather, what others' programs make of it goes out with them, whatever the slopes are.
    per_load = np.linalg.lstsq(beside - beside.mean(axis=0), weather, rcond=None)[0]
    away -= more @ (np.eye(2) - fit.doubt @ BURDENS) @ per_load
    minded = weather @ fit.slopes  # by the submission; not its own noise, which more quads narrow
    theirs, its = (scatter(smoothed(side, window)) for side in (weather[:, 0], minded))
    unexplained = math.hypot(min(UNEXPLAINED * theirs, MOST_BY_REFERENCE), UNEXPLAINED * its)
    unknown = found.ratio * math.hypot(
        math.sqrt(away @ fit.covariance @ away),
        math.sqrt(more @ fit.doubt @ more),
        fit.burdens[1] * rest[1],
        unexplained,
        beyond,
    )
    probes = np.exp(weather[:, -1])
    return replace(
        found,
        half_width=math.hypot(found.half_width, CLEAR * unknown),
        standard_error=math.hypot(found.standard_error, unknown),
        unseen=math.hypot(DRIFT, unexplained, fit.burdens[1] * rest[1], beyond),
        elasticity=float(fit.slopes[0]),
        burden=float(fit.burdens[0]),
        read_at=math.exp(read_at[0]),
        loads=loads,
        load_read_at=loads[0],
        imbalance_slope=float(fit.burdens[1]) if imbalance.any() else 0.0,
        imbalance_read_at=float(rest[1]),
        probe_slope=float(fit.slopes[1]) if is_probed else None,
        probe_read_at=math.exp(read_at[1]) if is_probed else None,
        probes=(float(probes.min()), float(probes.max())) if is_probed else None,
    )


def uncorrected(quads: Sequence[Quad], pace: Pace) -> Estimate:
    """The plain ratio of quads too few for slopes, as unsure as these are beforehand."""
    found = plain(quads)
    weather, calibrated = weather_of(quads, pace)
    away = np.apply_along_axis(trimmed_mean, 0, weather) - calibrated
    unknown = found.ratio * unread(away, believed(len(away) > 1)[0])
    return replace(
        found,
        half_width=math.hypot(found.half_width, CLEAR * unknown),
        standard_error=math.hypot(found.standard_error, unknown),
        read_at=pace.reference_seconds,
    )


def unread(away: Floats, slopes: Floats) -> float:
    """Root mean square by which the logarithm of a ratio differs where the weather is `away` (K,)
    from where it was read, with these slopes (K,) as uncertain as they are beforehand."""
    _, firmness = believed(len(away) > 1)
    expected = away @ slopes - away[0]  # of the submission, less of the reference
    return math.hypot(expected, math.sqrt(away @ np.linalg.solve(firmness, away)))


def weather_of(quads: Sequence[Quad], pace: Pace) -> tuple[Floats, Floats]:
    """What the machine did, and did in the calibration: logarithms (N, K) and (K,) of the
    reference's seconds per image and, where all have some, of the probe's."""
    reference, _ = logs_per_image(quads)
    seen, calibrated = [reference], [pace.reference_seconds]
    if pace.probe_seconds > 0 and all(quad.probe_seconds > 0 for quad in quads):
        seen.append(winsorized(np.log([quad.probe_seconds for quad in quads])))
        calibrated.append(pace.probe_seconds)
    return np.column_stack(seen), np.log(calibrated)


@dataclass(frozen=True)
class Fit:
    """What slows a submission, with covariances: slopes of the weather (K,), and by how much each
    core does that others keep busy, and each that they do during its own blocks only (2,)."""

    slopes: Floats
    covariance: Floats
    burdens: Floats
    doubt: Floats


def fitted(ours: Floats, weather: Floats, beside: Floats, *, window: int, alone: float) -> Fit:
    """Slopes of `ours`, log S (N,), on the weather (N, K), and on load and imbalance (N, 2).

    Those of the weather are read off windows, the others off quads, the one of what the other
    leaves, twice (backfitting: Buja, Hastie and Tibshirani, Linear Smoothers and Additive Models,
    1989). Load is left in the weather, which tells some of what it does; an imbalance is not.
    """
    burdens = np.zeros(2)
    for _ in range(2):
        slopes, covariance = regression(
            smoothed(weather, window),
            smoothed(ours - beside[:, 1] * burdens[1], window),
            *believed(weather.shape[1] > 1),
            shared=window,
            alone=alone,
        )
        burdens, doubt = regression(
            beside,
            ours - weather @ slopes,
            np.zeros(2),
            BURDENS,
            shared=SHARED,
            drawn_in=0,  # bursts are what it is about
        )
    return Fit(slopes, covariance, burdens, doubt)


def more_than_luck(imbalance: Floats, reference_loads: Floats) -> float:
    """What of the mean of an imbalance (N,), which should be 0, chance does not explain.

    Up to two standard errors always pass for chance. How much that is the reference's loads (N,)
    say, too, for no submission can make them scatter.
    """
    mean = float(imbalance.mean())
    scatter = min(float(imbalance.std()), math.sqrt(2) * float(reference_loads.std()))
    luck = CLEAR * scatter / math.sqrt(len(imbalance))
    return mean - min(max(mean, -luck), luck)


def own_scatter(quads: Sequence[Quad]) -> tuple[float, float]:
    """What each of two sides that are the same model scatters by itself, standard deviations of its
    logarithm: from quad to quad, and what of it lasts over a window. The weather does to both
    what it does, but where it is shorter than a block."""
    if len(quads) < 2 * MIN_WINDOWS:
        return 0.0, 0.0

    def variance(window: int) -> float:
        one, other = (winsorized(smoothed(side, window)) for side in logs_per_image(quads))
        return float(np.var(one - other)) / 2

    window = window_quads(quads)
    single = variance(1)
    if window == 1:
        return 0.0, math.sqrt(single)
    brief = min(single, max(0.0, (single - variance(window)) / (1 - 1 / window)))
    return math.sqrt(brief), math.sqrt(single - brief)


def at_rest(quads: Sequence[Quad], slower: Floats, read_at: float) -> list[Quad]:
    """Quads as they would have been had their reference taken exp(`read_at`) seconds per image, and
    the submission not been slower, logarithms of a factor for each (N,)."""
    return [
        replace(
            quad,
            reference_seconds=quad.reference_images * math.exp(read_at),
            submission_seconds=quad.submission_seconds * factor,
            alone_seconds=quad.alone_seconds * factor,
        )
        for quad, factor in zip(quads, np.exp(-slower).tolist(), strict=True)
    ]


def window_quads(quads: Sequence[Quad]) -> int:
    """How many quads a window has."""
    seconds = measured_seconds(quads) / len(quads)
    most = min(WINDOW_QUADS, len(quads) // MIN_WINDOWS)
    return max(1, min(most, round(WINDOW_SECONDS / seconds)))


def smoothed(values: Floats, window: int) -> Floats:
    """Moving averages of one value (N,), or of K (N, K), per quad."""
    return np.asarray(sliding_window_view(values, window, axis=0).mean(axis=-1))


def believed(is_probed: bool) -> tuple[Floats, Floats]:
    """Slopes (K,) believed beforehand, and how firmly, an inverse covariance (K, K)."""
    if not is_probed:
        return np.array([UNPROBED_PRIOR]), np.eye(1) / UNPROBED_SD**2
    both = np.array([1.0, 1.0])
    return np.array(PRIORS), np.outer(both, both) / SUM_SD**2 + np.eye(2) / SLOPE_SD**2


def regression(
    x: Floats,
    y: Floats,
    prior: Floats,
    firmness: Floats,
    shared: float = 1,
    alone: float = 0.0,
    drawn_in: float = WINSORIZED,
) -> tuple[Floats, Floats]:
    """Slopes (K,) of the regression of y (N,) on the columns of x (N, K), drawn towards `prior` the
    less is known about them, and their covariance (K, K); `shared` points say as much as one.
    Of each column of x the outer share `drawn_in` counts like the value before it.

    Bayesian linear regression with a normal prior, whose inverse covariance is `firmness`, and the
    residuals' variance for the noise. Not the ratio of scatters: what y does alone does not tilt
    the slopes. Nor does what the first column does `alone`, a standard deviation: left in, it draws
    its slope towards 0, and the reference held against itself at another pace would not come to 1.
    This is the method of moments for errors in variables (Fuller, Measurement Error Models, 1987).
    No more is taken out than y and the other columns leave untold, for what the first does alone
    they cannot tell (Frisch, Statistical Confluence Analysis, 1934), and never all of the slope.
    """
    x = np.apply_along_axis(winsorized, 0, x, drawn_in)
    x, y = x - x.mean(axis=0), winsorized(y) - winsorized(y).mean()
    first, others = x[:, 0], x[:, 1:]
    unshared = first - others @ np.linalg.lstsq(others, first, rcond=None)[0]
    told = np.column_stack([others, y])
    untold = first - told @ np.linalg.lstsq(told, first, rcond=None)[0]
    own = min(len(x) * alone**2, float(untold @ untold), MOST_ALONE * float(unshared @ unshared))
    weather = x.T @ x
    weather[0, 0] -= own
    left = y - x @ np.linalg.lstsq(weather, x.T @ y, rcond=None)[0]
    freedom = max(1.0, len(y) / shared - 1 - x.shape[1])
    noise = max(float(left @ left) / freedom, shared * LEAST_NOISE**2)
    noise *= (t_quantile(freedom) / t_quantile(math.inf)) ** 2
    inverse = np.linalg.inv(weather / noise + firmness)
    slopes = prior + inverse @ (x.T @ y - weather @ prior) / noise
    doubt = x.T @ x / noise + firmness
    doubt[0, 0] += shared / len(x) * (own * slopes[0] / noise) ** 2
    return slopes, inverse @ doubt @ inverse


def winsorized(values: Floats, share: float = WINSORIZED) -> Floats:
    """Values with those beyond the outer shares drawn in: one hiccup must not tilt a slope."""
    return np.clip(values, *np.quantile(values, [share, 1 - share]))


def trimmed(logs: Floats, quads: Sequence[Quad]) -> tuple[float, float, float]:
    """Trimmed mean of one value per quad, with its half-width and standard error."""
    center = trimmed_mean(logs)
    if len(logs) < 3:
        return center, math.log(2), 1.0  # nothing is known about the noise
    cut = int(TRIM * len(logs))
    ordered = np.sort(logs)
    drawn_in = np.clip(logs, ordered[cut], ordered[len(logs) - cut - 1])
    influence = (drawn_in - drawn_in.mean()) / (1 - 2 * TRIM)
    return center, *interval(influence, [quad.segment for quad in quads], len(logs) - 2 * cut)


def interval(influence: Floats, segments: Sequence[int], freedom: int) -> tuple[float, float]:
    """Half-width and standard error, as logarithms, of a mean with these influences of its parts:
    as the parts scatter, and at least as segments do; plus what no single evaluation can see."""
    count = len(influence)
    error = math.sqrt(float(influence @ influence) / (count * (count - 1)))
    half_width = WIDENING * t_quantile(max(1, freedom - 1)) * error
    sums: dict[int, float] = {}
    for segment, part in zip(segments, influence.tolist(), strict=True):
        sums[segment] = sums.get(segment, 0.0) + part / count
    groups = len(sums)
    if 1 < groups < count:  # one part each: the parts have said it already
        between = math.sqrt(sum(one * one for one in sums.values()) * groups / (groups - 1))
        half_width = max(half_width, t_quantile(groups - 1) * between)
        error = max(error, between)
    return math.hypot(half_width, CLEAR * DRIFT), math.hypot(error, DRIFT)


def estimate(center: float, spread: float, error: float, **more: Any) -> Estimate:
    """From logarithms to a ratio with absolute widths."""
    ratio = math.exp(center)
    return Estimate(ratio, ratio * math.expm1(spread), ratio * error, **more)


def sums_count(quads: Sequence[Quad]) -> bool:
    """Whether the ratio of sums differs from the trimmed mean by more than noise explains.

    Where each quad holds every image, only noise can make quads differ.
    """
    if len(quads) < 2 or sum(quad.whole_pass for quad in quads) > len(quads) / 2:
        return False
    logs = np.array([log_ratio(quad) for quad in quads])
    difference, error = jackknifed(
        lambda kept: log_ratio_of_sums([quads[i] for i in kept]) - trimmed_mean(logs[kept]),
        len(quads),
    )
    return abs(difference) > max(SUMS_DIFFER, CLEAR * error)


def estimate_of_sums(quads: Sequence[Quad]) -> Estimate:
    """The ratio of sums, its interval from leaving out one window after the other: over a window
    the images' own differences have mostly evened out."""
    groups = grouped(quads)
    if len(groups) < 3:
        groups = [[quad] for quad in quads]
    center, error = jackknifed(
        lambda kept: log_ratio_of_sums([quad for i in kept for quad in groups[i]]), len(groups)
    )
    spread = math.hypot(t_quantile(len(groups) - 1) * error, CLEAR * DRIFT)
    return estimate(center, spread, math.hypot(error, DRIFT), by="sums")


def charged(found: Estimate, quads: Sequence[Quad]) -> Estimate:
    """What is measured beside the reference must hold where it is not looking, too."""
    factor = alone_factor(quads)
    return replace(
        found,
        ratio=found.ratio * factor,
        half_width=found.half_width * factor,
        standard_error=found.standard_error * factor,
    )


def alone_factor(quads: Sequence[Quad]) -> float:
    """1, or how much dearer an image was over all than in the quads, where that is clear."""
    both = [quad for quad in quads if quad.alone_images]
    if len(both) < 3:
        return 1.0

    def dearer(kept: npt.NDArray[np.int64]) -> float:
        some = [both[i] for i in kept]
        alone = sum(q.alone_seconds for q in some) / sum(q.alone_images for q in some)
        return math.log(alone / per_image(some)[1])

    difference, error = jackknifed(dearer, len(both))
    if difference <= ALONE_DIFFERS + CLEAR * error:
        return 1.0
    images = sum(quad.submission_images + quad.alone_images for quad in quads)
    seconds = sum(quad.submission_seconds + quad.alone_seconds for quad in quads)
    return max(1.0, seconds / images / per_image(quads)[1])


def jackknifed(
    value: Callable[[npt.NDArray[np.int64]], float], count: int, most: int = 40
) -> tuple[float, float]:
    """A statistic of parts by their numbers, and its standard error from leaving some out."""
    everything = np.arange(count)
    groups = min(count, most)
    left_out = [value(everything[everything % groups != group]) for group in range(groups)]
    error = float(np.std(left_out)) * math.sqrt(groups - 1)
    return value(everything), error


def counted(quads: Sequence[Quad]) -> list[Quad]:
    """Quads whose time counts: all but the most disturbed, of which at most a third drop out."""
    disturbed = sorted((q for q in quads if q.disturbed), key=reference_cpu_share)
    dropped = {id(quad) for quad in disturbed[: int(MAX_DROPPED * len(quads))]}
    return [quad for quad in quads if id(quad) not in dropped]


def pooled(earlier: Sequence[Quad], quads: Sequence[Quad]) -> tuple[Quad, ...]:
    """Earlier quads and new ones in one row, as if one measuring had gone on."""
    if not earlier:
        return tuple(quads)
    segment = max(quad.segment for quad in earlier)
    last = max(earlier, key=lambda quad: quad.at_seconds)
    end = last.at_seconds + last.reference_seconds + last.submission_seconds
    return (
        *earlier,
        *(
            replace(quad, segment=quad.segment + segment, at_seconds=quad.at_seconds + end)
            for quad in quads
        ),
    )


def is_enough(
    quads: Sequence[Quad],
    plan: Plan,
    pace: Pace | None = None,
    earlier: Sequence[Quad] = (),
    fine: float = 0.0,
) -> bool:
    """The stop rule: enough new quads over enough segments, and a narrow interval of them all;
    one of the half-width `fine`, absolute, is narrow."""
    new = counted(quads)
    if len(new) < plan.min_quads or len({quad.segment for quad in new}) < plan.min_segments:
        return False
    found = published(counted(pooled(earlier, quads)), plan, pace)
    return found.half_width <= max(plan.target_half_width * found.ratio, fine)


def is_too_wide(quads: Sequence[Quad], plan: Plan, pace: Pace | None) -> bool:
    """Whether these quads are some, and not enough to be published."""
    if not quads or not plan.max_half_width:
        return False
    found = published(counted(quads), plan, pace)
    return found.half_width > widest(plan, found.ratio)


def widest(plan: Plan, ratio: float) -> float:
    """The widest half-width, absolute, with which a ratio is published under a plan that minds."""
    return max(plan.max_half_width * ratio, FINE)


def quads_needed(quads: Sequence[Quad], plan: Plan, pace: Pace | None) -> int:
    """How many quads the target takes if they go on to scatter like these.

    What more quads cannot narrow is left out of what has to shrink, to half of the target at most.
    """
    used = counted(quads)
    if len(used) < 4:
        return plan.min_quads
    single = [replace(quad, segment=0) for quad in used]  # few segments say little about spread
    found = published(single, plan, pace)
    noise = math.sqrt(max(0.0, (found.standard_error / found.ratio) ** 2 - found.unseen**2))
    target = plan.target_half_width
    room = max(target**2 - (CLEAR * found.unseen) ** 2, (target / 2) ** 2, NO_TARGET**2)
    share = WIDENING * t_quantile(plan.min_quads) * noise
    return max(plan.min_quads, math.ceil(len(used) * share**2 / room))


def is_unsteady(quads: Sequence[Quad], plan: Plan) -> bool:
    """Whether it is the submission alone whose time scatters, beside a steady reference.

    Of blocks that are much shorter than the reference's nothing can be said: every hiccup of the
    machine shows in them.
    """
    used = counted(quads)
    seconds = [sum(q.reference_seconds for q in used), sum(q.submission_seconds for q in used)]
    if len(used) < plan.min_quads or seconds[1] < seconds[0] / 2:
        return False
    reference, submission = logs_per_image(used)
    _, width, _ = trimmed(reference, used)
    steady = width <= plan.max_half_width
    return steady and scatter(submission) > UNSTEADY * scatter(reference)


def waits_longer(quads: Sequence[Quad]) -> bool:
    """Whether the submission clearly stood still for longer than the reference did beside it, by
    3 % of its time at least.

    A busy machine makes both wait, the longer their blocks the more. So what the submission waited
    in one quad is held against what the reference did in as many as it takes to keep the CPU busy
    for as long. Of an honest model either has then waited longer with the same chance: a sign test
    (Arbuthnot, 1710), which no distribution of waits misleads, and no load that lasts.
    """
    seconds, cpu_seconds = (
        np.array(
            [(getattr(q, f"reference_{name}"), getattr(q, f"submission_{name}")) for q in quads]
        )
        for name in ("seconds", "cpu_seconds")
    )
    waited = seconds - cpu_seconds
    theirs, ours = waited.sum(axis=0) / seconds.sum(axis=0)
    if ours - theirs < 1 - STEADY_CPU_SHARE:
        return False
    busy = cpu_seconds.sum(axis=0)
    together = max(1, math.ceil(busy[1] / busy[0]))
    groups = waited[: len(quads) // together * together].reshape(-1, together, 2)
    longer = groups[:, 0, 1] - groups[:, :, 0].sum(axis=1)
    count, pairs = int((longer > 0).sum()), int((longer != 0).sum())
    return bool(bdtrc(count - 1, pairs, 0.5) < FALSE_ALARM)  # that so many or more fall to one side


def scatter(values: Floats) -> float:
    """Standard deviation as the middle of the values says."""
    lower, upper = np.quantile(values, [0.16, 0.84])
    return float(upper - lower) / 2


def grouped(quads: Sequence[Quad]) -> list[list[Quad]]:
    """Consecutive quads of about a window's length; one ends early where its segment does."""
    groups: list[list[Quad]] = []
    length = math.inf
    for quad in quads:
        begins_segment = bool(groups) and groups[-1][-1].segment != quad.segment
        if length >= 1 or (begins_segment and length >= 0.5):
            groups.append([])
            length = 0.0
        groups[-1].append(quad)
        seconds = quad.reference_seconds + quad.submission_seconds
        length += max(seconds / WINDOW_SECONDS, 1 / WINDOW_QUADS)
    if len(groups) > 1 and length < 0.5:  # a crumb would weigh like a window
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def per_image(quads: Sequence[Quad]) -> tuple[float, float]:
    """Seconds per image of reference and submission over these quads."""
    reference = sum(q.reference_seconds for q in quads) / sum(q.reference_images for q in quads)
    submission = sum(q.submission_seconds for q in quads) / sum(q.submission_images for q in quads)
    return reference, submission


def probe_seconds(quads: Sequence[Quad]) -> float:
    """What a probe mostly took; 0 without any. It is short: one hiccup makes it twice as long."""
    probes = [quad.probe_seconds for quad in quads if quad.probe_seconds > 0]
    return math.exp(trimmed_mean(np.log(probes))) if probes else 0.0


def logs_per_image(quads: Sequence[Quad]) -> tuple[Floats, Floats]:
    """Logarithms of reference and submission seconds per image, one of each per quad."""
    reference, submission = np.log([per_image([quad]) for quad in quads]).T
    return reference, submission


def log_ratio(quad: Quad) -> float:
    reference, submission = per_image([quad])
    return math.log(submission / reference)


def log_ratio_of_sums(quads: Sequence[Quad]) -> float:
    reference, submission = per_image(quads)
    return math.log(submission / reference)


def trimmed_mean(values: Floats) -> float:
    cut = int(TRIM * len(values))
    return float(np.sort(values)[cut : len(values) - cut].mean())


def t_quantile(freedom: float) -> float:
    """97.5 % quantile of Student's t, by its expansion around the normal one."""
    if freedom < 3:
        return (12.706, 4.303)[int(freedom) - 1]
    z = 1.959964
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )


def reference_cpu_share(quad: Quad) -> float:
    return quad.reference_cpu_seconds / quad.reference_seconds


def measured_seconds(quads: Sequence[Quad]) -> float:
    return sum(quad.reference_seconds + quad.submission_seconds for quad in quads)
