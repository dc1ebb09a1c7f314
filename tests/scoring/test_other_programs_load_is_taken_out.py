"""The effect of other programs on invented quads is removed, and nothing else is excused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from scoring.job import Pace, Quad
from scoring.timing import correction, covariates
from tests.scoring.invented_quads import weathered


def beside_bursts(seed: int, slower: float) -> list[Quad]:
    """Quads beside bursts as short as a block. A burst slows the side whose turn it is."""
    reference_busy, submission_busy = np.random.default_rng(seed).integers(0, 2, (2, 300))
    return [
        replace(
            one,
            reference_seconds=one.reference_seconds * math.exp(slower * reference_busy[n]),
            submission_seconds=one.submission_seconds * math.exp(slower * submission_busy[n]),
            reference_load=float(reference_busy[n]),
            submission_load=float(submission_busy[n]),
        )
        for n, one in enumerate(weathered(1.0, count=300, seed=seed))
    ]


def test_what_other_programs_do_to_the_reference_alone_is_taken_out() -> None:
    found = []
    for busy in (
        0.0,
        0.6,
    ):  # the neighbour slows the memory of the reference, and not that of the model
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
    submission_busy, reference_busy = random.random((2, 300)) < [[0.5], [0.15]]
    quads = [
        replace(
            one,
            submission_seconds=one.submission_seconds * math.exp(0.3 * submission_busy[n]),
            reference_load=float(reference_busy[n]),
            submission_load=float(submission_busy[n]),
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
