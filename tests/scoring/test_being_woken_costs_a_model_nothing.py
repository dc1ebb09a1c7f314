"""An idle core takes its time to run a process that is woken, by the host's whim: nobody's doing.

What a process does not run is told from its CPU clock, so work cannot hide in it and sleep pays.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from scoring.runner import MOST_WAKING_SECONDS, Runner
from scoring.sandbox import Turn


def counted(turn: Turn, device: str = "cpu", threads: int = 1) -> float:
    """Seconds of a turn that count for a process of this kind."""
    order = SimpleNamespace(device=device, threads=threads)
    child: Any = SimpleNamespace(order=order, inputs=[])
    contestant: Any = SimpleNamespace(kept=None)
    synthetic: Any = None
    limits: Any = None
    return Runner(child, contestant, synthetic, limits, 0.05).awake(turn)


def test_waking_does_not_count() -> None:
    assert counted(Turn(seconds=0.0076, cpu_seconds=0.0075)) == pytest.approx(0.0075)


def test_who_sleeps_for_longer_pays_for_it() -> None:
    assert counted(Turn(seconds=0.05, cpu_seconds=0.03)) == pytest.approx(
        0.05 - MOST_WAKING_SECONDS
    )


def test_a_clock_that_ran_ahead_takes_nothing_off() -> None:
    assert counted(Turn(seconds=0.05, cpu_seconds=0.06)) == 0.05


@pytest.mark.parametrize(("device", "threads"), [("cpu", 2), ("cuda", 1)])
def test_every_second_counts_where_a_model_has_helpers(device: str, threads: int) -> None:
    assert counted(Turn(seconds=0.0076, cpu_seconds=0.0075), device, threads) == 0.0076
