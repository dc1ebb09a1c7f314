"""Paired timing: the submission's time in units of the reference's, in the same moments.

Words, from small to large:

    call      one forward at the fixed batch shape
    block     n calls of one model, timed as one
    quad      four blocks ABBA or BAAB; A is the reference, B the submission
    segment   what one fresh process of the reference answers beside one of the submission, or
              beside several in turn if their passes are brief
    pass      every hidden image answered once

Processes and clock are arguments, so that invented ones can test the course of a measuring.
`scoring.timing.publication` makes the ratio of its quads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace

from scoring.job import Pace, Plan, Quad
from scoring.quality.tasks import CLASSIFICATION, Task
from scoring.timing import findings, publication, schedule
from scoring.timing.answers import Answers
from scoring.timing.blocks import Batches, Block, Processes, Runner, watches_cpu
from scoring.timing.budget import Budget
from scoring.timing.outcome import Measurement
from scoring.timing.schedule import Runners, Schedule
from scoring.timing.stopping import StopRule
from scoring.timing.tally import STEADY_CPU_SHARE


def measure(
    processes: Processes,
    *,
    images: int,
    batch_size: int,
    plan: Plan,
    seed: int,
    pace: Pace | None = None,
    earlier: tuple[Quad, ...] = (),
    clock: Callable[[], float] = time.perf_counter,
    foreign: Callable[[], float] = lambda: 0.0,
    tick: Callable[[float], None] = lambda share: None,
    task: Task = CLASSIFICATION,
) -> Measurement:
    """Answer every image once, and measure on until the stop rule is met or the budget is spent.

    `pace` is the calibration's, `earlier` are quads to pool with. `foreign` returns the CPU seconds
    that other programs have used on this machine so far. `tick` is told the finished share. `task`
    says what an answer is. Raises `ModelFailed` (answers_change).
    """
    is_retry = publication.is_too_wide(earlier, plan, pace)
    measuring = Measuring(
        plan,
        Budget(plan, is_retry, clock),
        Schedule(images, batch_size, plan, seed),
        StopRule(plan, pace, earlier),
        Answers(images, task),
        foreign,
        tick,
    )
    while not measuring.is_finished():
        measuring.run_segment(processes)
    measuring.ask_again(processes)
    return measuring.measurement()


@dataclass
class Measuring:
    """A measuring under way: schedule, budget, stop rule and answers, and the quads so far."""

    plan: Plan
    budget: Budget
    schedule: Schedule
    stop: StopRule
    answers: Answers
    foreign: Callable[[], float]
    tick: Callable[[float], None]
    quads: list[Quad] = field(default_factory=list)
    probe_seconds: float = 0.0
    """Seconds of this segment's last probe."""
    starts: list[float] = field(default_factory=list)
    """Seconds of each start of a process of the reference."""

    def is_finished(self) -> bool:
        """Never before the first pass is complete."""
        if not self.schedule.passes or not self.answers.are_complete:
            return False
        return self.stop.is_met or not self.affords_quads()

    def affords_quads(self) -> bool:
        return self.budget.affords_quads(self.quads, not self.answers.are_complete)

    def run_segment(self, processes: Processes) -> None:
        """Measure with one fresh process of the reference."""
        with ExitStack() as reference_end, ExitStack() as submission_end:
            self.probe_seconds = 0.0
            if submission_first := self.schedule.begin_segment():
                submission = submission_end.enter_context(processes.submission())
            reference = reference_end.enter_context(self.timed_start(processes.reference()))
            if not submission_first:
                submission = submission_end.enter_context(processes.submission())
            self.run_piece(reference, submission)
            submission_end.close()
            self.answers.refuse_changing()
            while self.schedule.reference_lasts() and not self.is_finished():
                with processes.submission() as submission:
                    self.run_piece(reference, submission)
                self.answers.refuse_changing()
        self.stop.apply(self.quads, self.budget.elapsed(), self.schedule.is_long)

    @contextmanager
    def timed_start(self, starting: AbstractContextManager[Runner]) -> Iterator[Runner]:
        """A process of the reference. How long it takes to start decides what a start is worth."""
        began = self.budget.clock()
        with starting as runner:
            self.starts.append(self.budget.clock() - began)
            shortest = max(self.plan.host.start_seconds, min(self.starts))
            self.schedule.start_seconds = self.budget.start_seconds = shortest
            yield runner

    def run_piece(self, reference: Runner, submission: Runner) -> None:
        """Answer a piece of a pass with one fresh process of the submission.

        In the first pass its pairs of blocks are quads or only answered; later ones are quads.
        """
        order = self.schedule
        if not len(order.submission_left):
            order.begin_pass(submission.seconds_per_call)
        rows = order.next_piece(submission, self.quads_lacking())
        pairs = max(1, round(len(rows) / 2 / order.block_calls(submission)))
        wanted = self.quads_wanted(pairs, reference, submission)
        runners = Runners(reference, submission)
        before = len(order.reference_left)
        step = 0
        while len(rows):
            is_paired = schedule.is_turn(step, pairs, wanted) and len(order.reference_left)
            is_paired = is_paired and self.affords_quads()
            if not is_paired and self.answers.are_complete:
                break
            sizes = schedule.block_sizes(len(rows), submission, self.plan.block_seconds)
            blocks, rows = halves(rows[: sum(sizes)]), rows[sum(sizes) :]
            if is_paired:
                reference_rows = order.reference_blocks(len(blocks[0]), reference, submission)
                self.run_quad(runners, halves(reference_rows), blocks, is_dense=wanted == pairs)
            else:
                self.run_alone(runners, blocks)
            step += 1
            self.tick(self.finished_share())
        order.end_piece(before - len(order.reference_left))

    def quads_lacking(self) -> int:
        """Quads of one more piece after a long pass: as many as are needed, and enough to be worth
        its processes."""
        return max(self.plan.min_quads // 2, self.stop.needed - len(self.quads))

    def quads_wanted(self, pairs: int, reference: Runner, submission: Runner) -> int:
        """How many of the next piece's `pairs` of blocks are to be quads."""
        order = self.schedule
        if order.passes > 1:
            return pairs
        most = float("inf")
        if order.is_long:
            calls = 2 * order.block_calls(reference) + 1  # one warms the reference again
            most = self.budget.quads_of_a_long_pass(
                order.calls * submission.seconds_per_call, calls * reference.seconds_per_call
            )
        return self.budget.quads_of_a_piece(pairs, order.pieces, self.stop.needed, most, self.quads)

    def run_quad(
        self, runners: Runners, reference: Halves, submission: Halves, *, is_dense: bool
    ) -> None:
        """Measure four blocks, ABBA or BAAB by a secret coin.

        Always BAAB unless `is_dense`: where the submission goes on by itself between quads, each
        side then follows once on a turn of the other.
        """
        at_seconds = self.budget.elapsed()
        sides = {"A": Side(reference), "B": Side(submission)}
        for name in "ABBA" if is_dense and not self.schedule.coin() else "BAAB":
            side = sides[name]
            batches = side.batches[len(side.blocks)]
            if not len(batches):
                continue
            began, before = self.budget.clock(), self.foreign()
            side.blocks.append(runners.take(name, batches))
            side.foreign_seconds += self.foreign() - before
            side.wall_seconds += self.budget.clock() - began
            if name == "B":
                self.answers.keep(batches, side.blocks[-1])
        self.keep_quad(at_seconds, sides["A"], sides["B"])

    def keep_quad(self, at_seconds: float, reference: Side, submission: Side) -> None:
        if probes := [block.probe_seconds for block in reference.blocks if block.probe_seconds]:
            self.probe_seconds = sum(probes) / len(probes)
        has_cpu = reference.cpu_seconds >= STEADY_CPU_SHARE * reference.seconds
        self.schedule.reference_seconds += reference.seconds
        self.quads.append(
            Quad(
                at_seconds=at_seconds,
                segment=self.schedule.segment,
                reference_seconds=reference.seconds,
                reference_images=reference.images,
                submission_seconds=submission.seconds,
                submission_images=submission.images,
                reference_cpu_seconds=reference.cpu_seconds,
                submission_cpu_seconds=submission.cpu_seconds,
                disturbed=watches_cpu(self.plan) and not has_cpu,
                whole_pass=submission.images >= self.schedule.images,
                reference_load=reference.load,
                probe_seconds=self.probe_seconds,
                submission_load=submission.load if watches_cpu(self.plan) else None,
            )
        )

    def run_alone(self, runners: Runners, blocks: Halves) -> None:
        """Two blocks beside no reference. Their time is added to the quad before them."""
        for batches in blocks:
            if not len(batches):
                continue
            block = runners.take("B", batches)
            self.answers.keep(batches, block)
            if self.quads:
                last = self.quads[-1]
                self.quads[-1] = replace(
                    last,
                    alone_seconds=last.alone_seconds + block.seconds,
                    alone_images=last.alone_images + batches.size,
                )

    def ask_again(self, processes: Processes) -> None:
        """Let fresh processes answer some images again, untimed, until the model is cleared."""
        while lacking := self.answers.lacking():
            self.answers.rounds += 1
            rows = self.schedule.order()[: -(-lacking // self.schedule.batch_size)]
            with processes.submission() as submission:
                calls = min(submission.max_calls, self.schedule.block_calls(submission))
                for start in range(0, len(rows), calls):
                    part = rows[start : start + calls]
                    self.answers.keep(part, submission.answer(part, rewarm=False))
                    self.tick(self.finished_share())
            self.answers.refuse_changing()

    def finished_share(self) -> float:
        """Estimated finished share of the time that this measuring takes."""
        answered = self.answers.share
        lacking = 0.0 if self.stop.is_met else self.stop.needed - len(self.quads) / answered
        return self.budget.finished_share(answered, lacking, self.quads)

    def measurement(self) -> Measurement:
        many_cores = watches_cpu(self.plan) and findings.uses_many_cores(self.quads)
        return Measurement(
            answers=self.answers.labels,
            quads=tuple(map(findings.at_cpu_time, self.quads) if many_cores else self.quads),
            wall_seconds=self.budget.elapsed(),
            start_seconds=self.schedule.start_seconds,
            earlier=self.stop.earlier,
            answers_compared=self.answers.compared,
            answers_changed=self.answers.changed,
            stopped_cpu_seconds=self.answers.stopped_cpu_seconds,
            many_cores=many_cores,
        )


Halves = tuple[Batches, Batches]
"""The batches of a side's two blocks in a quad; the second may be empty."""


def halves(rows: Batches) -> Halves:
    """Two blocks of equal size, or the first one call longer."""
    middle = -(-len(rows) // 2)
    return rows[:middle], rows[middle:]


@dataclass
class Side:
    """One side of a quad: its batches, and its blocks so far."""

    batches: Halves
    blocks: list[Block] = field(default_factory=list)
    wall_seconds: float = 0.0
    foreign_seconds: float = 0.0
    """CPU seconds of other programs during its blocks."""

    @property
    def seconds(self) -> float:
        return sum(block.seconds for block in self.blocks)

    @property
    def cpu_seconds(self) -> float:
        return sum(block.cpu_seconds for block in self.blocks)

    @property
    def images(self) -> int:
        return sum(batches.size for batches in self.batches)

    @property
    def load(self) -> float:
        """Cores that other programs kept busy."""
        return self.foreign_seconds / self.wall_seconds
