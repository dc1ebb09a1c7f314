"""Which images a process answers, in which order, and in blocks of which size.

A pass is every image answered once. A long pass is cut into pieces; each piece has a fresh process
of the submission. All orders and coins come from one secret seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from scoring.job import Plan
from scoring.timing.blocks import Batches, Block, Runner
from scoring.timing.host import START_SECONDS

SEGMENT_SECONDS = 9.0
"""Longest piece of a pass, in seconds of the submission: its time holds several fresh processes."""
MAX_PIECES = 6
"""Most pieces of a pass."""
BRIEF_STARTS = 4.0
"""Seconds of blocks that one process of the reference answers beside several brief passes, in units
of the seconds in which it started."""
LONG_PASS = 0.4
"""Share of the cap beyond which a pass is long. A long pass is made once if it can be published,
and the reference has a budget of its own."""
LEAST_BLOCK, MOST_BLOCK = 0.6, 1.5
"""Shortest and longest block of the reference, in units of the plan's block."""


@dataclass
class Schedule:
    """The images that are still to be answered, in order."""

    images: int
    batch_size: int
    plan: Plan
    seed: int
    segment: int = 0
    """Number of the current segment, from 1."""
    passes: int = 0
    """Number of passes begun."""
    pieces: int = 1
    """Pieces of this pass that are still to come, the running one included."""
    is_long: bool = False
    """Whether a pass is long in relation to the cap."""
    is_brief: bool = False
    """Whether a pass has one piece only."""
    reference_calls: int = 0
    """Calls of the reference beside the last piece in this segment."""
    reference_seconds: float = 0.0
    """Timed seconds of this segment's process of the reference."""
    start_seconds: float = START_SECONDS
    """Seconds in which a process of the reference starts."""
    reference_left: Batches = field(init=False)
    """Batches that this segment's process of the reference has not seen."""
    submission_left: Batches = field(init=False)
    """Batches that are left of this pass."""

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.calls = -(-self.images // self.batch_size)
        self.submission_left = self.none()
        self.reference_left = self.none()

    def none(self) -> Batches:
        return np.empty((0, self.batch_size), dtype=np.int64)

    def order(self) -> Batches:
        """A fresh secret order of all images (calls, batch)."""
        order = self.random.permutation(self.images)
        padding = np.repeat(order[-1:], self.calls * self.batch_size - self.images)
        return np.concatenate([order, padding]).reshape(self.calls, self.batch_size)

    def coin(self) -> bool:
        return bool(self.random.integers(2))

    def begin_segment(self) -> bool:
        """Whether the submission's process starts before the reference's.

        The process that starts first gets other memory, and was seen to be 1 % slower for it.
        """
        self.segment += 1
        self.reference_left = self.order()
        self.reference_calls, self.reference_seconds = 0, 0.0
        return self.coin()

    def begin_pass(self, seconds_per_call: float) -> None:
        """A new pass of a submission that takes `seconds_per_call`."""
        self.submission_left = self.order()
        self.passes += 1
        seconds = self.calls * seconds_per_call
        self.is_long = seconds > LONG_PASS * self.plan.max_seconds
        self.pieces = self.pieces_of_a_pass(seconds)
        self.is_brief = self.pieces == 1

    def pieces_of_a_pass(self, seconds: float) -> int:
        """One piece if a pass is short, at least the plan's least number of segments if not."""
        if seconds < 2 * self.plan.block_seconds * self.plan.min_quads:
            return 1
        return max(self.plan.min_segments, min(MAX_PIECES, math.ceil(seconds / SEGMENT_SECONDS)))

    def next_piece(self, submission: Runner, quads_lacking: int) -> Batches:
        """The batches of the next piece. After a long pass a piece has `quads_lacking` at most."""
        calls = -(-len(self.submission_left) // self.pieces)
        if self.is_long and self.passes > 1:
            calls = min(calls, 2 * self.block_calls(submission) * quads_lacking)
        rows, self.submission_left = self.submission_left[:calls], self.submission_left[calls:]
        return rows

    def end_piece(self, reference_calls: int) -> None:
        """A piece is over, beside which the reference answered so many calls."""
        self.reference_calls = reference_calls
        self.pieces = max(1, self.pieces - 1)

    def reference_lasts(self) -> bool:
        """Whether this process of the reference may serve for a further brief pass.

        It takes longer to start one than it would run beside a brief pass.
        """
        serves = self.is_brief and self.reference_seconds < self.brief_seconds
        return serves and self.reference_calls <= len(self.reference_left)

    @property
    def brief_seconds(self) -> float:
        """Seconds of blocks for which this process of the reference is worth its start.

        However long a start takes, the cap holds the plan's least number of segments.
        """
        most = self.plan.max_seconds / 2 / self.plan.min_segments
        usual = BRIEF_STARTS * START_SECONDS
        return max(usual, min(BRIEF_STARTS * self.start_seconds, most))

    def block_calls(self, runner: Runner) -> int:
        """Calls of a block of the plan's length, at least 1."""
        return max(1, round(self.plan.block_seconds / runner.seconds_per_call))

    def reference_blocks(self, calls: int, reference: Runner, submission: Runner) -> Batches:
        """The reference's batches of a quad beside a block of so many calls of the submission.

        Its blocks last as long as the submission's, because the cost of the switch weighs more in a
        short block. `LEAST_BLOCK` and `MOST_BLOCK` bound them, for a submission that has few images
        left or takes long for a single call.
        """
        seconds = calls * submission.seconds_per_call
        least, most = self.plan.block_seconds * LEAST_BLOCK, self.plan.block_seconds * MOST_BLOCK
        sizes = block_sizes(len(self.reference_left), reference, min(most, max(least, seconds)))
        rows, self.reference_left = np.split(self.reference_left, [sum(sizes)])
        return rows


class Runners:
    """The two runners of a piece. A model whose turn follows on the other's is warmed again."""

    def __init__(self, reference: Runner, submission: Runner) -> None:
        self.runners = {"A": reference, "B": submission}
        self.last = ""

    def take(self, side: str, batches: Batches) -> Block:
        """Side A is the reference, side B the submission."""
        rewarm, self.last = side != self.last, side
        return self.runners[side].answer(batches, rewarm)


def is_turn(step: int, steps: int, wanted: int) -> bool:
    """Whether this step is one of `wanted` that are spread evenly over `steps`."""
    return (step + 1) * wanted // steps > step * wanted // steps


def block_sizes(left: int, runner: Runner, seconds: float) -> tuple[int, int]:
    """Calls of the next two blocks of about `seconds` each, so that no short rest remains."""
    calls = min(runner.max_calls, max(1, round(seconds / runner.seconds_per_call)))
    pairs = max(1, left // (2 * calls))
    both = min(-(-left // pairs), 2 * runner.max_calls)
    return -(-both // 2), both // 2
