"""The measurement error of the reference's time, and what it does to the ratio."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from scoring.job import Pace, Quad
from scoring.timing import correction, publication, windows
from tests.scoring.invented_quads import PLAN, measurement, quad, weathered


def alike(seed: int, count: int = 400) -> list[Quad]:
    """Quads of the reference against itself, in weather that the probe shows in part.

    Each side has its own noise, and a part of that lasts for several quads.
    """
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
    """The pace may be far from that of the weather, whose mean is 0.002 * exp(0.2). Few quads do
    not quite give 1."""
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
    assert min(publication.summary(quads, PLAN, is_calibration=True).reference_scatter) > 0.02
    assert publication.summary(quads, PLAN).reference_scatter == (0, 0)
    few = measurement(*alike(0)[:15])
    assert publication.summary(few, PLAN, is_calibration=True).reference_scatter == (0, 0)
