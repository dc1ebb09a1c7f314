"""The reference and the submission side by side: their processes, and what kept them fair."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from scoring import hardware
from scoring.job import Job
from scoring.sandbox import parent
from scoring.sandbox.processes import Child
from scoring.timing import blocks, machine, measuring, outcome
from scoring.timing.runner import Entrant

SEEDS = 1 << 16
"""Far more than an evaluation has processes."""


@dataclass(frozen=True)
class Processes:
    """Fresh processes of both entrants: `scoring.timing.blocks.Processes`."""

    reference_entrant: Entrant
    submission_entrant: Entrant
    box: parent.Sandbox
    seeds: Iterator[int]
    children: tuple[list[Child], list[Child]] = field(default_factory=lambda: ([], []))
    """All processes so far: those of the reference, and those of the submission."""

    @contextmanager
    def reference(self) -> Iterator[blocks.Runner]:
        """A fresh process of the reference."""
        with self.reference_entrant.fresh(self.box, next(self.seeds)) as runner:
            self.children[0].append(runner.child)
            yield runner

    @contextmanager
    def submission(self) -> Iterator[blocks.Runner]:
        """A fresh process of the submission."""
        with self.submission_entrant.fresh(self.box, next(self.seeds)) as runner:
            self.children[1].append(runner.child)
            yield runner

    def foreign_seconds(self) -> float:
        """CPU seconds that other programs have used so far.

        A constant is missing that changes with each new pair of processes.
        """
        of_models = sum(children[-1].cpu_seconds() for children in self.children)
        return machine.foreign_seconds(of_models + time.process_time()) or 0.0


def measured(
    reference: Entrant,
    submission: Entrant,
    box: parent.Sandbox,
    job: Job,
    tick: Callable[[float], None],
) -> tuple[outcome.Measurement, Sequence[list[Child]]]:
    """The paired timing of two entrants, and the processes of each.

    `tick` gets the finished share. Raises `ModelFailed`, `EngineError`.
    """
    seeds = iter(np.random.SeedSequence(job.seed).generate_state(SEEDS).tolist())
    processes = Processes(reference, submission, box, seeds)
    measurement = measuring.measure(
        processes,
        images=len(submission.pixels),
        batch_size=job.input.batch_size,
        plan=job.plan,
        seed=next(seeds),
        pace=job.pace,
        earlier=job.earlier,
        foreign=processes.foreign_seconds,
        tick=tick,
    )
    return measurement, processes.children


@contextmanager
def clocks_logged(job: Job, facts: dict[str, object]) -> Iterator[None]:
    """Write a GPU's clocks before and after the body into `facts`, to explain a time later."""
    if job.plan.device == "cpu":
        yield
        return
    before = hardware.gpu_clocks()
    yield
    facts["gpu_clocks"] = [before, hardware.gpu_clocks()]


def in_force(job: Job, box: parent.Sandbox, children: Sequence[list[Child]]) -> tuple[str, ...]:
    """What kept the measurement fair and the machine safe, in words.

    `children`: the processes of the reference, and those of the submission.
    """
    threads = f"{job.plan.threads} thread" + "s" * (job.plan.threads > 1)
    said = ["idle side stopped", "fresh processes per segment", f"{threads} each", *box.in_force]
    if box.gpu:
        said.append("GPU seen idle and its cache overwritten before each turn")
    if job.lock:
        said.append("one evaluation at a time")
    if job.plan.device == "cuda":
        said.append("no memory limit: CUDA maps more than it uses")
    else:
        said.append("memory limit")
    for name, ones in zip(("reference", "submission"), children, strict=True):
        prepared = all(child.prepared for child in ones)
        said.append(f"{name} {'frozen and optimized' if prepared else 'not frozen'}")
    return tuple(said)
