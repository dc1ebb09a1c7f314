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
from scoring.sentences import Sentence, say
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


def in_force(
    job: Job, box: parent.Sandbox, children: Sequence[list[Child]]
) -> tuple[Sentence, ...]:
    """What kept the measurement fair and the machine safe.

    `children`: the processes of the reference, and those of the submission.
    """
    threads = job.plan.threads
    said = [
        say("While one model runs, the other one is stopped."),
        say("Each segment has new processes."),
    ]
    one, many = (
        say("Each model has 1 thread."),
        say("Each model has %(threads)s threads.", threads=threads),
    )
    said.append(many if threads > 1 else one)
    said += box.in_force
    if box.gpu:
        said.append(say("Before each turn, the GPU is idle and its cache is overwritten."))
    if job.lock:
        said.append(say("The machine runs one evaluation at a time."))
    if job.plan.device == "cuda":
        said.append(
            say("There is no memory limit, because CUDA reserves more memory than it uses.")
        )
    else:
        said.append(say("Memory is limited."))
    reference, submission = (all(child.prepared for child in ones) for ones in children)
    frozen = (
        say("The reference is frozen and optimized."),
        say("The model is frozen and optimized."),
    )
    not_frozen = say("The reference is not frozen."), say("The model is not frozen.")
    said.append(frozen[0] if reference else not_frozen[0])
    said.append(frozen[1] if submission else not_frozen[1])
    return tuple(said)
