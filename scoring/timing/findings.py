"""What a measurement says about a submission's conduct, in words where people read it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import bdtrc

from scoring.job import Plan, Quad
from scoring.sentences import Sentence, say
from scoring.timing import intervals, plain, robust, tally
from scoring.timing.blocks import watches_cpu
from scoring.timing.intervals import Estimate
from scoring.timing.outcome import Measurement
from scoring.timing.tally import STEADY_CPU_SHARE

FALSE_ALARM = 0.001
"""Probability that an honest model is said to wait, however busy the machine is."""
UNSTEADY = 2.0
"""Scatter of the submission's time / that of the reference's, beyond which it is unstable."""
MANY_CORES = 1.1
"""CPU / wall of a single-threaded model beyond which it must have used a second core."""
STOPPED_CPU_SECONDS = 0.01
"""CPU seconds that the kernel may charge a process for being stopped and woken, per evaluation."""


def flags(measurement: Measurement, plan: Plan, published: Estimate) -> tuple[Sentence, ...]:
    """Findings, for the page of the evaluation."""
    quads = measurement.pooled
    used = tally.counted(quads)
    found = []
    if watches_cpu(plan) and waits_longer(quads):
        found.append(
            say(
                "The model waited longer than the reference, for example because it sleeps "
                "or reads files. Waiting counts as time."
            )
        )
    if measurement.many_cores:
        found.append(say("The model used several cores. Its CPU time counts."))
    if measurement.stopped_cpu_seconds > STOPPED_CPU_SECONDS:
        # No figure: the model could choose it to carry a message.
        found.append(say("The model used the CPU while it was stopped."))
    if published.by == "sums":
        found.append(
            say(
                "Some images take much longer than others. The ratio of the sums of "
                "all times is used."
            )
        )
    if plain.alone_factor(used) > 1:
        found.append(
            say(
                "The model was slower when it did not run in turns with the reference. "
                "All of its time counts."
            )
        )
    if len(used) < plan.min_quads:
        found.append(say("Fewer than %(quads)s comparisons were measured.", quads=plan.min_quads))
    return tuple(found)


def is_too_slow(quads: Sequence[Quad], plan: Plan) -> bool:
    """Whether the submission's blocks alone exceed the cap, with too few quads to know its time."""
    seconds = sum(quad.submission_seconds + quad.alone_seconds for quad in quads)
    return len(quads) < plan.min_quads and seconds > plan.max_seconds


def is_unsteady(quads: Sequence[Quad], plan: Plan) -> bool:
    """Whether only the submission's time scatters, beside a reference whose time is steady.

    False for blocks shorter than half of the reference's, because every hiccup of the machine shows
    there.
    """
    used = tally.counted(quads)
    seconds = [sum(q.reference_seconds for q in used), sum(q.submission_seconds for q in used)]
    if len(used) < plan.min_quads or seconds[1] < seconds[0] / 2:
        return False
    reference, submission = tally.logs_per_image(used)
    _, half_width, _ = intervals.trimmed(reference, used, plan.host.between_runs_sd)
    is_steady = half_width <= plan.max_half_width
    return is_steady and robust.scatter(submission) > UNSTEADY * robust.scatter(reference)


def waits_longer(quads: Sequence[Quad]) -> bool:
    """Whether the submission waited for longer than the reference, by 3 % of its time at least.

    Waiting is wall time less CPU time. A busy machine makes both wait, in proportion to their CPU
    time. So each quad's waiting of the submission is compared with that of the reference in as many
    quads as hold the same CPU time. For an honest model either side is larger with the same
    probability: an exact sign test (Arbuthnot 1710), whatever the distribution of waits.
    """
    seconds, cpu_seconds = (
        np.array(
            [(getattr(q, f"reference_{name}"), getattr(q, f"submission_{name}")) for q in quads]
        )
        for name in ("seconds", "cpu_seconds")
    )
    waited = seconds - cpu_seconds
    reference, submission = waited.sum(axis=0) / seconds.sum(axis=0)
    if submission - reference < 1 - STEADY_CPU_SHARE:
        return False
    busy = cpu_seconds.sum(axis=0)
    together = max(1, math.ceil(busy[1] / busy[0]))
    groups = waited[: len(quads) // together * together].reshape(-1, together, 2)
    longer = groups[:, 0, 1] - groups[:, :, 0].sum(axis=1)
    count, pairs = int((longer > 0).sum()), int((longer != 0).sum())
    return bool(bdtrc(count - 1, pairs, 0.5) < FALSE_ALARM)  # P(at least `count` of `pairs`)


def uses_many_cores(quads: Sequence[Quad]) -> bool:
    """Whether the submission's CPU time exceeds its wall time clearly."""
    cpu_seconds = sum(quad.submission_cpu_seconds for quad in quads)
    return cpu_seconds > MANY_CORES * sum(quad.submission_seconds for quad in quads)


def at_cpu_time(quad: Quad) -> Quad:
    """A quad in which the submission pays for every core it used."""
    seconds = max(quad.submission_seconds, quad.submission_cpu_seconds)
    return replace(quad, submission_seconds=seconds)
