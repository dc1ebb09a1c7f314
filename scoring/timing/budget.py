"""What a measuring may still spend: timed seconds, wall seconds, and seconds of the reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scoring.job import RETRY_FACTOR, Plan, Quad
from scoring.timing import tally
from scoring.timing.host import START_SECONDS
from scoring.timing.tally import MAX_DROPPED
from scoring.timing.windows import WINDOW_QUADS

STARTING = 1.4
"""Wall seconds / cap that quads may take once every image is answered: processes start, and are
warmed again. Holds for processes that start within `START_SECONDS`; see `Budget.most_wall`."""
PAIRED_SHARE = 0.08
"""Quads of a piece in any case: this share of its pairs of blocks, up to a window of them."""
REFERENCE_SHARE = 0.17
REFERENCE_SECONDS = 3.0
"""What the reference may cost beside a long pass: a share of its time, and seconds besides."""


@dataclass
class Budget:
    """The budget of one measuring, which began at `start` by the clock."""

    plan: Plan
    is_retry: bool
    """Whether there are earlier quads that did not suffice."""
    clock: Callable[[], float]
    start_seconds: float = START_SECONDS
    """Seconds in which a process of the reference starts."""

    def __post_init__(self) -> None:
        self.start = self.clock()

    def elapsed(self) -> float:
        """Wall seconds of this measuring so far."""
        return self.clock() - self.start

    @property
    def cap(self) -> float:
        """Timed seconds that this measuring may take."""
        return self.plan.max_seconds * (RETRY_FACTOR if self.is_retry else 1)

    @property
    def most_wall(self) -> float:
        """Wall seconds / cap that quads may take: what exceeds 1 grows with the seconds of a start.

        At most `RETRY_FACTOR`, the time of a second attempt.
        """
        return min(1 + (STARTING - 1) * self.start_seconds / START_SECONDS, RETRY_FACTOR)

    def affords_quads(self, quads: Sequence[Quad], is_first_pass: bool) -> bool:
        """Whether another quad may be measured.

        The cap bounds timed seconds. Those of disturbed quads are granted again, as long as
        `MAX_DROPPED` allows for leaving them out: up to cap / (1 - MAX_DROPPED). After the first
        pass the cap times `most_wall` also bounds wall seconds, less those of blocks beside no
        reference: or else a model of microseconds would be measured for hours.
        """
        spent = tally.measured_seconds(quads)
        if not is_first_pass:
            spent = max(spent, (self.elapsed() - tally.alone_seconds(quads)) / self.most_wall)
        lost = tally.measured_seconds([quad for quad in quads if quad.disturbed])
        return not quads or spent < min(self.cap + lost, self.cap / (1 - MAX_DROPPED))

    def quads_of_a_piece(
        self, pairs: int, pieces: int, needed: int, most: float, quads: Sequence[Quad]
    ) -> int:
        """How many of a first pass's next `pairs` of blocks are to be quads.

        As many as the interval seems to need (`needed`), spread evenly over the `pieces` to come.
        At least so many that the plan's least number remains if `MAX_DROPPED` are disturbed.
        `most` is the number of quads that a long pass may have.
        """
        lacking = max(self.plan.min_quads / (1 - MAX_DROPPED), needed) - len(quads)
        wanted = max(1.0, lacking / pieces, min(PAIRED_SHARE * pairs, WINDOW_QUADS))
        wanted = min(wanted, (most - len(quads)) / pieces)
        left = self.plan.max_seconds - tally.measured_seconds(quads)
        affordable = left / (4 * self.plan.block_seconds) / pieces
        return min(pairs, math.ceil(min(wanted, max(1, affordable))))

    def quads_of_a_long_pass(self, pass_seconds: float, quad_seconds: float) -> float:
        """Number of quads that the reference's seconds pay for; at least the plan's least number.

        `pass_seconds` are the submission's of a pass, `quad_seconds` the reference's of a quad.
        """
        seconds = REFERENCE_SHARE * pass_seconds + REFERENCE_SECONDS
        return max(self.plan.min_quads, seconds / quad_seconds)

    def finished_share(self, answered: float, lacking: float, quads: Sequence[Quad]) -> float:
        """Estimated finished share of the time that this measuring takes.

        `answered` is the share of images answered, `lacking` the number of quads that are needed
        beyond those that the first pass will have.
        """
        elapsed = self.elapsed()
        left = elapsed * (1 - answered) / answered
        if lacking > 0 and quads:
            spent, per_quad = elapsed, 4 * self.plan.block_seconds
            if answered == 1:  # as `affords_quads` counts
                spent -= tally.alone_seconds(quads)
                per_quad = spent / len(quads)
            left += max(0.0, min(lacking * per_quad, self.most_wall * self.cap - spent - left))
        return elapsed / max(elapsed + left, 1e-9)
