"""The corrected ratio of invented quads."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from scoring.job import Pace
from scoring.timing import correction, host, plain, stopping, tally
from tests.scoring.invented_quads import PLAN, quad, weathered


@pytest.mark.parametrize("elasticity", [0.7, 1.0, 1.4])
def test_the_correction_reads_the_ratio_at_the_calibrated_speed(elasticity: float) -> None:
    found = correction.estimate(weathered(elasticity), Pace(0.002))
    assert found.ratio == pytest.approx(0.5, rel=0.01)
    assert found.correction.pace_coefficient == pytest.approx(elasticity, abs=0.1)
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
    assert found.correction.pace_coefficient == 1
    assert found.ratio == plain.estimate(quads).ratio


def test_the_probe_tells_a_busy_core_from_a_busy_memory() -> None:
    """Both slow the reference, and only a busy core slows the submission. The time of the reference
    alone cannot tell them apart."""
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


def test_a_probe_that_only_repeats_the_reference_changes_nothing() -> None:
    """Then the two coefficients cannot be told apart, but their sum is known."""
    quads = [
        replace(one, probe_seconds=one.reference_seconds / 30) for one in weathered(1.4, count=200)
    ]
    found = correction.estimate(quads, Pace(0.002, 0.2 / 30))
    assert found.correction.pace_coefficient + (
        found.correction.probe_coefficient or 0
    ) == pytest.approx(1.4, abs=0.1)
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
    assert many.fixed_sd > 1.1 * host.BETWEEN_RUNS_SD
    calm = [replace(quad(1.0 + 0.001 * (n % 3)), segment=n // 20) for n in range(300)]
    assert correction.estimate(calm, Pace(0.002)).fixed_sd == pytest.approx(
        host.BETWEEN_RUNS_SD, rel=0.01
    )
    plan = replace(PLAN, target_half_width=0.01)
    assert stopping.quads_needed(weathered(1.4, count=3000), plan, pace) < 3000


def test_weather_that_only_the_reference_minds_leaves_little_doubt() -> None:
    """It may be crowded out of its cache altogether: many times as restless is no less known."""
    wild = [
        replace(one, reference_seconds=0.2 * (one.reference_seconds / 0.2) ** 5)
        for one in weathered(0.1, count=3000)
    ]
    most = math.hypot(host.BETWEEN_RUNS_SD, correction.UNEXPLAINED_BY_REFERENCE)
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
