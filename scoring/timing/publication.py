"""Which ratio is published, whether its interval is narrow enough, and what the report says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from scoring.job import Pace, Plan, Quad, Timing
from scoring.sentences import Sentence
from scoring.timing import calibration, correction, findings, plain, tally
from scoring.timing.intervals import Correction, Estimate
from scoring.timing.outcome import Measurement

FINE = 0.001
"""Half-width of a ratio that suffices however small the ratio is: 0.0005 of a score, as much as
0.0001 of F1 makes. Of a ratio of 0.02 the usual 3 % would be half as much."""


def published(quads: Sequence[Quad], plan: Plan, pace: Pace | None) -> Estimate:
    """The estimate that counts under this plan."""
    if plan.published == "corrected" and pace is not None:
        return correction.estimate(quads, pace, plan.host.between_runs_sd)
    return plain.estimate(quads, between_runs_sd=plan.host.between_runs_sd)


def widest(plan: Plan, ratio: float) -> float:
    """The widest half-width, absolute, with which a plan that has a limit publishes a ratio."""
    return max(plan.max_half_width * ratio, FINE)


def is_too_wide(quads: Sequence[Quad], plan: Plan, pace: Pace | None) -> bool:
    """Whether there are quads, and their interval is too wide to be published."""
    if not quads or not plan.max_half_width:
        return False
    found = published(tally.counted(quads), plan, pace)
    return found.half_width > widest(plan, found.ratio)


def verdict(timing: Timing, plan: Plan) -> Literal["valid", "invalid", "time_unstable", "too_slow"]:
    """Whether the interval is narrow enough to be published; if not, why.

    `time_unstable` and `too_slow` are the submission's fault, `invalid` is the machine's.
    """
    limit = widest(plan, timing.time_ratio)
    if not plan.max_half_width or timing.half_width <= limit:
        return "valid"
    if findings.is_too_slow(timing.quads, plan):
        return "too_slow"
    return "time_unstable" if findings.is_unsteady(timing.quads, plan) else "invalid"


def summary(
    measurement: Measurement,
    plan: Plan,
    in_force: Sequence[Sentence] = (),
    pace: Pace | None = None,
    is_calibration: bool = False,
) -> Timing:
    """A measurement as the report states it.

    `pace` is the calibration's. In a calibration both sides are the reference model.
    """
    quads = measurement.pooled
    used = tally.counted(quads)
    unseen = plan.host.between_runs_sd
    uncorrected = plain.estimate(used, between_runs_sd=unseen)
    corrected = correction.estimate(used, pace, unseen) if pace else None
    found = corrected if corrected and plan.published == "corrected" else uncorrected
    details = corrected.correction if corrected else None
    reference = tally.per_image(used)[0]
    if found.correction:
        reference = found.correction.reference_seconds
    return Timing(
        time_ratio=found.ratio,
        half_width=found.half_width,
        standard_error=found.standard_error,
        seconds_per_image=found.ratio * reference,
        reference_seconds_per_image=reference,
        in_force=tuple(in_force),
        flags=findings.flags(measurement, plan, found),
        published="corrected" if found is corrected else "plain",
        plain_ratio=uncorrected.ratio,
        plain_half_width=uncorrected.half_width,
        plain_by=uncorrected.by,
        corrected_ratio=corrected.ratio if corrected else None,
        corrected_half_width=corrected.half_width if corrected else None,
        quad_ratios=quad_ratios(quads, used, found),
        reference_scatter=calibration.reference_noise(used) if is_calibration else (0.0, 0.0),
        **facts(measurement),
        **(reported(details) if details else {}),
    )


def facts(measurement: Measurement) -> dict[str, Any]:
    """What was measured, before any estimate."""
    quads = measurement.pooled
    return {
        "quads": quads,
        "segments": len({quad.segment for quad in quads}),
        "measured_seconds": tally.measured_seconds(quads),
        "disturbed_share": sum(quad.disturbed for quad in quads) / len(quads),
        "foreign_load": max(0.0, sum(quad.reference_load for quad in quads) / len(quads)),
        "probe_seconds": tally.probe_seconds(tally.counted(quads)),
        "earlier_quads": len(measurement.earlier),
        "answers_compared": measurement.answers_compared,
        "answers_changed": measurement.answers_changed,
        "stopped_cpu_seconds": measurement.stopped_cpu_seconds,
    }


def quad_ratios(quads: Sequence[Quad], used: Sequence[Quad], found: Estimate) -> tuple[float, ...]:
    """Ratio of each quad as it counts in the estimate. A quad that does not count has its own.

    Empty for a plain ratio, which takes each quad as it is.
    """
    if not found.quad_ratios:
        return ()
    moved = {id(quad): ratio for quad, ratio in zip(used, found.quad_ratios, strict=True)}
    return tuple(moved.get(id(quad), tally.ratio(quad)) for quad in quads)


def reported(details: Correction) -> dict[str, Any]:
    """Coefficients and reference point by the names they have in a report."""
    return {
        "pace_coefficient": details.pace_coefficient,
        "load_coefficient": details.load_coefficient,
        "read_at_seconds": details.reference_seconds,
        "loads": details.load_range,
        "load_read_at": details.load,
        "imbalance_coefficient": details.imbalance_coefficient,
        "imbalance_read_at": details.imbalance,
        "probe_coefficient": details.probe_coefficient,
        "probe_read_at_seconds": details.probe_seconds,
        "probes": details.probe_range,
    }
