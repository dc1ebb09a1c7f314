"""The stop rule: whether the interval is good enough, and how many quads that seems to take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from scoring.job import Pace, Plan, Quad
from scoring.timing import pooling, publication, tally
from scoring.timing.intervals import WIDENING, Z
from scoring.timing.robust import NEGLIGIBLE, t_quantile

MOSTLY_STARTING = 2.0
"""Wall / timed seconds of a measuring that mostly starts processes."""
LATE = 0.6
"""Share of the cap in wall seconds, after which a half-width of `publication.FINE` suffices."""
FEW_QUADS = 4
"""Quads below which nothing is predicted."""


@dataclass
class StopRule:
    """The stop rule of one measuring, applied at the end of each segment.

    A stop rule that is applied after each quad would stop at quads that agree by chance."""

    plan: Plan
    pace: Pace | None
    earlier: tuple[Quad, ...]
    is_met: bool = False
    needed: int = field(init=False)
    """Quads that the interval seems to need."""

    def __post_init__(self) -> None:
        self.needed = self.plan.min_quads

    def apply(self, quads: Sequence[Quad], wall_seconds: float, is_long: bool) -> None:
        """Look at the quads after `wall_seconds` of measuring; `is_long`: a pass is long."""
        plan = self.plan_after(quads, wall_seconds, is_long)
        is_late = wall_seconds > LATE * self.plan.max_seconds
        fine = publication.FINE if is_late and self.plan.max_half_width else 0.0
        self.is_met = is_enough(quads, plan, self.pace, self.earlier, fine)
        self.needed = quads_needed(quads, plan, self.pace)

    def plan_after(self, quads: Sequence[Quad], wall_seconds: float, is_long: bool) -> Plan:
        """The plan with the target that is worth its time now.

        The target is what may be published after a long pass or beyond the cap. If most of the
        time goes into starting processes, half of the cap is enough.
        """
        plan = self.plan
        measured = tally.measured_seconds(quads)
        mostly_starting = (
            wall_seconds > plan.max_seconds / 2 and wall_seconds > MOSTLY_STARTING * measured
        )
        if mostly_starting or is_long or measured >= plan.max_seconds:
            return replace(plan, target_half_width=max(plan.max_half_width, plan.target_half_width))
        return plan


def is_enough(
    quads: Sequence[Quad],
    plan: Plan,
    pace: Pace | None = None,
    earlier: Sequence[Quad] = (),
    fine: float = 0.0,
) -> bool:
    """Whether there are enough new quads over enough segments, and all together are precise.

    The half-width must be at most the plan's target, or `fine`, which is absolute.
    """
    new = tally.counted(quads)
    if len(new) < plan.min_quads or len({quad.segment for quad in new}) < plan.min_segments:
        return False
    found = publication.published(tally.counted(pooling.pooled(earlier, quads)), plan, pace)
    return found.half_width <= max(plan.target_half_width * found.ratio, fine)


def quads_needed(quads: Sequence[Quad], plan: Plan, pace: Pace | None) -> int:
    """Number of quads that the target takes if later ones scatter like these.

    The variance that more quads do not make smaller is subtracted from the target's, down to half
    of the target. A target of 0 is taken for `NEGLIGIBLE`: measuring goes on to the cap.
    """
    used = tally.counted(quads)
    if len(used) < FEW_QUADS:
        return plan.min_quads
    single = [replace(quad, segment=0) for quad in used]  # few segments say little about scatter
    found = publication.published(single, plan, pace)
    noise = math.sqrt(max(0.0, (found.standard_error / found.ratio) ** 2 - found.fixed_sd**2))
    target = plan.target_half_width
    room = max(target**2 - (Z * found.fixed_sd) ** 2, (target / 2) ** 2, NEGLIGIBLE**2)
    share = WIDENING * t_quantile(plan.min_quads) * noise
    return max(plan.min_quads, math.ceil(len(used) * share**2 / room))
