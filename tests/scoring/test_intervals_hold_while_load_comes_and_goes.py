"""Intervals of an invented machine, whose truth is known: `benchmarks.coverage` shows more."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks import coverage, weather
from scoring.job import Pace
from scoring.timing import correction, intervals, tally

PLAN = coverage.PLANS["demo"]
EVALUATIONS = 24
LEAST_HELD = 40
"""Of 48 intervals. If each holds its truth with 95 %, fewer than these hold once in 1,000 times."""


@pytest.mark.parametrize("scenario", coverage.SCENARIOS)
def test_the_truth_is_held_by_nets_that_mind_the_machine_less_and_more(scenario: str) -> None:
    found = [
        coverage.evaluated(scenario, net, PLAN, seed)
        for net in ("wide", "shallow")
        for seed in range(EVALUATIONS)
    ]
    assert sum(one.held for one in found) >= LEAST_HELD


def test_what_is_known_on_a_quiet_machine_is_known_as_well_as_before() -> None:
    default = coverage.PLANS["default"]
    some = [coverage.evaluated("quiet", "wide", PLAN, seed) for seed in range(10)]
    many = [coverage.evaluated("quiet", "wide", default, seed) for seed in range(5)]
    assert np.median([one.half_width for one in some]) < 0.03
    assert max(one.half_width for one in many) <= default.target_half_width * 1.05


@pytest.mark.parametrize("count", [10, 40])
def test_a_pace_that_was_not_seen_is_doubted_as_slopes_are_beforehand(count: int) -> None:
    """This holds however well the slopes are known at the measured paces, and for few quads as
    well."""
    away = 0.2
    machine = weather.Machine(lambda at: 0 * at, 60, seed=0)
    quads = machine.segment(weather.NETS["alike"], count, 1, off=0.0)
    seen = Pace(tally.per_image(quads)[0], tally.probe_seconds(quads))
    unseen = Pace(seen.reference_seconds * math.exp(-away), seen.probe_seconds)
    near, far = (correction.estimate(quads, pace) for pace in (seen, unseen))
    prior = np.linalg.inv(correction.prior(is_probed=True).precision)
    assert near.half_width < 0.03
    assert far.half_width / far.ratio > 0.7 * intervals.Z * away * math.sqrt(prior[0, 0])
