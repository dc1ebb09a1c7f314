"""The course of a measuring with invented clocks: nothing here takes time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from scoring.errors import ModelFailed
from scoring.job import Plan, Quad
from scoring.timing import ratios, repeats, schedule

PLAN = Plan(block_seconds=0.1, min_quads=16, min_segments=3, max_seconds=60.0)

Noise = Callable[[], float]


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
    noise: Noise = lambda: 1.0
    label: Callable[[int], int] = lambda number: number % 10
    cost: Callable[[int], float] = lambda number: 1.0
    cpu_share: Noise = lambda: 1.0
    stopped_cpu_seconds: float = 0.0
    is_watched: Callable[[], bool] = lambda: True
    probe_seconds: float = 0.006
    max_calls: int = 10_000
    seen: set[int] = field(default_factory=set)

    @property
    def seconds_per_call(self) -> float:
        return self.seconds

    def answer(self, batches: schedule.Batches, rewarm: bool) -> schedule.Block:
        numbers = set(batches.reshape(-1).tolist())
        assert not numbers & self.seen, "an image came twice to one process"
        self.seen |= numbers
        seconds = sum(map(self.cost, batches[:, 0].tolist())) * self.seconds * self.noise()
        self.clock.now += seconds
        self.log.append(self.name + "*" * rewarm)
        labels = np.vectorize(self.label)(batches)
        cpu_seconds = seconds * self.cpu_share()
        return schedule.Block(
            seconds,
            cpu_seconds,
            labels,
            self.stopped_cpu_seconds,
            self.probe_seconds if rewarm else 0.0,
        )


@dataclass
class Race:
    """Two invented models and what happened between them; `ours` is more about the submission."""

    reference_seconds: float
    submission_seconds: float
    noise: Noise = lambda: 1.0
    cpu_share: Noise = lambda: 1.0
    ours: dict[str, object] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)
    others: Noise = lambda: 0.0
    segments: list[list[str]] = field(default_factory=list)
    samples: list[list[str]] = field(default_factory=list)
    told: list[tuple[float, float]] = field(default_factory=list)
    started: list[str] = field(default_factory=list)
    """Processes in the order of their starts, a space where none was left."""
    log: list[str] = field(default_factory=list)
    alive: int = 0

    @contextmanager
    def reference(self) -> Iterator[schedule.Runner]:
        with self.fresh("A", self.reference_seconds, {}) as runner:
            yield runner

    @contextmanager
    def submission(self) -> Iterator[schedule.Runner]:
        with self.fresh("B", self.submission_seconds, self.ours) as runner:
            yield runner

    @contextmanager
    def fresh(self, name: str, seconds: float, more: dict[str, object]) -> Iterator[Invented]:
        self.clock.now += 0.15  # fresh processes take their time
        if not self.alive:
            self.log = []
            self.segments.append(self.log)
        self.alive += 1
        assert self.alive <= 2, "a process outlived its piece"
        self.started.append(name)
        about = {"noise": self.noise, "cpu_share": self.cpu_share} | more
        yield Invented(self.clock, name, seconds, self.log, **about)  # type: ignore[arg-type]
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
    ) -> schedule.Measurement:
        return schedule.measure(
            self,
            images=images,
            batch_size=batch_size,
            plan=plan,
            seed=1,
            earlier=earlier,
            clock=self.clock,
            foreign=self.others,
            tick=lambda share: self.told.append((self.clock.now, share)),
        )


def test_a_quad_knows_what_others_did_during_the_blocks_of_each() -> None:
    race = Race(reference_seconds=0.004, submission_seconds=0.004)
    race.others = lambda: race.clock.now * 1.5  # they keep one core and a half busy
    for one in race.run(1000).quads:
        assert one.reference_load == pytest.approx(1.5)
        assert one.submission_load == pytest.approx(1.5)


def test_where_a_model_could_keep_cores_busy_itself_the_load_is_that_of_the_references_blocks() -> (
    None
):
    race = Race(reference_seconds=0.004, submission_seconds=0.004)
    race.others = lambda: race.clock.now * 1.5
    for one in race.run(1000, replace(PLAN, threads=2)).quads:
        assert one.submission_load is None
        assert one.loads(0, 2) == pytest.approx((1.5, 0.0))


def test_the_probe_runs_whenever_the_reference_is_woken_for_its_turn() -> None:
    race = Race(0.004, 0.004, ours={"probe_seconds": 9.0})  # what it says there is not believed
    for one in race.run(1000).quads:
        assert one.probe_seconds == pytest.approx(0.006)


def test_the_reference_has_blocks_as_long_as_the_submissions() -> None:
    for one in Race(0.004, 0.004).run(1000).quads:
        assert one.reference_seconds == pytest.approx(one.submission_seconds, rel=0.1)


def noisy(sd: float) -> Noise:
    random = np.random.default_rng(0)
    return lambda: math.exp(random.normal(0, sd))


@pytest.mark.parametrize("ratio", [0.1, 0.35, 1.0, 2.0])
@pytest.mark.parametrize("images", [300, 5000])
def test_a_clean_ratio_is_found(ratio: float, images: int) -> None:
    measured = Race(reference_seconds=0.004, submission_seconds=0.004 * ratio).run(images)
    assert ratios.plain(measured.quads).ratio == pytest.approx(ratio, rel=1e-9)


def test_every_image_is_answered_and_those_answers_count() -> None:
    measured = Race(0.004, 0.002).run(1003, batch_size=8)
    np.testing.assert_array_equal(measured.answers, np.arange(1003) % 10)


def test_blocks_alternate_and_are_rewarmed_after_each_switch() -> None:
    race = Race(0.004, 0.004)
    race.run(400)
    blocks = race.segments[0]
    sides = "".join(block[0] for block in blocks)
    assert {sides[start : start + 4] for start in range(0, len(sides), 4)} <= {"ABBA", "BAAB"}
    for before, after in itertools.pairwise(blocks):
        assert after.endswith("*") == (before[0] != after[0])


def test_blocks_are_equal_in_time_not_in_calls() -> None:
    quads = Race(reference_seconds=0.004, submission_seconds=0.001).run(4000).quads
    assert quads[0].reference_seconds == pytest.approx(quads[0].submission_seconds, rel=0.15)


def test_the_reference_is_not_asked_for_long_beside_a_very_short_submission() -> None:
    quads = Race(reference_seconds=0.004, submission_seconds=0.00005).run(300).quads
    assert quads[0].submission_seconds == pytest.approx(300 * 0.00005)
    assert quads[0].reference_seconds == pytest.approx(0.12, rel=0.2)


def test_few_images_are_asked_in_many_fresh_processes() -> None:
    race = Race(reference_seconds=0.0002, submission_seconds=0.00005, noise=noisy(0.01))
    measured = race.run(300)
    assert len(race.samples) == 0
    assert len({one.segment for one in measured.quads}) == len(race.segments) >= PLAN.min_segments
    assert len(measured.quads) >= PLAN.min_quads
    assert race.clock.now < 40
    assert ratios.plain(measured.quads).ratio == pytest.approx(0.25, rel=0.02)


def test_a_secret_coin_says_whose_process_starts_first() -> None:
    race = Race(0.004, 0.004, noise=noisy(0.3))
    race.run(1000)
    first = [pair[0] for pair in "".join(race.started).split()]
    assert len(first) > 20
    assert 0.25 < first.count("A") / len(first) < 0.75


def test_a_brief_pass_has_a_process_of_its_own_beside_a_reference_that_stays() -> None:
    race = Race(reference_seconds=0.001, submission_seconds=0.00005, noise=noisy(0.3))
    race.run(300)
    segments = "".join(race.started).split()
    assert {segment.count("A") for segment in segments} == {1}
    assert max(segment.count("B") for segment in segments) > 1


def test_a_long_pass_is_cut_and_has_the_reference_only_now_and_then() -> None:
    race = Race(reference_seconds=0.05, submission_seconds=0.05, noise=noisy(0.02))
    measured = race.run(5000)
    blocks = [block[0] for segment in race.segments for block in segment]
    assert len(race.segments) == schedule.MAX_PIECES
    assert (measured.answers >= 0).all()
    assert blocks.count("A") < blocks.count("B") / 4
    assert measured.quads[-1].at_seconds > 0.95 * measured.wall_seconds
    gaps = np.diff([quad.at_seconds for quad in measured.quads])
    assert gaps.max() < 3 * gaps.mean()


def test_a_noisier_pass_has_the_reference_more_often() -> None:
    calm = Race(reference_seconds=0.01, submission_seconds=0.01, noise=noisy(0.01)).run(5000)
    wild = Race(reference_seconds=0.01, submission_seconds=0.01, noise=noisy(0.2)).run(5000)
    assert len(wild.quads) > 1.5 * len(calm.quads)


def test_a_long_pass_has_its_quads_spread_evenly_over_several_pieces() -> None:
    race = Race(reference_seconds=0.04, submission_seconds=0.008, noise=noisy(0.02))
    measured = race.run(5217)
    counts = np.bincount([quad.segment for quad in measured.quads])[1:]
    assert len(counts) >= 5, "of few pieces little is known about their spread"
    assert counts.max() <= 1.5 * counts.min(), "the last piece makes up for nothing"


def test_a_tiny_ratio_is_not_measured_on_when_the_score_is_known_well_enough() -> None:
    race = Race(reference_seconds=0.0016, submission_seconds=0.00004, noise=noisy(0.15))
    measured = race.run(300)
    found = schedule.summary(measured, PLAN)
    assert schedule.verdict(found, PLAN) == "valid"
    assert found.half_width > PLAN.max_half_width * found.time_ratio
    assert schedule.LATE * PLAN.max_seconds < measured.wall_seconds < 0.7 * PLAN.max_seconds
    large = replace(found, time_ratio=1.0, half_width=found.half_width / found.time_ratio)
    assert schedule.verdict(large, PLAN) == "invalid"


def test_after_a_long_pass_no_more_is_asked_again_than_the_interval_lacks() -> None:
    race = Race(reference_seconds=0.055, submission_seconds=0.011, noise=noisy(0.08))
    measured = race.run(10000)
    assert schedule.verdict(schedule.summary(measured, PLAN), PLAN) == "valid"
    a_piece = 10000 / (len(race.segments) - 1)
    assert 0 < measured.answers_compared < a_piece / 2


def test_it_stops_early_when_the_interval_is_narrow() -> None:
    calm = Race(0.004, 0.004).run(2000)
    wild = Race(0.004, 0.004, noise=noisy(0.3)).run(2000)
    assert len(calm.quads) < len(wild.quads)
    assert ratios.is_enough(calm.quads, PLAN)
    assert wild.wall_seconds < PLAN.max_seconds + 10


def test_answers_that_change_are_a_failure() -> None:
    asked: dict[int, int] = {}

    def fickle(number: int) -> int:
        asked[number] = asked.get(number, -1) + 1
        return asked[number]

    with pytest.raises(ModelFailed) as failed:
        Race(0.0002, 0.0002, ours={"label": fickle}).run(300)
    assert failed.value.code == "answers_change"


def test_after_a_single_pass_a_sample_is_asked_again_elsewhere() -> None:
    race = Race(reference_seconds=0.02, submission_seconds=0.02)
    measured = race.run(5000)
    assert len(race.samples) == 1
    assert measured.answers_compared == repeats.lacking(0, 0) == 255
    assert measured.answers_changed == 0


def test_after_two_passes_nothing_is_asked_a_third_time() -> None:
    race = Race(reference_seconds=0.001, submission_seconds=0.001)
    assert race.run(300).answers_compared > 300
    assert not race.samples


def test_the_sample_finds_answers_that_change() -> None:
    asked: dict[int, int] = {}

    def fickle(number: int) -> int:
        asked[number] = asked.get(number, -1) + 1
        return asked[number]

    with pytest.raises(ModelFailed) as failed:
        Race(0.02, 0.02, ours={"label": fickle}).run(5000)
    assert failed.value.code == "answers_change"


def test_disturbed_quads_are_replaced_up_to_half_as_many() -> None:
    def measured_with(share: float) -> tuple[Quad, ...]:
        random = np.random.default_rng(3)
        busy = lambda: 0.5 if random.random() < share else 1.0  # noqa: E731
        return Race(0.004, 0.004, noise=noisy(0.3), cpu_share=busy).run(1000).quads

    calm, some = measured_with(0.0), measured_with(0.1)
    assert not any(quad.disturbed for quad in calm)
    assert sum(not quad.disturbed for quad in some) > 0.75 * len(calm)
    assert ratios.measured_seconds(some) < 1.55 * PLAN.max_seconds


def test_a_submission_that_hurries_only_beside_the_reference_pays_for_all() -> None:
    race = Race(reference_seconds=0.05, submission_seconds=0.05, noise=noisy(0.02))

    def dearer_alone() -> float:
        beside = any(block[0] == "A" for block in race.segments[-1][-2:])
        return 1.0 if beside else 2.0

    race.ours["noise"] = dearer_alone
    measured = race.run(2000)
    found = schedule.summary(measured, PLAN)
    assert found.time_ratio > 1.6
    assert any("no reference" in flag for flag in found.flags)


def test_cheap_on_most_images_and_dear_on_some_pays_for_the_dear_ones() -> None:
    honest = 0.9 + 0.1 * 10
    race = Race(0.02, 0.01, noise=noisy(0.02))
    race.ours["cost"] = lambda number: 10.0 if number % 10 == 0 else 1.0
    found = schedule.summary(race.run(1500), PLAN)
    assert found.time_ratio == pytest.approx(0.5 * honest, rel=0.06)
    assert found.plain_by == "sums"


def test_a_second_core_is_charged_by_its_cpu_time() -> None:
    found = schedule.summary(Race(0.004, 0.002, ours={"cpu_share": lambda: 1.9}).run(2000), PLAN)
    assert found.time_ratio == pytest.approx(0.95, rel=0.01)
    assert any("several cores" in flag for flag in found.flags)


def test_work_while_it_should_stand_still_is_a_finding() -> None:
    found = schedule.summary(Race(0.004, 0.004, ours={"stopped_cpu_seconds": 0.01}).run(2000), PLAN)
    assert found.stopped_cpu_seconds > 0.1
    assert any("stopped" in flag for flag in found.flags)


def test_waiting_instead_of_computing_counts_and_is_flagged() -> None:
    found = schedule.summary(Race(0.004, 0.004, ours={"cpu_share": lambda: 0.1}).run(2000), PLAN)
    assert found.time_ratio == pytest.approx(1.0)
    assert found.disturbed_share == 0
    assert any("waited" in flag for flag in found.flags)


def test_an_unstable_submission_beside_a_steady_reference_is_its_own_doing() -> None:
    random = np.random.default_rng(5)
    wild = Race(0.004, 0.004, ours={"noise": lambda: math.exp(random.normal(0, 0.7))}).run(2000)
    both = Race(0.004, 0.004, noise=noisy(0.7)).run(2000)
    assert schedule.verdict(schedule.summary(wild, PLAN), PLAN) == "time_unstable"
    assert schedule.verdict(schedule.summary(both, PLAN), PLAN) == "invalid"


def test_a_submission_too_slow_to_be_measured_within_the_cap_has_only_itself_to_blame() -> None:
    slow = Race(0.004, 10.0, noise=noisy(0.3)).run(20)
    assert len(slow.quads) < PLAN.min_quads
    assert schedule.verdict(schedule.summary(slow, PLAN), PLAN) == "too_slow"
    wide = replace(PLAN, max_half_width=0.0)
    assert schedule.verdict(schedule.summary(slow, wide), wide) == "valid"


def test_one_quad_is_enough_for_a_wide_interval() -> None:
    found = schedule.summary(Race(0.004, 70.0).run(2), PLAN)
    assert len(found.quads) == 1
    assert found.half_width > 0.5 * found.time_ratio


def test_earlier_quads_are_pooled_and_shorten_a_second_measuring() -> None:
    first = Race(0.004, 0.002, noise=noisy(0.3)).run(2000)
    second = Race(0.004, 0.002, noise=noisy(0.3)).run(2000, earlier=first.quads)
    found = schedule.summary(second, PLAN)
    assert found.earlier_quads == len(first.quads)
    assert len(found.quads) == len(first.quads) + len(second.quads)
    assert found.half_width < schedule.summary(first, PLAN).half_width
    assert found.segments == len(
        {quad.segment for quad in first.quads} | {-quad.segment for quad in second.quads}
    )
    starts = [quad.at_seconds for quad in found.quads]
    assert starts == sorted(starts)


def test_a_second_measuring_goes_on_beyond_the_cap_until_it_can_be_published() -> None:
    def again(noise: float) -> tuple[float, schedule.Timing]:
        first = Race(0.004, 0.004, noise=noisy(noise)).run(2000)
        second = Race(0.004, 0.004, noise=noisy(noise)).run(2000, earlier=first.quads)
        return ratios.measured_seconds(second.quads), schedule.summary(second, PLAN)

    seconds, found = again(0.17)
    assert schedule.verdict(found, PLAN) == "valid"
    assert PLAN.max_seconds < seconds < 1.5 * PLAN.max_seconds
    seconds, found = again(0.5)
    assert schedule.verdict(found, PLAN) == "invalid"
    assert seconds > 1.9 * PLAN.max_seconds


def test_earlier_quads_that_sufficed_leave_the_cap_as_it_is() -> None:
    plan = replace(PLAN, target_half_width=0.0)
    first = Race(0.004, 0.004, noise=noisy(0.05)).run(2000, plan)
    assert schedule.verdict(schedule.summary(first, plan), plan) == "valid"
    second = Race(0.004, 0.004, noise=noisy(0.05)).run(2000, plan, earlier=first.quads)
    assert ratios.measured_seconds(second.quads) < 1.1 * plan.max_seconds


@pytest.mark.parametrize(
    ("images", "seconds"), [(300, 0.00005), (2000, 0.004), (5000, 0.05), (5000, 0.02)]
)
def test_progress_goes_with_the_time_this_takes(images: int, seconds: float) -> None:
    race = Race(seconds, seconds, noise=noisy(0.03))
    race.run(images)
    end = race.clock.now
    middle = [(now / end, share) for now, share in race.told if 0.3 < now / end < 0.9]
    assert middle
    assert np.mean([abs(share - now) for now, share in middle]) < 0.25
