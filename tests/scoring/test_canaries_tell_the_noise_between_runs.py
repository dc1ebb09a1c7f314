"""Invented canaries: the noise between runs is estimated, never below the default and bounded."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scoring.timing import between_runs
from scoring.timing.host import BETWEEN_RUNS_SD

BAND = 0.02


def canaries(
    sd: float, count: int, errors: tuple[float, ...] = (0.005,)
) -> list[tuple[float, float]]:
    random = np.random.default_rng(5)
    drawn = [errors[n % len(errors)] for n in range(count)]
    return [(math.exp(random.normal(0, math.hypot(sd, error))), error) for error in drawn]


def test_until_there_are_ten_the_default_holds() -> None:
    wild = [(1.02, 0.001)] * 9
    assert between_runs.estimated_sd(wild, BAND) == BETWEEN_RUNS_SD
    assert between_runs.estimated_sd([*wild, wild[0]], BAND) > BETWEEN_RUNS_SD
    assert between_runs.estimated_sd([], BAND) == BETWEEN_RUNS_SD


@pytest.mark.parametrize("errors", [(0.003,), (0.005,), (0.003, 0.015), (0.004, 0.1)])
def test_the_noise_between_runs_is_told_from_that_within(errors: tuple[float, ...]) -> None:
    many = canaries(0.008, 400, errors)
    assert between_runs.estimated_sd(many, BAND) == pytest.approx(0.008, rel=0.12)
    calm = canaries(0.0, 400, errors)
    assert between_runs.estimated_sd(calm, BAND) == BETWEEN_RUNS_SD, "it is never lowered"


def test_one_bad_canary_widens_intervals_only_so_far() -> None:
    calm = canaries(0.002, 9)
    at_the_edge = between_runs.estimated_sd([*calm, (1 + BAND, 0.005)], BAND)
    assert BETWEEN_RUNS_SD < at_the_edge < 1.5 * BETWEEN_RUNS_SD
    noisy = between_runs.estimated_sd([*calm, (1.3, 0.1)], BAND)
    assert noisy == BETWEEN_RUNS_SD, "whose own interval is wide tells little"


def test_chance_seldom_raises_it_where_canaries_are_few_or_noisy() -> None:
    random = np.random.default_rng(3)
    for count, error in ((10, 0.005), (10, 0.015), (400, 0.015)):
        drawn = random.normal(0, math.hypot(BETWEEN_RUNS_SD, error), (300, count))
        found = [
            between_runs.estimated_sd([(math.exp(log), error) for log in logs], BAND)
            for logs in drawn.tolist()
        ]
        assert np.quantile(found, 0.9) < 1.4 * BETWEEN_RUNS_SD, (count, error)


def test_no_canaries_make_an_interval_that_could_never_be_published() -> None:
    for ratio in (1.02, 1.5, 100.0):
        assert between_runs.estimated_sd([(ratio, 1e-6)] * 10, BAND) == BAND / 2
    assert between_runs.estimated_sd([(1.5, 0.01)] * 10, 0.001) == BETWEEN_RUNS_SD
