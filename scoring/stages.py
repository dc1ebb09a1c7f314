"""The stages of an evaluation: timed, and told to the caller about twice a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from scoring.job import TIMED_STAGE, Job, Progress
from scoring.sandbox import parent
from scoring.timing import machine

PROGRESS_SECONDS = 0.5
"""Least seconds between two reports of progress."""
STAGES = {
    "wait": 0.0,
    "check": 0.2,
    "images": 2.0,
    "start": 2.0,
    "dry run": 2.0,
    "reference": 10.0,
    TIMED_STAGE: 40.0,
    "score": 0.1,
}
"""The stages in order, with the seconds that each is expected to take before anything is known."""
KNOWN_SHARE = 0.02
"""From this share of a stage on, its remaining time is calculated from its past time."""


@dataclass
class Stages:
    """Where one evaluation stands."""

    tell: Callable[[Progress], None]
    expected: dict[str, float] = field(default_factory=lambda: dict(STAGES))
    """Seconds of each stage that has not begun. The entries of past stages are not used."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall seconds of each finished stage."""
    name: str = "wait"
    told_at: float = 0.0
    percent: float = 0.0
    share: float = 0.0
    """Of the present stage, 0 to 1."""
    start: float = field(default_factory=time.monotonic)
    """When the wait for the machine ended."""
    stage_start: float = field(default_factory=time.monotonic)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The body is the stage of that name."""
        self.stage_start = time.monotonic()
        self.name, self.share = name, 0.0
        self.say()
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - self.stage_start

    @contextmanager
    def machine_held(self, job: Job) -> Iterator[None]:
        """The machine for this evaluation only; the wait for it is a stage."""
        if job.formula.quality_ref is not None:
            self.expected["reference"] = 0.0
        if job.sample is None:
            self.expected["dry run"] = 0.0
        with ExitStack() as held:
            with self.stage("wait"):
                held.enter_context(machine.held(job.lock, lambda: self.tick(0.0)))
            self.start = time.monotonic()
            yield

    @contextmanager
    def sandbox_started(self, job: Job) -> Iterator[parent.Sandbox]:
        """The sandbox, whose start is a stage. Raises `EngineError`."""
        with ExitStack() as started:
            with self.stage("start"):
                opening = parent.started(
                    job.plan,
                    job.limits,
                    lambda: self.tick(self.share),
                    may_be_weak=job.may_be_weak,
                )
                box = started.enter_context(opening)
            yield box

    def expect(self, images: int, job: Job) -> None:
        """Expect the measuring to take as long as one of the reference against itself."""
        if job.pace:
            seconds = images * job.pace.reference_seconds
            self.expected["reference"] = min(self.expected["reference"], seconds)
            self.expected[TIMED_STAGE] = max(1.2 * seconds, min(20.0, job.plan.max_seconds))

    def tick(self, share: float) -> None:
        """Note the finished share of this stage, and tell it unless that was done just before."""
        self.share = min(1.0, share)
        if time.monotonic() - self.told_at >= PROGRESS_SECONDS:
            self.say()

    def say(self) -> None:
        """Report the progress. It never falls. It stays 0 during the wait for the machine."""
        now = time.monotonic()
        here = now - self.stage_start
        left = max(0.0, self.expected[self.name] - here)
        if self.share > KNOWN_SHARE:
            left = here * (1 - self.share) / self.share
        names = list(STAGES)
        left += sum(self.expected[name] for name in names[names.index(self.name) + 1 :])
        elapsed = now - self.start
        waiting = self.name == "wait"
        percent = 0.0 if waiting else 100 * elapsed / max(elapsed + left, 1e-9)
        self.percent = max(self.percent, percent)
        self.told_at = now
        self.tell(Progress(self.name, round(self.percent, 1), None if waiting else left))
