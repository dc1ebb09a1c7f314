"""Paired timing: how long a submission takes, in units of the reference in the same moments.

Words, from small to large: a *call* is one forward at the fixed batch shape; a *block* is n calls
of one model timed as one; a *quad* is four blocks ABBA or BAAB; a *segment* is what one fresh pair
of processes answers; a *pass* is every hidden image answered once. Runners and clock are
arguments, and the statistics are functions of quads, so all of it can be tested with invented
times.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from scoring.errors import ModelFailed
from scoring.job import Plan, Quad, Timing

Batches = npt.NDArray[np.int64]
"""Image numbers, (calls, batch); a short last batch repeats its last image."""
Labels = npt.NDArray[np.int64]

TRIM = 0.2
WIDENING = 1.3
"""The t interval of a trimmed mean, widened: neighbouring quads share the weather."""
STEADY_CPU_SHARE = 0.97
MAX_DROPPED = 1 / 3
"""Share of quads that may lose their time for being disturbed: half as many again are measured."""
CHANGED_SHARE = 0.001


@dataclass(frozen=True)
class Block:
    """One timed block: the seconds of the parent's clock, and labels (calls, batch)."""

    seconds: float
    cpu_seconds: float
    labels: Labels


class Runner(Protocol):
    """One model in a fresh process."""

    max_calls: int
    seconds_per_call: float
    """As fast as it was last seen."""

    def answer(self, batches: Batches, rewarm: bool) -> Block:
        """Answer a block of images, none of which this process has seen."""


Pair = tuple[Runner, Runner]
OpenPair = Callable[[], AbstractContextManager[Pair]]
"""Fresh processes of (reference, submission)."""


@dataclass(frozen=True)
class Estimate:
    """time_ratio and half of its 95 % interval, absolute."""

    ratio: float
    half_width: float


@dataclass(frozen=True)
class Measurement:
    """What a measuring found: `answers` (N,) are labels of the first complete pass."""

    answers: Labels
    quads: tuple[Quad, ...]
    wall_seconds: float


def measure(
    open_pair: OpenPair,
    *,
    images: int,
    batch_size: int,
    plan: Plan,
    seed: int,
    clock: Callable[[], float] = time.perf_counter,
    tick: Callable[[float], None] = lambda share: None,
) -> Measurement:
    """Answer every image once, and on until the ratio is known well enough or time is up.

    `tick` is told the finished share. Raises `ModelFailed` (answers_change).
    """
    course = Course(images, batch_size, plan, seed, clock, tick)
    while not course.is_finished():
        with open_pair() as (reference, submission):
            course.run_segment(reference, submission)
        course.refuse_changing_answers()
    return Measurement(course.answers, tuple(course.quads), clock() - course.start)


def summary(measurement: Measurement, plan: Plan, in_force: Sequence[str] = ()) -> Timing:
    """A measurement as it goes into the report."""
    quads = measurement.quads
    used = counted(quads)
    found = estimate(used)
    reference = sum(quad.reference_seconds for quad in used) / sum(q.reference_images for q in used)
    return Timing(
        time_ratio=found.ratio,
        half_width=found.half_width,
        seconds_per_image=found.ratio * reference,
        reference_seconds_per_image=reference,
        quads=quads,
        segments=len({quad.segment for quad in quads}),
        measured_seconds=measured_seconds(quads),
        disturbed_share=sum(quad.disturbed for quad in quads) / len(quads),
        in_force=tuple(in_force),
        flags=flags(quads, plan),
    )


def estimate(quads: Sequence[Quad]) -> Estimate:
    """Plain ratio: exp of the 20 %-trimmed mean over quads of log(submission / reference per
    image).

    The interval is that of the trimmed mean, widened, and at least what segments say about each
    other.
    """
    logs = sorted(log_ratio(quad) for quad in quads)
    cut = int(TRIM * len(logs))
    kept = logs[cut : len(logs) - cut]
    ratio = math.exp(sum(kept) / len(kept))
    if len(kept) < 2:
        return Estimate(ratio, ratio)  # nothing is known about the noise
    winsorized = np.clip(logs, kept[0], kept[-1])
    error = float(np.std(winsorized, ddof=1)) / ((1 - 2 * TRIM) * math.sqrt(len(logs)))
    half_width = max(WIDENING * t_quantile(len(kept) - 1) * error, 2 * segment_error(quads))
    return Estimate(ratio, ratio * math.expm1(half_width))


def counted(quads: Sequence[Quad]) -> list[Quad]:
    """Quads whose time counts: all but the most disturbed, of which at most a third drop out."""
    disturbed = sorted((q for q in quads if q.disturbed), key=reference_cpu_share)
    dropped = {id(quad) for quad in disturbed[: int(MAX_DROPPED * len(quads))]}
    return [quad for quad in quads if id(quad) not in dropped]


def is_enough(quads: Sequence[Quad], plan: Plan) -> bool:
    """The stop rule: enough quads over enough segments, and a narrow interval."""
    used = counted(quads)
    if len(used) < plan.min_quads or len({quad.segment for quad in used}) < plan.min_segments:
        return False
    found = estimate(used)
    return found.half_width <= plan.target_half_width * found.ratio


def is_valid(timing: Timing, plan: Plan) -> bool:
    """Whether the interval is narrow enough to be published."""
    widest = plan.max_half_width * timing.time_ratio
    return not plan.max_half_width or timing.half_width <= widest


def log_ratio(quad: Quad) -> float:
    submission = quad.submission_seconds / quad.submission_images
    return math.log(submission / (quad.reference_seconds / quad.reference_images))


def segment_error(quads: Sequence[Quad]) -> float:
    """Standard error of the mean log ratio as the means of segments scatter; 0 for a single one."""
    by_segment: dict[int, list[float]] = {}
    for quad in quads:
        by_segment.setdefault(quad.segment, []).append(log_ratio(quad))
    means = [sum(logs) / len(logs) for logs in by_segment.values()]
    if len(means) < 2 or len(means) == len(quads):  # one quad each: the quads have said it already
        return 0.0
    return float(np.std(means, ddof=1)) / math.sqrt(len(means))


def t_quantile(freedom: int) -> float:
    """97.5 % quantile of Student's t, by its expansion around the normal one."""
    z = 1.959964
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )


def reference_cpu_share(quad: Quad) -> float:
    return quad.reference_cpu_seconds / quad.reference_seconds


def measured_seconds(quads: Sequence[Quad]) -> float:
    return sum(quad.reference_seconds + quad.submission_seconds for quad in quads)


def flags(quads: Sequence[Quad], plan: Plan) -> tuple[str, ...]:
    """Findings in words."""
    found = []
    calm = [quad for quad in quads if not quad.disturbed]
    idle = [q for q in calm if q.submission_cpu_seconds < STEADY_CPU_SHARE * q.submission_seconds]
    if watches_cpu(plan) and len(idle) > len(calm) / 2:
        found.append("The submission waits instead of computing; waiting counts as time.")
    if len(counted(quads)) < plan.min_quads:
        found.append(f"Fewer than {plan.min_quads} quads were measured.")
    return tuple(found)


def watches_cpu(plan: Plan) -> bool:
    """Whether CPU and wall seconds are comparable: not on a GPU, not with several threads."""
    return plan.device == "cpu" and plan.threads == 1


@dataclass
class Course:
    """A measuring under way."""

    images: int
    batch_size: int
    plan: Plan
    seed: int
    clock: Callable[[], float]
    tick: Callable[[float], None]
    quads: list[Quad] = field(default_factory=list)
    number: int = 0
    """Passes begun."""
    segment: int = 0
    """Segments begun."""
    compared: int = 0
    changed: int = 0

    def __post_init__(self) -> None:
        self.start = self.clock()
        self.random = np.random.default_rng(self.seed)
        self.answers: Labels = np.full(self.images, -1, dtype=np.int64)
        self.left: Batches = np.empty((0, self.batch_size), dtype=np.int64)
        self.calls = -(-self.images // self.batch_size)

    def is_finished(self) -> bool:
        """Never before the first pass is complete."""
        return self.number > 0 and not self.is_first_pass() and not self.wants_quads()

    def is_first_pass(self) -> bool:
        return bool((self.answers < 0).any())

    def wants_quads(self) -> bool:
        """Whether another quad would help: within the cap, and before the stop rule.

        The cap counts timed seconds, and once every image is answered all seconds, or else a model
        of microseconds would be measured for hours.
        """
        spent = measured_seconds(self.quads)
        if not self.is_first_pass():
            spent = max(spent, self.clock() - self.start)
        return not self.quads or (
            spent < self.plan.max_seconds and not is_enough(self.quads, self.plan)
        )

    def run_segment(self, reference: Runner, submission: Runner) -> None:
        """Answer a part of a pass with one fresh pair."""
        if not len(self.left):
            self.left = self.new_order()
            self.number += 1
        self.segment += 1
        calls = self.segment_calls(submission)
        rows, self.left = self.left[:calls], self.left[calls:]
        theirs = rows
        turns = Turns(reference, submission)
        stride = self.stride(submission)
        step = 0
        while len(rows):
            first_pass = self.is_first_pass()
            paired = len(theirs) and step % stride == 0 and self.wants_quads()
            if not paired and not first_pass:
                self.left = self.left[:0]
                return
            sizes = block_sizes(len(rows), submission, self.plan.block_seconds)
            mine, rows = rows[: sum(sizes)], rows[sum(sizes) :]
            if paired:
                seconds = sizes[0] * submission.seconds_per_call
                calls = fair_calls(len(theirs), reference, seconds)
                self.run_quad(turns, (mine[: sizes[0]], mine[sizes[0] :]), theirs[:calls])
                theirs = theirs[calls:]
            else:
                for block in (mine[: sizes[0]], mine[sizes[0] :]):
                    self.keep(block, turns.submission(block))
            step += 1
            self.tick(self.share())

    def run_quad(self, turns: Turns, mine: tuple[Batches, Batches], theirs: Batches) -> None:
        """Four blocks, ABBA or BAAB by a secret coin."""
        at_seconds = self.clock() - self.start
        half = -(-len(theirs) // 2)
        reference, submission = [], []
        parts = {"A": iter((theirs[:half], theirs[half:])), "B": iter(mine)}
        for side in ("ABBA", "BAAB")[self.random.integers(2)]:
            batches = next(parts[side])
            if not len(batches):
                continue
            if side == "A":
                reference.append(turns.reference(batches))
            else:
                submission.append(turns.submission(batches))
                self.keep(batches, submission[-1])
        seconds = sum(block.seconds for block in reference)
        cpu_seconds = sum(block.cpu_seconds for block in reference)
        self.quads.append(
            Quad(
                at_seconds=at_seconds,
                segment=self.segment,
                reference_seconds=seconds,
                reference_images=theirs.size,
                submission_seconds=sum(block.seconds for block in submission),
                submission_images=sum(batches.size for batches in mine),
                reference_cpu_seconds=cpu_seconds,
                submission_cpu_seconds=sum(block.cpu_seconds for block in submission),
                disturbed=watches_cpu(self.plan) and cpu_seconds < STEADY_CPU_SHARE * seconds,
            )
        )

    def keep(self, batches: Batches, block: Block) -> None:
        """Answers of the first pass count; later ones are held against them."""
        numbers, first = np.unique(batches, return_index=True)
        labels = block.labels.reshape(-1)[first]
        known = self.answers[numbers] >= 0
        self.compared += int(known.sum())
        self.changed += int((self.answers[numbers] != labels)[known].sum())
        self.answers[numbers[~known]] = labels[~known]

    def refuse_changing_answers(self) -> None:
        if self.changed > max(1, CHANGED_SHARE * self.compared):
            raise ModelFailed(
                "answers_change",
                # No figure: how many changed can be made to say something about private images.
                "Asked again about the same images, the model changed more answers than the 0.1 % "
                "that rounding may explain. Use no randomness or state.",
            )

    def new_order(self) -> Batches:
        """A fresh secret order of all images, cut into calls."""
        order = self.random.permutation(self.images)
        padding = np.repeat(order[-1:], self.calls * self.batch_size - self.images)
        return np.concatenate([order, padding]).reshape(self.calls, self.batch_size)

    def segment_calls(self, submission: Runner) -> int:
        """Calls of the next segment: a long first pass is cut into the segments asked for."""
        pieces = self.plan.min_segments
        least_seconds = pieces * 2 * self.plan.block_seconds
        if self.number > 1 or self.calls * submission.seconds_per_call < least_seconds:
            return self.calls
        return -(-self.calls // pieces)

    def stride(self, submission: Runner) -> int:
        """Every how many-th pair of blocks is a quad: quads spread over a long first pass."""
        if self.number > 1:
            return 1
        pairs = self.calls * submission.seconds_per_call / (2 * self.plan.block_seconds)
        affordable = self.plan.max_seconds / (8 * self.plan.block_seconds)
        return max(1, int(pairs / max(self.plan.min_quads, affordable)))

    def share(self) -> float:
        """About how much is done."""
        answered = float((self.answers >= 0).mean())
        if answered < 1:
            return 0.9 * answered
        quads = len(self.quads) / max(1, self.plan.min_quads)
        return 0.9 * min(1.0, max(quads, (self.clock() - self.start) / self.plan.max_seconds))


class Turns:
    """Whose turn it was last decides whether a model must be warmed again."""

    def __init__(self, reference: Runner, submission: Runner) -> None:
        self.runners = (reference, submission)
        self.last: Runner | None = None

    def reference(self, batches: Batches) -> Block:
        return self.take(self.runners[0], batches)

    def submission(self, batches: Batches) -> Block:
        return self.take(self.runners[1], batches)

    def take(self, runner: Runner, batches: Batches) -> Block:
        rewarm, self.last = runner is not self.last, runner
        return runner.answer(batches, rewarm)


def block_sizes(left: int, runner: Runner, seconds: float) -> tuple[int, int]:
    """Calls of the next two blocks: about `seconds` each, with no crumbs left at the end."""
    calls = min(runner.max_calls, max(1, round(seconds / runner.seconds_per_call)))
    pairs = max(1, left // (2 * calls))
    both = min(-(-left // pairs), 2 * runner.max_calls)
    return -(-both // 2), both // 2


def fair_calls(left: int, runner: Runner, seconds: float) -> int:
    """Calls of two blocks of `seconds` each by this runner's own speed."""
    calls = min(runner.max_calls, max(1, round(seconds / runner.seconds_per_call)))
    return min(2 * calls, left)
