"""The statistics of quads, with invented quads."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from scoring.job import Pace, Plan, Quad
from scoring.timing import (
    correction,
    covariates,
    intervals,
    outcome,
    plain,
    pooling,
    publication,
    regression,
    robust,
    stopping,
    tally,
    windows,
)

PLAN = Plan(min_quads=16, min_segments=3, published="corrected")


def quad(ratio: float, segment: int = 1, cpu: float = 1.0, speed: float = 1.0) -> Quad:
    seconds = 0.2 * speed
    return Quad(0.0, segment, seconds, 100, 0.2 * ratio, 100, seconds * cpu, 0.2, cpu < 0.97)


def weathered(
    elasticity: float, ratio: float = 0.5, count: int = 150, seed: int = 0, mean: float = 0.1
) -> list[Quad]:
    """Quads in weather that slows the reference by `mean` or so, the submission by its power."""
    random = np.random.default_rng(seed)
    slow = np.repeat(random.normal(mean, 0.08, count // 4 + 1), 4)
    found = []
    for number in range(count):
        noise = np.exp(random.normal(0, 0.01, 2))
        reference = 0.2 * np.exp(slow[number]) * noise[0]
        submission = 0.2 * ratio * np.exp(elasticity * slow[number]) * noise[1]
        times = {"reference_seconds": reference, "submission_seconds": submission}
        found.append(replace(quad(1.0, segment=number // 20), **times))
    return found


def measurement(*quads: Quad) -> outcome.Measurement:
    return outcome.Measurement(np.zeros(1, dtype=np.int64), quads, 1.0)


def test_noise_widens_the_interval_which_holds_the_truth() -> None:
    random = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        quads = [quad(0.5 * np.exp(random.normal(0, 0.05)), segment=n // 8) for n in range(40)]
        found = plain.estimate(quads)
        assert 0.003 < found.half_width < 0.05
        held += abs(found.ratio - 0.5) < found.half_width
    assert held >= 190


def test_the_trimmed_mean_ignores_outliers() -> None:
    quads = [quad(0.5 + 0.001 * n) for n in range(28)] + [quad(5.0), quad(0.01)]
    assert plain.estimate(quads).ratio == pytest.approx(0.5135, rel=0.01)


def test_the_ratio_of_sums_counts_where_it_is_clearly_dearer() -> None:
    dear = [quad(5.0 if n % 5 == 0 else 0.5) for n in range(100)]
    found = plain.estimate(dear)
    assert found.by == "sums"
    assert found.ratio == pytest.approx(1.4)
    assert abs(found.ratio - 1.4) < found.half_width


def test_two_quads_say_nothing_about_noise() -> None:
    found = plain.estimate([quad(0.5), quad(0.5)])
    assert found.half_width == pytest.approx(found.ratio)


def test_segments_that_disagree_widen_the_interval() -> None:
    agreeing = [quad(1.0 + 0.001 * (n % 2), segment=n // 4) for n in range(16)]
    disagreeing = [quad(1.0 + 0.1 * (n // 8), segment=n // 4) for n in range(16)]
    assert plain.estimate(agreeing).half_width < 0.01
    assert plain.estimate(disagreeing).half_width > 0.05


def test_few_segments_are_judged_by_students_t() -> None:
    two = [quad(1.0 + 0.02 * (n // 8), segment=n // 8) for n in range(16)]
    eight = [quad(1.0 + 0.02 * (n // 2 % 2), segment=n // 2) for n in range(16)]
    assert plain.estimate(two).half_width > 4 * plain.estimate(eight).half_width


def test_at_most_a_third_of_the_quads_is_dropped_as_disturbed() -> None:
    quads = [quad(1.0)] * 4 + [quad(1.5, cpu=0.5 + n / 100) for n in range(8)]
    assert len(tally.counted(quads)) == 8
    assert tally.counted(quads)[:4] == quads[:4]
    assert tally.counted([quad(1.0), quad(1.0), quad(9.0, cpu=0.5)]) == [quad(1.0), quad(1.0)]


@pytest.mark.parametrize("elasticity", [0.7, 1.0, 1.4])
def test_the_correction_reads_the_ratio_at_the_calibrated_speed(elasticity: float) -> None:
    found = correction.estimate(weathered(elasticity), Pace(0.002))
    assert found.ratio == pytest.approx(0.5, rel=0.01)
    assert found.correction.elasticity == pytest.approx(elasticity, abs=0.1)
    assert abs(found.ratio - 0.5) < found.half_width < 0.02


def test_the_correction_scatters_less_than_the_plain_ratio_and_holds_the_truth() -> None:
    uncorrected, corrected, held = [], [], 0
    for seed in range(60):
        mean = np.random.default_rng(seed).normal(0.1, 0.05)  # of this evaluation's weather
        quads = weathered(1.4, count=80, seed=seed, mean=mean)
        uncorrected.append(plain.estimate(quads).ratio)
        found = correction.estimate(quads, Pace(0.0022))
        corrected.append(found.ratio)
        held += abs(found.ratio - 0.5 * 1.1**0.4) < found.half_width
    assert np.std(corrected) < np.std(uncorrected) / 2
    assert held >= 54


def test_the_correction_never_reads_outside_of_what_was_seen() -> None:
    quads = weathered(1.4)
    found = correction.estimate(quads, Pace(0.0001))
    speeds = [tally.per_image([one])[0] for one in quads]
    slowest, fastest = max(speeds), min(speeds)
    assert found.correction.reference_seconds == pytest.approx(fastest)
    assert correction.estimate(quads, Pace(1.0)).correction.reference_seconds == pytest.approx(
        slowest
    )


@pytest.mark.parametrize("elasticity", [0.5, 1.4])
def test_a_calibration_at_a_pace_that_was_never_seen_is_paid_for_in_width(
    elasticity: float,
) -> None:
    away = correction.estimate(weathered(elasticity, mean=0.6), Pace(0.002))
    assert abs(away.ratio - 0.5) > 0.03
    assert abs(away.ratio - 0.5) < away.half_width
    assert away.half_width > PLAN.max_half_width * away.ratio


def test_few_quads_leave_the_plain_ratio() -> None:
    quads = weathered(1.4, count=15)
    found = correction.estimate(quads, Pace(0.002))
    assert found.correction.elasticity == 1
    assert found.ratio == plain.estimate(quads).ratio


def slope(x: tally.Floats, y: tally.Floats) -> tuple[float, float]:
    """The slope of y on x, drawn towards 1, and its standard error."""
    prior = regression.Prior(np.ones(1), np.eye(1) / 0.3**2)
    found = regression.fitted(x[:, None], y, prior)
    return float(found.mean[0]), math.sqrt(found.covariance[0, 0])


def test_a_slope_nothing_is_known_about_stays_near_one() -> None:
    random = np.random.default_rng(0)
    x = random.normal(0, 0.001, 8)
    found, error = slope(x, random.normal(0, 0.1, 8))
    assert found == pytest.approx(1, abs=0.05)
    assert error == pytest.approx(0.3, rel=0.05)
    assert slope(np.zeros(8), x) == (1.0, 0.3)


def test_one_hiccup_does_not_tilt_the_slope() -> None:
    x = np.linspace(-0.1, 0.1, 20)
    y = 1.4 * x + np.random.default_rng(0).normal(0, 0.002, 20)
    y[-1] += 0.5
    found, _ = slope(x, y)
    assert found == pytest.approx(1.4, abs=0.1)


def test_what_the_reference_does_alone_is_left_out_of_the_ratio() -> None:
    random = np.random.default_rng(0)
    weather, alone = random.normal(0, 0.1, (2, 400))
    found, _ = slope(weather + alone, weather)
    assert found == pytest.approx(0.5, abs=0.1)


def test_what_the_reference_is_known_to_do_alone_does_not_tilt_the_slope() -> None:
    random = np.random.default_rng(0)
    weather = random.normal(0, 0.1, 400)
    one, other = weather + random.normal(0, 0.05, (2, 400))
    known = float(np.std(robust.winsorized(one) - robust.winsorized(other))) / math.sqrt(2)
    prior = regression.Prior(np.ones(1), np.eye(1) / 0.7**2)
    x, y = one[:, None], 1.4 * weather
    tilted = regression.fitted(x, y, prior)
    found = regression.fitted(x, y, prior, noise_sd=known)
    assert tilted.mean[0] < 1.2
    assert found.mean[0] == pytest.approx(1.4, abs=0.08)
    assert found.covariance[0, 0] > tilted.covariance[0, 0]


@pytest.mark.parametrize("own", [0.0, 0.5, 2.0])
def test_a_slope_grows_by_no_more_than_the_data_allow_however_much_is_said_to_be_alone(
    own: float,
) -> None:
    """What the submission tells was not alone, so that a slope of 1 never comes to more; and no
    more than a third is taken out, which makes a slope half as steep again."""
    random = np.random.default_rng(0)
    weather, probe, alone = random.normal(0, 0.02, (3, 300))
    x = np.column_stack([weather + own * alone, probe])
    prior = regression.Prior(np.ones(2), 1e-6 * np.eye(2))
    tilted = regression.fitted(x, weather, prior)
    found = regression.fitted(x, weather, prior, noise_sd=5.0)
    assert found.mean[0] == pytest.approx(min(1, 1.5 * tilted.mean[0]), abs=0.05)
    assert (np.linalg.eigvalsh(found.covariance) > 0).all()


def alike(seed: int, count: int = 400) -> list[Quad]:
    """Quads of the reference against itself, in weather that the probe tells in part. Each side has
    its own hiccups, some of which last."""
    random = np.random.default_rng(seed)
    core, memory = (np.repeat(random.normal(0.1, 0.08, count // 10), 10) for _ in range(2))
    lasting = np.repeat(random.normal(0, 0.05, (2, count // 10)), 10, axis=1)
    own = np.exp(lasting + random.normal(0, 0.05, (2, count)))
    noise = np.exp(random.normal(0, 0.02, count))
    return [
        replace(
            quad(1.0, segment=n // 10),
            reference_seconds=0.2 * math.exp(core[n] + memory[n]) * own[0, n],
            submission_seconds=0.2 * math.exp(core[n] + memory[n]) * own[1, n],
            probe_seconds=0.006 * math.exp(core[n]) * noise[n],
        )
        for n in range(count)
    ]


def calibrated_scatter() -> tuple[float, float]:
    summary = publication.summary(measurement(*alike(1000, count=800)), PLAN, is_calibration=True)
    return summary.pace.reference_scatter


@pytest.mark.parametrize(("count", "most"), [(120, 0.04), (400, 0.015)])
@pytest.mark.parametrize("pace", [0.002, 0.002 * math.exp(0.35)])
def test_the_reference_against_itself_comes_to_one_at_any_pace(
    pace: float, count: int, most: float
) -> None:
    """Also far from that of the weather, of which the mean is 0.002 * exp(0.2); few quads do not
    quite get there."""
    probe = 0.006 * math.exp(0.1)
    bias, held = [], []
    for known in (calibrated_scatter(), (0.0, 0.0)):
        found = [
            correction.estimate(alike(seed, count), Pace(pace, probe, known)) for seed in range(40)
        ]
        bias.append(abs(np.mean([one.ratio for one in found]) - 1))
        held.append(sum(abs(one.ratio - 1) < one.half_width for one in found))
    assert bias[0] < most
    assert bias[0] < 0.6 * bias[1]
    assert held[0] >= 34 > held[1]


@pytest.mark.parametrize("count", [40, 120, 400])
def test_brief_scatter_evens_out_over_a_window_however_long_that_is(count: int) -> None:
    quads = alike(0, count)
    evened = 0.03 / math.sqrt(windows.size(quads))
    brief, lasting = (
        correction.estimate(quads, Pace(0.002, 0.006 * math.exp(0.1), scatter)).ratio
        for scatter in ((0.03, 0.0), (0.0, evened))
    )
    assert brief == pytest.approx(lasting, rel=1e-9)


def test_what_a_side_scatters_by_itself_is_told_from_the_weather() -> None:
    brief, lasting = calibrated_scatter()
    assert brief == pytest.approx(0.05, rel=0.3)
    assert lasting == pytest.approx(0.05, rel=0.3)


@pytest.mark.parametrize("scatter", [0.005, 0.02, 0.06, 0.5])
def test_a_calibration_with_more_hiccups_than_there_are_tilts_nothing(scatter: float) -> None:
    pace = Pace(0.002, reference_scatter=(0.0, scatter))
    for seed in range(10):
        found = correction.estimate(weathered(1.0, count=200, seed=seed), pace)
        assert abs(found.ratio - 0.5) < found.half_width < 0.01


def test_only_a_calibration_says_what_the_reference_scatters_by_itself() -> None:
    quads = measurement(*alike(0))
    assert min(publication.summary(quads, PLAN, is_calibration=True).own_scatter) > 0.02
    assert publication.summary(quads, PLAN).own_scatter == (0, 0)
    few = measurement(*alike(0)[:15])
    assert publication.summary(few, PLAN, is_calibration=True).own_scatter == (0, 0)


def test_what_other_programs_do_to_the_reference_alone_is_taken_out() -> None:
    found = []
    for busy in (0.0, 0.6):  # the neighbour takes the reference's memory, and none of the model's
        random = np.random.default_rng(1)
        loads = busy * random.integers(0, 3, 200)
        quads = [
            replace(
                one,
                reference_seconds=one.reference_seconds * np.exp(0.15 * load),
                reference_load=load,
            )
            for one, load in zip(weathered(0.7, count=200), loads, strict=True)
        ]
        found.append(correction.estimate(quads, Pace(0.002)))
    idle, beside = found
    assert beside.ratio == pytest.approx(idle.ratio, rel=0.02)
    assert abs(beside.ratio - idle.ratio) < beside.half_width
    assert beside.correction.load_coefficient == pytest.approx(-0.7 * 0.15, abs=0.03)
    assert idle.correction.load_coefficient == 0


def beside_bursts(seed: int, slower: float) -> list[Quad]:
    """Quads beside bursts as short as a block, which slow whichever side's turn it is."""
    theirs, ours = np.random.default_rng(seed).integers(0, 2, (2, 300))
    return [
        replace(
            one,
            reference_seconds=one.reference_seconds * math.exp(slower * theirs[n]),
            submission_seconds=one.submission_seconds * math.exp(slower * ours[n]),
            reference_load=float(theirs[n]),
            submission_load=float(ours[n]),
        )
        for n, one in enumerate(weathered(1.0, count=300, seed=seed))
    ]


def test_what_other_programs_do_to_both_sides_goes_out_of_both() -> None:
    found = [
        correction.estimate(beside_bursts(seed, 0.2), Pace(0.0022)).ratio for seed in range(10)
    ]
    assert np.mean(found) == pytest.approx(0.5, rel=0.01)


def test_bursts_in_one_sides_turns_only_make_neither_ratio_nor_interval_wide() -> None:
    found, without = [], []
    for seed in range(20):
        quads = beside_bursts(seed, 0.3)
        found.append(correction.estimate(quads, Pace(0.0022)))
        alike = [replace(one, submission_load=one.reference_load) for one in quads]
        without.append(correction.estimate(alike, Pace(0.0022)))
    ratio, half_width = np.array([(one.ratio, one.half_width) for one in found]).T
    before, wide = np.array([(one.ratio, one.half_width) for one in without]).T
    assert all(0.2 < one.correction.imbalance_coefficient < 0.35 for one in found)
    assert np.std(ratio) < np.std(before) / 1.5
    assert np.mean(half_width) < np.mean(wide) / 1.5
    assert np.mean(abs(ratio - 0.5) < half_width) >= 0.9


@pytest.mark.parametrize(
    ("more", "believed"), [(0.0, 0.0), (0.03, 0.0), (-0.03, 0.0), (0.3, 0.26), (-0.3, -0.26)]
)
def test_more_load_beside_a_submission_than_luck_explains_is_not_believed(
    more: float, believed: float
) -> None:
    scattered = np.linspace(-0.6, 0.6, 300)
    imbalance = more + scattered
    assert covariates.beyond_chance(imbalance, scattered) == pytest.approx(believed, abs=0.001)
    assert covariates.beyond_chance(imbalance, 0 * scattered) == pytest.approx(more)


def test_load_beside_a_submission_excuses_no_more_than_the_references_load_and_luck() -> None:
    random = np.random.default_rng(1)
    ours, theirs = random.random((2, 300)) < [[0.5], [0.15]]
    quads = [
        replace(
            one,
            submission_seconds=one.submission_seconds * math.exp(0.3 * ours[n]),
            reference_load=float(theirs[n]),
            submission_load=float(ours[n]),
        )
        for n, one in enumerate(weathered(1.0, count=300))
    ]
    luck = 2 * math.sqrt(2 * 0.15 * 0.85 / 300)
    unknown = [replace(one, submission_load=None) for one in quads]
    unexcused, found = (correction.estimate(one, Pace(0.0022)) for one in (unknown, quads))
    assert found.correction.imbalance_coefficient == pytest.approx(0.3, abs=0.06)
    assert found.ratio > unexcused.ratio * math.exp(-0.3 * (0.15 + luck) - 0.01)


def test_load_that_a_submission_makes_excuses_nothing() -> None:
    found = []
    for seed in range(10):
        random = np.random.default_rng(seed)
        busy = random.random(300) < 0.4
        quads = [
            replace(
                one,
                submission_seconds=one.submission_seconds * math.exp(0.15 * busy[n]),
                reference_load=float(busy[n]),
            )
            for n, one in enumerate(weathered(1.0, count=300, seed=seed))
        ]
        honest = [replace(one, submission_load=one.reference_load) for one in quads]
        excused = [replace(one, submission_load=9.0) for one in quads]
        found.append([correction.estimate(one, Pace(0.0022)).ratio for one in (honest, excused)])
    honest_ratio, excused_ratio = np.mean(found, axis=0)
    assert honest_ratio == pytest.approx(0.5, rel=0.01)
    assert excused_ratio == pytest.approx(0.5, rel=0.01)


def test_the_probe_tells_a_busy_core_from_a_busy_memory() -> None:
    """The reference minds both, and the submission the core alone: its own time cannot say why."""
    uncorrected, with_probe, without, held = [], [], [], 0
    for seed in range(40):
        random = np.random.default_rng(seed)
        core, memory = (
            np.repeat(random.normal(mean, 0.08, 40), 4) for mean in random.normal(0.1, 0.05, 2)
        )
        noise = np.exp(random.normal(0, 0.02, (3, 160)))
        quads = [
            replace(
                quad(1.0, segment=n // 20),
                reference_seconds=0.2 * math.exp(core[n] + memory[n]) * noise[0, n],
                submission_seconds=0.1 * math.exp(core[n]) * noise[1, n],
                probe_seconds=0.006 * math.exp(core[n]) * noise[2, n],
            )
            for n in range(160)
        ]
        uncorrected.append(plain.estimate(quads).ratio)
        without.append(correction.estimate(quads, Pace(0.2 * math.exp(0.2) / 100)).ratio)
        found = correction.estimate(quads, Pace(0.2 * math.exp(0.2) / 100, 0.006 * math.exp(0.1)))
        with_probe.append(found.ratio)
        held += abs(found.ratio - 0.5 * math.exp(-0.1)) < found.half_width
        assert found.correction.probe_coefficient
        assert found.correction.probe_coefficient > 0.3
    assert np.std(with_probe) < np.std(without) / 1.5 < np.std(uncorrected) / 1.5
    assert held >= 35


def test_one_hiccup_does_not_make_the_calibrated_probe_longer() -> None:
    probes = [0.006] * 19 + [0.1]
    quads = [replace(quad(1.0), probe_seconds=seconds) for seconds in probes]
    assert tally.probe_seconds(quads) == pytest.approx(0.006)
    assert tally.probe_seconds([*quads, quad(1.0)]) == pytest.approx(0.006)
    assert tally.probe_seconds([quad(1.0)]) == 0


def test_a_probe_that_only_repeats_the_reference_changes_nothing() -> None:
    """Then nobody can say which of the two slows the submission, and together they say enough."""
    quads = [
        replace(one, probe_seconds=one.reference_seconds / 30) for one in weathered(1.4, count=200)
    ]
    found = correction.estimate(quads, Pace(0.002, 0.2 / 30))
    assert found.correction.elasticity + (found.correction.probe_coefficient or 0) == pytest.approx(
        1.4, abs=0.1
    )
    assert found.ratio == pytest.approx(0.5, rel=0.01)
    assert abs(found.ratio - 0.5) < found.half_width < 0.02


def test_quads_from_before_the_probe_are_corrected_without_it() -> None:
    quads = weathered(1.4)
    found = correction.estimate(quads, Pace(0.002, probe_seconds=0.006))
    assert found == correction.estimate(quads, Pace(0.002))
    assert found.correction.probe_coefficient is None


def test_restless_weather_leaves_a_doubt_that_more_quads_do_not_narrow() -> None:
    pace = Pace(0.002 * math.exp(0.1))
    some, many = (correction.estimate(weathered(1.4, count=count), pace) for count in (300, 3000))
    assert many.standard_error > 0.8 * some.standard_error
    assert many.fixed_sd > 1.1 * intervals.BETWEEN_RUNS_SD
    calm = [replace(quad(1.0 + 0.001 * (n % 3)), segment=n // 20) for n in range(300)]
    assert correction.estimate(calm, Pace(0.002)).fixed_sd == pytest.approx(
        intervals.BETWEEN_RUNS_SD, rel=0.01
    )
    plan = replace(PLAN, target_half_width=0.01)
    assert stopping.quads_needed(weathered(1.4, count=3000), plan, pace) < 3000


def test_weather_that_only_the_reference_minds_leaves_little_doubt() -> None:
    """It may be crowded out of its cache altogether: many times as restless is no less known."""
    wild = [
        replace(one, reference_seconds=0.2 * (one.reference_seconds / 0.2) ** 5)
        for one in weathered(0.1, count=3000)
    ]
    most = math.hypot(intervals.BETWEEN_RUNS_SD, correction.UNEXPLAINED_BY_REFERENCE)
    spared, minding = (
        correction.estimate(quads, Pace(0.002 * math.exp(0.1))).fixed_sd
        for quads in (wild, weathered(1.4 * 5, count=3000))
    )
    assert spared == pytest.approx(most, rel=0.02)
    assert minding > 1.5 * most


@pytest.mark.parametrize("scatter", [(0.0, 0.0), (0.05, 0.03)])
def test_burning_time_while_the_machine_is_slow_gains_nothing_at_a_usual_pace(
    scatter: tuple[float, float],
) -> None:
    gains = []
    for seed in range(20):
        quads = weathered(1.0, count=200, seed=seed)
        usual = float(np.median([one.reference_seconds for one in quads]))
        burning = [
            replace(one, submission_seconds=one.submission_seconds * 1.3)
            if one.reference_seconds > usual
            else one
            for one in quads
        ]
        pace = Pace(0.002 * math.exp(0.1), reference_scatter=scatter)
        gains.append(
            correction.estimate(quads, pace).ratio / correction.estimate(burning, pace).ratio
        )
    assert np.mean(gains) < 0.95
    assert max(gains) < 1.01


def test_the_published_ratio_is_the_plans_choice() -> None:
    quads = tuple(weathered(1.4))
    corrected = publication.summary(measurement(*quads), PLAN, pace=Pace(0.002))
    uncorrected = publication.summary(
        measurement(*quads), replace(PLAN, published="plain"), pace=Pace(0.002)
    )
    unknown = publication.summary(measurement(*quads), PLAN)
    assert corrected.published == "corrected"
    assert corrected.time_ratio == corrected.corrected_ratio != corrected.plain_ratio
    assert corrected.reference_seconds_per_image == pytest.approx(0.002)
    assert uncorrected.published == "plain"
    assert uncorrected.time_ratio == uncorrected.plain_ratio == corrected.plain_ratio
    assert uncorrected.corrected_ratio == corrected.corrected_ratio
    assert unknown.published == "plain"
    assert unknown.corrected_ratio is None


def test_figures_of_the_summary_agree() -> None:
    found = publication.summary(measurement(*(quad(0.5, segment=n // 8) for n in range(32))), PLAN)
    assert found.reference_seconds_per_image == pytest.approx(0.002)
    assert found.seconds_per_image == pytest.approx(0.001)
    assert found.segments == 4
    assert not found.flags


def test_earlier_segments_and_times_come_before_the_new_ones() -> None:
    earlier = [replace(quad(1.0, segment=s), at_seconds=float(s)) for s in (1, 2)]
    pooled = pooling.pooled(earlier, [quad(1.0, segment=1)])
    assert [q.segment for q in pooled] == [1, 2, 3]
    assert [q.at_seconds for q in pooled] == pytest.approx([1.0, 2.0, 2.4])


def test_the_stop_rule_wants_new_quads_too() -> None:
    calm = [quad(1.0 + 0.001 * (n % 2), segment=n // 6) for n in range(24)]
    assert stopping.is_enough(calm, PLAN)
    assert not stopping.is_enough(calm[:12], PLAN, earlier=calm)


def test_a_wide_interval_is_invalid_unless_the_plan_never_minds() -> None:
    found = publication.summary(measurement(quad(1.0), quad(2.0), quad(1.5)), PLAN)
    assert publication.verdict(found, PLAN) == "invalid"
    assert publication.verdict(found, replace(PLAN, max_half_width=0.0)) == "valid"


@pytest.mark.parametrize(("freedom", "expected"), [(1, 12.71), (2, 4.303), (3, 3.182), (9, 2.262)])
def test_the_t_quantile(freedom: int, expected: float) -> None:
    assert robust.t_quantile(freedom) == pytest.approx(expected, rel=0.01)


def test_a_model_that_scatters_by_itself_is_not_taken_for_one_that_the_weather_slows() -> None:
    """Or it would be read far below what it took, where the machine is slower than calibrated."""
    found, taken_at_its_word = [], []
    for seed in range(20):
        random = np.random.default_rng(seed)
        x = np.repeat(random.normal(0, 0.1, 30), 5)  # weather lasts for some quads
        scattered = 0.3 * x + 0.2 * random.integers(0, 2, 150)
        found.append(slope(x, scattered)[0])
        taken_at_its_word.append(scattered.std() / x.std())
    assert np.mean(taken_at_its_word) > 1
    assert np.mean(found) < 0.5  # 0.3, drawn towards 1
