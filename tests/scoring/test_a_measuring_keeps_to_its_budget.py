"""Schedule, budget and stop rule, each without the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.job import RETRY_FACTOR, Plan
from scoring.timing import budget, schedule, stopping, tally
from scoring.timing.budget import Budget
from scoring.timing.schedule import Schedule
from scoring.timing.stopping import StopRule
from tests.scoring.invented import Clock, InventedRunner
from tests.scoring.invented_quads import quad

PLAN = Plan(min_quads=16, min_segments=3, max_seconds=10.0)
QUADS = [quad(1.0, segment=1 + n // 8) for n in range(24)]
"""Of 0.4 s each."""


def after(seconds: float, is_retry: bool = False) -> Budget:
    """A budget of which so many wall seconds are used."""
    clock = Clock()
    found = Budget(PLAN, is_retry, clock)
    clock.now = seconds
    return found


def test_the_cap_bounds_timed_seconds_and_a_retry_has_more_of_them() -> None:
    assert after(0).affords_quads(QUADS, is_first_pass=True)
    more = [*QUADS, quad(1.0)]
    assert tally.measured_seconds(more) == pytest.approx(PLAN.max_seconds)
    assert not after(0).affords_quads(more, is_first_pass=True)
    assert after(0, is_retry=True).affords_quads(more, is_first_pass=True)
    assert after(0, is_retry=True).cap == RETRY_FACTOR * PLAN.max_seconds


def test_disturbed_quads_are_granted_again_up_to_half_of_the_cap() -> None:
    lost = [replace(one, disturbed=True) for one in QUADS]
    assert after(0).affords_quads([*QUADS, *lost[:8]], is_first_pass=True)
    assert not after(0).affords_quads([*QUADS, *lost[:14]], is_first_pass=True)


def test_wall_seconds_count_once_every_image_is_answered() -> None:
    late = after(budget.STARTING * PLAN.max_seconds + 0.1)
    assert late.affords_quads(QUADS[:4], is_first_pass=True)
    assert not late.affords_quads(QUADS[:4], is_first_pass=False)
    alone = [replace(one, alone_seconds=1.0, alone_images=100) for one in QUADS[:4]]
    assert late.affords_quads(alone, is_first_pass=False)


def test_a_first_pass_spreads_the_quads_that_it_needs_over_its_pieces() -> None:
    free = after(0)
    assert free.quads_of_a_piece(100, 4, needed=40, most=1000, quads=[]) == 10
    assert free.quads_of_a_piece(5, 1, needed=40, most=1000, quads=[]) == 5
    assert free.quads_of_a_piece(100, 4, needed=40, most=8, quads=[]) == 2


def test_the_target_is_what_may_be_published_when_more_would_cost_too_much() -> None:
    rule = StopRule(PLAN, None, ())
    usual = rule.plan_after(QUADS[:10], wall_seconds=4.5, is_long=False)
    assert usual.target_half_width == PLAN.target_half_width
    starting = rule.plan_after(QUADS[:5], wall_seconds=5.5, is_long=False)
    long = rule.plan_after(QUADS[:10], wall_seconds=4.5, is_long=True)
    beyond = rule.plan_after([*QUADS, quad(1.0)], wall_seconds=11.0, is_long=False)
    for plan in (starting, long, beyond):
        assert plan.target_half_width == PLAN.max_half_width


def test_nothing_is_predicted_from_few_quads() -> None:
    assert stopping.quads_needed(QUADS[: stopping.FEW_QUADS - 1], PLAN, None) == PLAN.min_quads


def test_a_pass_is_one_piece_if_it_is_short_and_never_more_than_six() -> None:
    order = Schedule(1000, 8, PLAN, seed=0)
    assert order.pieces_of_a_pass(0.5) == 1
    assert order.pieces_of_a_pass(5.0) == PLAN.min_segments
    assert order.pieces_of_a_pass(1e6) == schedule.MAX_PIECES


def test_an_order_holds_every_image_and_repeats_only_the_last() -> None:
    order = Schedule(1003, 8, PLAN, seed=0)
    rows = order.order()
    assert rows.shape == (126, 8)
    numbers, counts = np.unique(rows, return_counts=True)
    assert len(numbers) == 1003
    assert counts.sum() - 1003 == counts.max() - 1 == 5


@pytest.mark.parametrize("left", [1, 2, 7, 100])
def test_blocks_leave_no_short_rest(left: int) -> None:
    runner = InventedRunner(Clock(), "B", 0.01, [])
    sizes = []
    while left:
        first, second = schedule.block_sizes(left, runner, 0.05)
        assert first - second in (0, 1)
        sizes.append(first + second)
        left -= first + second
    assert max(sizes) <= 2 * min(sizes)
