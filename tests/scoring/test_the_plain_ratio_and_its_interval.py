"""The plain ratio of invented quads, and its interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.timing import plain, robust, tally
from tests.scoring.invented_quads import quad


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


def test_one_hiccup_does_not_make_the_calibrated_probe_longer() -> None:
    probes = [0.006] * 19 + [0.1]
    quads = [replace(quad(1.0), probe_seconds=seconds) for seconds in probes]
    assert tally.probe_seconds(quads) == pytest.approx(0.006)
    assert tally.probe_seconds([*quads, quad(1.0)]) == pytest.approx(0.006)
    assert tally.probe_seconds([quad(1.0)]) == 0


@pytest.mark.parametrize(("freedom", "expected"), [(1, 12.71), (2, 4.303), (3, 3.182), (9, 2.262)])
def test_the_t_quantile(freedom: int, expected: float) -> None:
    assert robust.t_quantile(freedom) == pytest.approx(expected, rel=0.01)
