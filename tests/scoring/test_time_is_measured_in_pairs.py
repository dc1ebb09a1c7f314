"""The protocol and its statistics with invented clocks: nothing here takes time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from scoring import timing
from scoring.errors import ModelFailed
from scoring.job import Plan, Quad

PLAN = Plan(block_seconds=0.1, min_quads=16, min_segments=3, max_seconds=60.0)


class Clock:
    """Time that passes only when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Invented:
    """A model of so many seconds per call; each block costs what `noise` makes of it."""

    clock: Clock
    name: str
    seconds: float
    log: list[str]
    noise: Callable[[], float] = lambda: 1.0
    label: Callable[[int], int] = lambda number: number % 10
    max_calls: int = 10_000
    seen: set[int] = field(default_factory=set)

    @property
    def seconds_per_call(self) -> float:
        return self.seconds

    def answer(self, batches: timing.Batches, rewarm: bool) -> timing.Block:
        numbers = set(batches.reshape(-1).tolist())
        assert not numbers & self.seen, "an image came twice to one process"
        self.seen |= numbers
        seconds = len(batches) * self.seconds * self.noise()
        self.clock.now += seconds
        self.log.append(self.name + "*" * rewarm)
        labels = np.vectorize(self.label)(batches)
        return timing.Block(seconds, seconds, labels)


@dataclass
class Race:
    """Two invented models and what happened between them."""

    reference: float
    submission: float
    noise: Callable[[], float] = lambda: 1.0
    label: Callable[[int], int] = lambda number: number % 10
    clock: Clock = field(default_factory=Clock)
    segments: list[list[str]] = field(default_factory=list)

    @contextmanager
    def pair(self) -> Iterator[timing.Pair]:
        log: list[str] = []
        self.segments.append(log)
        self.clock.now += 0.3  # fresh processes take their time
        yield (
            Invented(self.clock, "A", self.reference, log, self.noise),
            Invented(self.clock, "B", self.submission, log, self.noise, self.label),
        )

    def run(self, images: int, plan: Plan = PLAN, batch_size: int = 1) -> timing.Measurement:
        return timing.measure(
            self.pair, images=images, batch_size=batch_size, plan=plan, seed=1, clock=self.clock
        )


def quad(ratio: float, segment: int = 1, cpu: float = 1.0) -> Quad:
    return Quad(0.0, segment, 0.2, 100, 0.2 * ratio, 100, 0.2 * cpu, 0.2 * ratio, cpu < 0.97)


def noisy(sd: float) -> Callable[[], float]:
    random = np.random.default_rng(0)
    return lambda: math.exp(random.normal(0, sd))


@pytest.mark.parametrize("ratio", [0.1, 0.35, 1.0, 2.0])
@pytest.mark.parametrize("images", [300, 5000])
def test_a_clean_ratio_is_found(ratio: float, images: int) -> None:
    measured = Race(reference=0.004, submission=0.004 * ratio).run(images)
    assert timing.estimate(measured.quads).ratio == pytest.approx(ratio, rel=1e-9)


def test_noise_widens_the_interval_which_holds_the_truth() -> None:
    found = timing.estimate(Race(0.004, 0.002, noise=noisy(0.05)).run(5000).quads)
    assert abs(found.ratio - 0.5) < found.half_width < 0.05


def test_every_image_is_answered_and_those_answers_count() -> None:
    measured = Race(0.004, 0.002).run(1003, batch_size=8)
    np.testing.assert_array_equal(measured.answers, np.arange(1003) % 10)


def test_blocks_alternate_and_are_rewarmed_after_each_switch() -> None:
    race = Race(0.004, 0.004)
    race.run(3000)
    blocks = race.segments[0]
    sides = "".join(block[0] for block in blocks)
    assert {sides[start : start + 4] for start in range(0, 16, 4)} <= {"ABBA", "BAAB"}
    for before, after in itertools.pairwise(blocks):
        assert after.endswith("*") == (before[0] != after[0])


def test_blocks_are_equal_in_time_not_in_calls() -> None:
    quads = Race(reference=0.004, submission=0.001).run(4000).quads
    assert quads[0].reference_seconds == pytest.approx(quads[0].submission_seconds, rel=0.1)


def test_few_images_are_asked_in_many_fresh_processes() -> None:
    race = Race(reference=0.0002, submission=0.00005, noise=noisy(0.01))
    measured = race.run(300)
    assert len(race.segments) >= PLAN.min_quads
    assert race.clock.now < 40
    assert timing.estimate(measured.quads).ratio == pytest.approx(0.25, rel=0.02)


def test_a_long_pass_is_finished_with_the_reference_only_now_and_then() -> None:
    race = Race(reference=0.05, submission=0.05, noise=noisy(0.02))
    measured = race.run(5000)
    blocks = [block[0] for segment in race.segments for block in segment]
    assert len(race.segments) == 3
    assert (measured.answers >= 0).all()
    assert blocks.count("A") < blocks.count("B") / 4
    assert measured.quads[-1].at_seconds > 0.6 * measured.wall_seconds


def test_it_stops_early_when_the_interval_is_narrow() -> None:
    calm = Race(0.004, 0.004).run(2000)
    wild = Race(0.004, 0.004, noise=noisy(0.3)).run(2000)
    assert len(calm.quads) < len(wild.quads)
    assert timing.is_enough(calm.quads, PLAN)
    assert wild.wall_seconds < PLAN.max_seconds + 10


def test_answers_that_change_are_a_failure() -> None:
    asked: dict[int, int] = {}

    def fickle(number: int) -> int:
        asked[number] = asked.get(number, -1) + 1
        return asked[number]

    with pytest.raises(ModelFailed) as failed:
        Race(0.0002, 0.0002, label=fickle).run(300)
    assert failed.value.code == "answers_change"


def test_the_trimmed_mean_ignores_outliers() -> None:
    quads = [quad(0.5)] * 8 + [quad(5.0), quad(0.01)]
    assert timing.estimate(quads).ratio == pytest.approx(0.5)


def test_one_quad_says_nothing_about_noise() -> None:
    found = timing.estimate([quad(0.5)])
    assert found.half_width == pytest.approx(found.ratio)


def test_segments_that_disagree_widen_the_interval() -> None:
    agreeing = [quad(1.0 + 0.001 * (n % 2), segment=n // 4) for n in range(16)]
    disagreeing = [quad(1.0 + 0.1 * (n // 8), segment=n // 4) for n in range(16)]
    assert timing.estimate(agreeing).half_width < 0.01
    assert timing.estimate(disagreeing).half_width > 0.05


def test_at_most_a_third_of_the_quads_is_dropped_as_disturbed() -> None:
    quads = [quad(1.0)] * 4 + [quad(1.5, cpu=0.5 + n / 100) for n in range(8)]
    assert len(timing.counted(quads)) == 8
    assert timing.counted(quads)[:4] == quads[:4]
    assert timing.counted([quad(1.0), quad(1.0), quad(9.0, cpu=0.5)]) == [quad(1.0), quad(1.0)]


@pytest.mark.parametrize(("freedom", "expected"), [(3, 3.182), (5, 2.571), (9, 2.262), (30, 2.042)])
def test_the_t_quantile(freedom: int, expected: float) -> None:
    assert timing.t_quantile(freedom) == pytest.approx(expected, rel=0.01)


def test_a_wide_interval_is_invalid_unless_the_plan_never_minds() -> None:
    measured = timing.Measurement(np.zeros(1, dtype=np.int64), (quad(1.0), quad(2.0)), 1.0)
    summary = timing.summary(measured, PLAN)
    assert not timing.is_valid(summary, PLAN)
    assert timing.is_valid(summary, replace(PLAN, max_half_width=0.0))


def test_waiting_instead_of_computing_is_flagged() -> None:
    idle = [replace(quad(1.0), submission_cpu_seconds=0.01)] * 16
    measured = timing.Measurement(np.zeros(1, dtype=np.int64), tuple(idle), 1.0)
    assert any("waits" in flag for flag in timing.summary(measured, PLAN).flags)


def test_figures_of_the_summary_agree() -> None:
    measured = Race(0.004, 0.002).run(2000)
    summary = timing.summary(measured, PLAN)
    assert summary.reference_seconds_per_image == pytest.approx(0.004)
    assert summary.seconds_per_image == pytest.approx(0.002)
    assert summary.segments >= 3
