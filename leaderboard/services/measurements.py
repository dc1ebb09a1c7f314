"""All measurements of one content: found by a key, pooled quad by quad.

The same content in the same competition on the same kind of machine has one time. A second upload
of it gets the stored measurement. A repeated measurement adds quads to the stored ones.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from leaderboard.models import Baseline, Competition, Evaluation, HardwareProfile, Submission
from leaderboard.services import formulas, statements
from scoring.job import PROTOCOL, Quad, Timing
from scoring.timing import pooling

logger = logging.getLogger(__name__)
State = Evaluation.State


@dataclass(frozen=True)
class Attempt:
    """The quads that one attempt measured itself."""

    evaluation: Evaluation
    is_noisy: bool
    """Whether the attempt did not count, because its interval was too wide."""
    quads: tuple[Quad, ...]
    hardware: dict[str, Any]
    """The machine of the attempt, from its report."""

    @property
    def segments(self) -> list[int]:
        return sorted({quad.segment for quad in self.quads})

    @property
    def seconds(self) -> float:
        return sum(quad.reference_seconds + quad.submission_seconds for quad in self.quads)


def key(
    competition: Competition,
    profile: HardwareProfile,
    model: Submission | Baseline | None = None,
) -> str:
    """The hash of all that a measurement depends on: content, input, images, reference, machine,
    plan and protocol."""
    assert competition.reference
    assert competition.dataset
    parts = [
        content_of(model),
        model.static["input"] if model else None,
        competition.dataset.sha256,
        competition.reference.sha256,
        profile.slug,
        profile.plan().to_json(),
        PROTOCOL,
    ]
    if competition.measured_since_id:  # what was measured before is not pooled, and not shared
        parts.append(competition.measured_since_id)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def content_of(model: Submission | Baseline | None) -> str:
    """What stands in a key for a content. A baseline shares no measurement with a team."""
    if isinstance(model, Baseline):
        return f"baseline {model.sha256}"
    return model.content_sha256 if model else "calibration"


def hold_to_today(evaluation: Evaluation) -> None:
    """Let a claimed evaluation be measured by the protocol and the plan of today.

    Attempts under another protocol or plan are another measurement. They are kept, but they are not
    pooled and do not count as faults. Raises `Stale`.
    """
    before = evaluation.measurement_key
    today = key(formulas.judging(evaluation), evaluation.profile, evaluation.model)
    if today == before:
        return
    logger.info("%s was queued under another protocol or plan.", evaluation)
    # Reports from before an earlier change have another key and were subtracted at that time.
    uncounted = evaluation.reports.filter(measurement_key=before).count()
    evaluation.note(
        measurement_key=today,
        faults=max(0, evaluation.faults - uncounted),
        error_code="",
        error_said=[],
        isolation=None,
    )


def of_same_content(evaluation: Evaluation) -> QuerySet[Evaluation]:
    """Evaluations that measured this content themselves, without those that share a measurement."""
    return of_content(evaluation.competition_id, evaluation.measurement_key)


def of_content(competition: int, key: str) -> QuerySet[Evaluation]:
    return Evaluation.every.filter(
        competition=competition,
        kind=Evaluation.Kind.SUBMISSION,
        measurement_key=key,
        measured_by=None,
    ).exclude(measurement_key="")


def stored(evaluation: Evaluation) -> Evaluation | None:
    """The stored measurement of the same content; None for an evaluation that must be measured
    again."""
    if evaluation.is_repeat:
        return None
    return in_order(of_same_content(evaluation).filter(state=State.SCORED)).last()


def earlier(evaluation: Evaluation) -> QuerySet[Evaluation]:
    """Measurements whose quads are pooled into this evaluation, the first one first.

    They had ended when the last attempt of this evaluation began, or when it was cancelled. The
    order of queueing does not matter.
    """
    measured = of_same_content(evaluation).filter(state__in=[State.SCORED, State.ERROR])
    if until := evaluation.claimed_at or evaluation.finished_at:
        measured = measured.filter(finished_at__lte=until)
    return in_order(measured.exclude(pk=evaluation.pk))


def in_order(measured: QuerySet[Evaluation]) -> QuerySet[Evaluation]:
    """Evaluations by their end, the first one first."""
    return measured.order_by("finished_at", "pk")


def count(evaluation: Evaluation) -> int:
    """How many measurements of the content had ended when this evaluation ended."""
    until = evaluation.claimed_at or evaluation.finished_at or timezone.now()
    return 1 + len(
        scored_before(
            competition=evaluation.competition_id,
            key=evaluation.measurement_key,
            until=until,
            without=evaluation.pk,
        )
    )


@statements.prepared
def scored_before(
    *, competition: int, key: str, until: datetime, without: int
) -> QuerySet[Evaluation, Any]:
    """The keys of the measurements of a content that had ended with a score."""
    return (
        of_content(competition, key)
        .filter(state=State.SCORED, finished_at__lte=until)
        .exclude(pk=without)
        .order_by()
        .values_list("pk")
    )


def narrower_before(evaluation: Evaluation) -> float | None:
    """The half-width of the measurement before, if it was narrower than the pooled half-width; else
    None."""
    measured = evaluation.measured_by or evaluation
    before = earlier(measured).filter(state=State.SCORED).last()
    if before is None or before.half_width is None or evaluation.half_width is None:
        return None
    return before.half_width if before.half_width < evaluation.half_width else None


def attempts(evaluation: Evaluation) -> list[Attempt]:
    """The attempts on the content up to this evaluation. Each quad is in one of them."""
    measured = evaluation.measured_by or evaluation
    found: list[Attempt] = []
    seen: set[tuple[float, ...]] = set()
    for one in [*earlier(measured), measured]:
        # Only attempts under the protocol and plan that the evaluation ended with.
        for stored in one.reports.filter(measurement_key=one.measurement_key):
            report = stored.read()
            if report is None or report.timing is None:
                continue
            # Quads that were pooled into this report belong to the report that measured them.
            new = [quad for quad in report.timing.quads if identity(quad) not in seen]
            seen |= {identity(quad) for quad in new}
            if new:
                new.sort(key=lambda quad: quad.at_seconds)
                is_lost = stored.is_noisy or one.state != State.SCORED
                found.append(Attempt(one, is_lost, tuple(new), report.hardware))
    return found


def pooled(evaluation: Evaluation) -> tuple[Quad, ...]:
    """The quads that there are before an evaluation is measured, in one row."""
    found: tuple[Quad, ...] = ()
    for attempt in attempts(evaluation):
        found = pooling.pooled(found, pooling.from_zero(attempt.quads))
    return found


def corrected_ratios(timing: Timing | None) -> dict[tuple[float, ...], float]:
    """The ratio at which each quad counts in a corrected ratio, by the quad's `identity`. Empty if
    the plain ratio is published."""
    if timing is None or not timing.quad_ratios:
        return {}
    return {
        identity(quad): ratio for quad, ratio in zip(timing.quads, timing.quad_ratios, strict=True)
    }


def identity(quad: Quad) -> tuple[float, ...]:
    """A key that no two quads share: the nanoseconds of both sides.

    The time at which a quad began is no part of the key, because pooling changes that time.
    """
    return (
        quad.reference_seconds,
        quad.submission_seconds,
        quad.reference_cpu_seconds,
        quad.submission_cpu_seconds,
    )
