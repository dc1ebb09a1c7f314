"""Invented models and an invented clock, with which a measuring takes no time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from scoring.job import Plan, Quad
from scoring.timing import blocks, measuring, outcome

PLAN = Plan(block_seconds=0.1, min_quads=16, min_segments=3, max_seconds=60.0)

Noise = Callable[[], float]


class Clock:
    """Time that passes only while a process works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class InventedRunner:
    """A model that takes `seconds` per call; `noise` is a factor of each block's time."""

    clock: Clock
    name: str
    seconds: float
    log: list[str]
    noise: Noise = lambda: 1.0
    label: Callable[[int], int] = lambda number: number % 10
    cost: Callable[[int], float] = lambda number: 1.0
    cpu_share: Noise = lambda: 1.0
    stopped_cpu_seconds: float = 0.0
    probe_seconds: float = 0.006
    max_calls: int = 10_000
    seen: set[int] = field(default_factory=set)

    @property
    def seconds_per_call(self) -> float:
        return self.seconds

    def answer(self, batches: blocks.Batches, rewarm: bool) -> blocks.Block:
        numbers = set(batches.reshape(-1).tolist())
        assert not numbers & self.seen, "an image came twice to one process"
        self.seen |= numbers
        seconds = sum(map(self.cost, batches[:, 0].tolist())) * self.seconds * self.noise()
        self.clock.now += seconds
        self.log.append(self.name + "*" * rewarm)
        labels = np.vectorize(self.label)(batches)
        cpu_seconds = seconds * self.cpu_share()
        return blocks.Block(
            seconds,
            cpu_seconds,
            labels,
            self.stopped_cpu_seconds,
            self.probe_seconds if rewarm else 0.0,
        )


@dataclass
class Processes:
    """Fresh processes of two invented models, and a record of what was asked of them."""

    reference_seconds: float
    submission_seconds: float
    noise: Noise = lambda: 1.0
    cpu_share: Noise = lambda: 1.0
    about_submission: dict[str, object] = field(default_factory=dict)
    """Fields of `InventedRunner` in which the submission differs."""
    clock: Clock = field(default_factory=Clock)
    start_seconds: float = 0.15
    """Of a fresh process."""
    foreign: Noise = lambda: 0.0
    """CPU seconds that other programs have used so far."""
    segments: list[list[str]] = field(default_factory=list)
    samples: list[list[str]] = field(default_factory=list)
    told: list[tuple[float, float]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    """Processes in the order of their starts, a space where none was left."""
    log: list[str] = field(default_factory=list)
    alive: int = 0

    @contextmanager
    def reference(self) -> Iterator[blocks.Runner]:
        with self.fresh("A", self.reference_seconds, {}) as runner:
            yield runner

    @contextmanager
    def submission(self) -> Iterator[blocks.Runner]:
        with self.fresh("B", self.submission_seconds, self.about_submission) as runner:
            yield runner

    @contextmanager
    def fresh(self, name: str, seconds: float, more: dict[str, object]) -> Iterator[InventedRunner]:
        self.clock.now += self.start_seconds
        if not self.alive:
            self.log = []
            self.segments.append(self.log)
        self.alive += 1
        assert self.alive <= 2, "a process outlived its piece"
        self.started.append(name)
        about = {"noise": self.noise, "cpu_share": self.cpu_share} | more
        yield InventedRunner(self.clock, name, seconds, self.log, **about)  # type: ignore[arg-type]
        self.alive -= 1
        if not self.alive:
            if "".join(self.started).split(" ")[-1] == "B":  # without a reference beside it
                self.samples.append(self.segments.pop())
            self.started.append(" ")

    def run(
        self,
        images: int,
        plan: Plan = PLAN,
        batch_size: int = 1,
        earlier: tuple[Quad, ...] = (),
    ) -> outcome.Measurement:
        return measuring.measure(
            self,
            images=images,
            batch_size=batch_size,
            plan=plan,
            seed=1,
            earlier=earlier,
            clock=self.clock,
            foreign=self.foreign,
            tick=lambda share: self.told.append((self.clock.now, share)),
        )


def noisy(sd: float) -> Noise:
    random = np.random.default_rng(0)
    return lambda: math.exp(random.normal(0, sd))
