"""The costs of turns and starts are measured on each host, within bounds.

The defaults change nothing.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from scoring.job import RETRY_FACTOR, HostNumbers, Pace, Plan
from scoring.timing import host, publication, stopping
from scoring.timing.budget import STARTING, Budget
from scoring.timing.schedule import Schedule
from tests.scoring.invented import PLAN, Clock, Processes
from tests.scoring.invented_quads import quad, weathered


@pytest.mark.parametrize(
    ("median", "most", "is_slow"),
    [
        (None, 0.0003, False),
        (0.00011, 0.00033, False),  # three times what was measured
        (0.000005, 0.0003, False),  # a moment that was too quiet
        (0.0003, 0.000375, False),
        (0.0004, 0.000375, True),  # a moment that was too busy, or a host that is too slow
        (5.0, 0.000375, True),
    ],
)
def test_the_limit_of_a_turn_is_three_medians_within_bounds(
    median: float | None, most: float, is_slow: bool
) -> None:
    found = HostNumbers(empty_seconds=0.00003, idle_seconds=median)
    assert found.most_idle_seconds == pytest.approx(most)
    assert found.is_slow_to_turn == is_slow
    shorter = HostNumbers(empty_seconds=None if median is None else median / 3)
    assert shorter.most_empty_seconds == pytest.approx(most / 3)


def test_no_host_gives_a_cheat_more_than_one_per_cent_of_a_block() -> None:
    slow = HostNumbers(empty_seconds=1.0, idle_seconds=1.0)
    most = slow.most_empty_seconds + slow.most_idle_seconds
    assert most == pytest.approx(0.01 * Plan.block_seconds)


def test_noise_between_runs_widens_the_interval_and_moves_no_ratio() -> None:
    restless = replace(Plan(), host=HostNumbers(between_runs_sd=0.01))
    for quads, pace in ((weathered(1.4), Pace(0.002)), ([quad(0.5)] * 9, Pace(0.002))):
        for published in ("plain", "corrected"):
            calm, noisy = (
                publication.published(quads, replace(plan, published=published), pace)
                for plan in (Plan(), restless)
            )
            assert calm.ratio == noisy.ratio
            added = (noisy.standard_error / noisy.ratio) ** 2
            added -= (calm.standard_error / calm.ratio) ** 2
            assert added == pytest.approx(0.01**2 - host.BETWEEN_RUNS_SD**2)
            assert noisy.half_width > calm.half_width
    unending = replace(restless, target_half_width=0.015)
    assert not stopping.is_enough(weathered(1.0), unending, Pace(0.002)), "2 x 1 % is beyond 1.5 %"


def test_where_processes_start_slowly_each_serves_for_longer() -> None:
    usual, slow = Processes(0.001, 0.00005), Processes(0.001, 0.00005, start_seconds=1.0)
    found = [one.run(10_000) for one in (usual, slow)]
    assert [one.start_seconds for one in found] == [host.START_SECONDS, 1.0]
    for_each = [
        sum(quad.reference_seconds for quad in measured.quads) / one.started.count("A")
        for one, measured in zip((usual, slow), found, strict=True)
    ]
    assert for_each[1] > 2 * for_each[0]
    assert len({one.segment for one in found[1].quads}) >= PLAN.min_segments


def test_the_cap_still_holds_the_least_number_of_segments_and_wall_time_an_end() -> None:
    def schedule(seconds: float) -> Schedule:
        return Schedule(300, 1, PLAN, seed=1, start_seconds=seconds)

    assert schedule(host.START_SECONDS).brief_seconds == 1.0
    assert schedule(2.0).brief_seconds == 8.0
    assert schedule(60.0).brief_seconds == PLAN.max_seconds / 2 / PLAN.min_segments
    wall = [Budget(PLAN, False, Clock(), seconds).most_wall for seconds in (0.25, 0.5, 60.0)]
    assert wall == pytest.approx([STARTING, 2 * STARTING - 1, RETRY_FACTOR])
