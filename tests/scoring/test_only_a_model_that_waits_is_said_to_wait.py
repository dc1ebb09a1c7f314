"""Invented quads on a busy machine. It makes every model wait, and only a sleeping model waits
longer."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scoring.job import Plan, Quad
from scoring.timing import findings, intervals, outcome, tally

BLOCKS = 0.1
"""CPU seconds of the reference in the two blocks of a quad."""
ANY = intervals.Estimate(1.0, 0.1, 0.05)


def quads(
    random: np.random.Generator,
    count: int,
    length: float = 1.0,
    busy: float = 1.0,
    slept: float = 0.0,
) -> list[Quad]:
    """Quads beside programs that take the core now and then, for some milliseconds.

    A side waits in proportion to its CPU time. To be woken takes some time, too. The blocks of the
    submission have another length, and it sleeps for the share `slept` of them.
    """
    cpu = BLOCKS * np.array([1.0, length])
    weather = busy * np.repeat(random.exponential(1.0, -(-count // 8)), 8)[:count]  # lasts a while
    times = random.poisson(weather[:, None] * cpu / 0.02)
    slices = np.array([[random.pareto(2.0, n).sum() for n in row] for row in times])
    waited = 0.004 * slices + busy * random.exponential(0.001, (count, 2))
    waited[:, 1] += slept * cpu[1]
    seconds = cpu + waited
    return [
        Quad(
            at_seconds=0.0,
            segment=n // 6,
            reference_seconds=float(reference),
            reference_images=100,
            submission_seconds=float(submission),
            submission_images=100,
            reference_cpu_seconds=float(cpu[0]),
            submission_cpu_seconds=float(cpu[1]),
            disturbed=bool(cpu[0] < tally.STEADY_CPU_SHARE * reference),
        )
        for n, (reference, submission) in enumerate(seconds)
    ]


def is_named(some: list[Quad]) -> bool:
    measured = outcome.Measurement(np.zeros(1, dtype=np.int64), tuple(some), 1.0)
    return any("waited" in str(flag) for flag in findings.flags(measured, Plan(), ANY))


def test_a_busy_machine_makes_an_honest_model_wait_and_nobody_says_that_it_does() -> None:
    """Its blocks may be shorter or longer than those of the reference, and it may be measured
    often."""
    random = np.random.default_rng(0)
    kinds = list(itertools.product((0.05, 0.3, 1.0, 1.7, 6.0), (12, 40, 150), (0.02, 0.3, 2.0)))
    named = sum(
        is_named(quads(random, count, *kind))
        for count, *kind in [
            (count, length, busy) for length, count, busy in kinds for _ in range(40)
        ]
    )
    assert named <= 8, "of 1,800; at most one in 1,000 is expected, and nine once in 1,000 times"


@pytest.mark.parametrize("length", [0.3, 1.0, 1.7])
@pytest.mark.parametrize("busy", [0.0, 0.02, 0.3])
def test_a_model_that_sleeps_is_named_beside_others_too(length: float, busy: float) -> None:
    random = np.random.default_rng(0)
    assert all(is_named(quads(random, 30, length, busy, slept=1.0)) for _ in range(10))
    assert not is_named(quads(random, 30, length, busy, slept=0.02))


def test_few_quads_name_nobody() -> None:
    assert not is_named(quads(np.random.default_rng(0), 9, slept=1.0, busy=0.0))


def waiting(longer: int, pairs: int) -> list[Quad]:
    """Quads of which the submission waits longer than the reference in `longer`."""
    one = Quad(0.0, 1, 0.2, 100, 0.2, 100, 0.19, 0.195, disturbed=True)
    reference = replace(one, submission_cpu_seconds=0.1)
    return [reference] * longer + [one] * (pairs - longer)


@pytest.mark.parametrize("pairs", [20, 300, 6_000])
def test_waiting_is_judged_by_the_exact_sign_test(pairs: int) -> None:
    least, ways = pairs, 1  # the number of ways that so many fall to one side
    total = ways
    while (total + ways * least // (pairs - least + 1)) / (1 << pairs) < findings.FALSE_ALARM:
        ways = ways * least // (pairs - least + 1)
        least -= 1
        total += ways
    assert findings.waits_longer(waiting(least, pairs))
    assert not findings.waits_longer(waiting(least - 1, pairs))


@pytest.mark.parametrize("name", ["reference_cpu_seconds", "submission_cpu_seconds"])
def test_a_side_without_cpu_time_is_judged_without_an_error(name: str) -> None:
    nothing: dict[str, Any] = {name: 0.0}
    stood_still = [replace(one, **nothing) for one in waiting(40, 40)]
    assert findings.waits_longer(stood_still) == (name == "submission_cpu_seconds")
