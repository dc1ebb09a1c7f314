"""What a GPU needs, with the CPU as its stand-in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import StringIO

import pytest
import torch

import scoring
from scoring.errors import EngineError
from scoring.job import Job, Plan
from scoring.sandbox import parent, sweeper


@dataclass
class Invented(sweeper.Sweeper):
    """A device whose next sweeps take these seconds."""

    seconds: tuple[float, ...] = ()
    done: int = 0

    def sweep(self) -> float:
        self.done += 1
        return self.seconds[min(self.done, len(self.seconds)) - 1]


def invented(*seconds: float) -> Invented:
    return Invented(StringIO(), StringIO(), idle_seconds=1.0, seconds=seconds)


def test_a_sweeper_sweeps_and_learns_how_long_that_takes() -> None:
    with sweeper.started("cpu", parent.environment(Plan())) as found:
        assert 0 < found.idle_seconds < 1
        assert found.settles(within=20)


def test_a_device_is_idle_when_sweeps_are_fast_again() -> None:
    device = invented(2.0, 1.0, 2.0, 1.1, 1.2)
    assert device.settles()
    assert device.done == 5


def test_a_device_that_stays_busy_does_not_settle() -> None:
    assert not invented(2.0).settles(within=0.01)


def test_a_sweeper_that_ended_is_an_error() -> None:
    ended = sweeper.Sweeper(StringIO(), StringIO())
    with pytest.raises(OSError, match="ended"):
        ended.sweep()


def evaluated_beside(
    job: Job, monkeypatch: pytest.MonkeyPatch, busy_turns: set[int]
) -> scoring.Report:
    """An evaluation on a stand-in that is busy after these turns."""
    turns = iter(range(1, 1 << 20))

    class Device(sweeper.Sweeper):
        def settles(self, within: float = 0.0) -> bool:
            return next(turns) not in busy_turns

    @contextmanager
    def swept(plan: Plan) -> Iterator[sweeper.Sweeper]:
        yield Device(StringIO(), StringIO())

    monkeypatch.setattr(parent, "swept", swept)
    return scoring.evaluate(job)


def test_between_turns_the_device_is_seen_idle(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    report = evaluated_beside(job, monkeypatch, set())
    assert report.status == "scored"
    assert report.timing
    assert any("the GPU is idle" in str(word) for word in report.timing.in_force)


def test_work_left_on_the_device_is_its_models_failure(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One of the first two turns of a quad is the submission's, the other one the reference's. With
    # a long block the first turns belong to a quad, even if the first calls are slow.
    job = replace(job, plan=replace(job.plan, block_seconds=0.1))
    outcomes = set()
    for turn in (1, 2):
        try:
            report = evaluated_beside(job, monkeypatch, {turn})
        except EngineError as error:
            outcomes.add(error.code)
        else:
            assert report.failure
            outcomes.add(report.failure.code)
    assert outcomes == {"gpu_busy", "reference_gpu_busy"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu_is_our_fault() -> None:
    plan = replace(Plan(), device="cuda")
    with pytest.raises(EngineError) as error, parent.swept(plan):
        pass
    assert error.value.code == "no_gpu"
