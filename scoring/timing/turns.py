"""What a turn costs on this host, measured by an honest model in the sandbox in some seconds.

The alternative was a limit of three times what the reference's process shows in the same
evaluation. It has three faults. A busy moment would give one submission another limit than the next
one. The submission's process is often timed before the reference's. Nobody could see the numbers
beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from statistics import median

from scoring import formats
from scoring.images import albums
from scoring.job import HostNumbers, Plan
from scoring.sandbox import areas, parent, processes, sealing
from scoring.sandbox.selftest import CLASSES, LIMITS, SPEC
from scoring.timing.blocks import watches_cpu
from scoring.timing.runner import Entrant, Runner

ROUNDS, TURNS_OF_A_ROUND = 10, 31
"""Rounds of turns, of which the calmest counts, and turns of each kind in a round. In it up to half
of the turns may be disturbed."""


def measured(
    plan: Plan, tick: Callable[[], None] = lambda: None, *, may_be_weak: bool = False
) -> HostNumbers:
    """What turns cost here, under a plan's device and threads. `tick` is called while this waits.

    Raises `EngineError`, and `ModelFailed` if an honest model fails.
    """
    with (
        parent.started(plan, LIMITS, tick, may_be_weak=may_be_weak) as box,
        honest(box) as runner,
    ):
        return numbers(runner)


@contextmanager
def honest(box: parent.Sandbox) -> Iterator[Runner]:
    """A warm process of the honest model that the sandbox's self-test has."""
    one = formats.FORMATS[0]
    allowance = processes.Allowance(LIMITS.total_seconds)
    with (
        closing(sealing.sealed(one.honest(), one.name)) as model,
        closing(areas.Area(SPEC, CLASSES)) as area,
        Entrant(model, SPEC, albums.Album(()), area, allowance).fresh(box, seed=0) as runner,
    ):
        yield runner


def numbers(runner: Runner) -> HostNumbers:
    """Turns without calls, and idle seconds beside a probe, of one process."""
    empty_seconds = calmest(runner.empty_turn)
    if not watches_cpu(runner.plan):
        return HostNumbers(empty_seconds)
    return HostNumbers(empty_seconds, calmest(lambda: idle_seconds(runner)))


def calmest(seconds: Callable[[], float]) -> float:
    """The shortest of the rounds' medians. What other programs add to a turn is no cost of the
    turn."""
    return min(median(seconds() for _ in range(TURNS_OF_A_ROUND)) for _ in range(ROUNDS))


def idle_seconds(runner: Runner) -> float:
    """Seconds of a turn in which the process does not run. Its work is a probe of some
    milliseconds."""
    runner.freeze()
    runner.thaw()
    turn = runner.child.probe()
    return max(0.0, turn.seconds - turn.cpu_seconds)
