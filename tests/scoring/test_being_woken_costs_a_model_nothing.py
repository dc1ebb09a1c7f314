"""An idle core needs time to run a process that is woken. That is the fault of no model.

The CPU clock of the process tells how long it did not run. So work cannot hide there, and a model
that sleeps longer pays for it.
"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scoring.job import HostNumbers, Plan
from scoring.quality.tasks import CLASSIFICATION
from scoring.sandbox.processes import Turn
from scoring.timing import turns
from scoring.timing.blocks import Block
from scoring.timing.host import MOST_IDLE_SECONDS
from scoring.timing.runner import Runner

PLAN = Plan(device="cpu", threads=1)
WORK, EMPTY, PROBE, WAKING = 0.0075, 0.00003, 0.004, 0.0001


class Process:
    """A process whose turns take given seconds, and whose calls also sleep."""

    def __init__(self, plan: Plan = PLAN, asleep: float = WAKING) -> None:
        self.order = SimpleNamespace(device=plan.device)
        self.inputs = np.zeros((8, 1, 3, 4, 4), dtype=np.float32)
        self.outputs = np.zeros((8, 1, 6), dtype=np.float32)
        self.sandbox = SimpleNamespace(plan=plan, settle=lambda: None)
        self.asleep = asleep

    def run(self, calls: int, limit: float) -> Turn:
        if not calls:
            return Turn(EMPTY + WAKING, EMPTY)
        return Turn(WORK + EMPTY + self.asleep, WORK + EMPTY)

    def probe(self) -> Turn:
        return Turn(PROBE + EMPTY + WAKING, PROBE + EMPTY)

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...

    def cpu_seconds(self) -> float:
        return 0.0


def runner_of(process: Process) -> Runner:
    child: Any = process
    entrant: Any = SimpleNamespace(kept=process.inputs[:, 0], task=CLASSIFICATION)
    synthetic: Any = SimpleNamespace(call=lambda: process.inputs[0])
    limits: Any = SimpleNamespace(call_seconds=10.0)
    runner = Runner(child, entrant, synthetic, limits, process.sandbox.plan)
    runner.warm_up()
    return runner


def block(process: Process) -> Block:
    """A timed block of this process after a turn of the other."""
    runner = runner_of(process)
    return runner.answered(np.zeros((8, 1), dtype=np.int64), rewarm=True)


def test_waking_counts_neither_in_a_block_nor_in_a_probe() -> None:
    found = block(Process())
    assert found.seconds == pytest.approx(WORK)
    assert found.probe_seconds == pytest.approx(PROBE + EMPTY)


def test_who_sleeps_for_longer_pays_for_it() -> None:
    assert block(Process(asleep=0.02)).seconds == pytest.approx(WORK + 0.02 - MOST_IDLE_SECONDS)


def test_a_host_with_slower_turns_measures_that_at_its_start_and_subtracts_more() -> None:
    found = turns.numbers(runner_of(Process()))
    assert found.empty_seconds == pytest.approx(EMPTY)
    assert found.idle_seconds == pytest.approx(WAKING)
    slow = HostNumbers(empty_seconds=EMPTY, idle_seconds=0.00011)
    asleep = block(Process(replace(PLAN, host=slow), asleep=0.02))
    assert asleep.seconds == pytest.approx(WORK + 0.02 - 0.00033)
    for helped in (replace(PLAN, threads=2), replace(PLAN, device="cuda")):
        found = turns.numbers(runner_of(Process(helped)))
        assert found.empty_seconds == pytest.approx(EMPTY + WAKING)
        assert found.idle_seconds is None, "nothing is subtracted for it"


def test_work_that_is_done_elsewhere_meanwhile_takes_nothing_off() -> None:
    assert block(Process(asleep=-0.004)).seconds == pytest.approx(WORK - 0.004)


@pytest.mark.parametrize("plan", [replace(PLAN, threads=2), replace(PLAN, device="cuda")])
def test_every_second_counts_where_a_model_has_helpers(plan: Plan) -> None:
    found = block(Process(plan, asleep=0.02))
    assert found.seconds == pytest.approx(WORK + 0.02, abs=EMPTY + WAKING)
