"""The end of an attempt is written: figures, report and boards in one transaction.

`attempt` is the fencing token. A worker that lost its lease meanwhile records nothing (`Stale`).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from leaderboard import queue, sentences
from leaderboard.models import Competition, Evaluation, Submission, Team
from leaderboard.models.evaluation import MAX_FAULTS
from leaderboard.services import (
    answers,
    events,
    formulas,
    gains,
    measurements,
    placing,
    queueing,
    turns,
    versions,
    workers,
)
from leaderboard.services.events import Event
from scoring import timings
from scoring.job import Report
from scoring.sentences import Sentence, joined, say

if TYPE_CHECKING:
    from leaderboard.services.answers import Labels

logger = logging.getLogger(__name__)
State = Evaluation.State
Why = Evaluation.Why
STOPPED = "worker_stopped"
"""The code of a worker that was told to stop. The attempt is not used up."""
RESCORED = "rescored_meanwhile"
"""The code of a measuring by terms that a rescore has ended. The upload is measured by new ones."""
NO_FAULTS = frozenset({STOPPED, RESCORED, workers.NO_ROOM})
"""Codes of endings that use up no attempt. A full disk is no fault of the evaluation, either."""
LOST = "worker_lost"
"""The code of an expired lease. The next attempt need not wait: the lease was the pause."""
RETRY_AFTER = timedelta(seconds=30)
"""The first pause after a fault of ours: about the time that a service takes to start again."""


@transaction.atomic
def record(
    evaluation: Evaluation, report: Report, answered: Mapping[str, Labels] | None = None
) -> None:
    """Write a report: state, scores and entries at once, or nothing if the lease was lost.

    `answered`: the answers of a scored model by split, which are no part of its report.
    """
    if report.status == "invalid":
        give_back(
            evaluation,
            code="too_noisy",
            said=say("The machine was too noisy for the profile's interval. See the report."),
            isolation=isolation_of(report),
        )
        keep(evaluation, report, is_noisy=True)
        return
    if is_outdated(evaluation):
        return
    if report.failure:
        evaluation.move_to(
            State.FAILED,
            failure_code=report.failure.code,
            failure_said=sentences.stored(report.failure.said),
            isolation=isolation_of(report),
            **ended(),
        )
    else:
        discount(evaluation)
        figures = verdict(evaluation, report)
        figures["answers"] = kept = answers.keep(evaluation, answered or {})
        figures["gain"] = gains.of(evaluation, figures, kept.pk if kept else None)
        evaluation.move_to(State.SCORED, **figures, isolation=isolation_of(report), **ended())
    keep(evaluation, report)
    if evaluation.is_hidden:
        prepare(evaluation)
    elif evaluation.state == State.SCORED:
        show(evaluation, *(share(evaluation) if evaluation.is_repeat else ()))
    turns.charge(evaluation)
    events.tell(Event.EVALUATION_ENDED, evaluation)


def is_outdated(evaluation: Evaluation) -> bool:
    """Hold the formula, data, reference and machine of today.

    If the evaluation was measured by earlier ones, it goes back to the queue. Returns whether it
    did.
    """
    formulas.hold(evaluation.competition)
    if not formulas.terms_of_today(evaluation):
        return False
    said = say("A rescore was applied in the meantime. The upload is measured with the new terms.")
    give_back(evaluation, code=RESCORED, said=said)
    return True


def verdict(evaluation: Evaluation, report: Report) -> dict[str, Any]:
    """The columns that a scored report fills."""
    assert report.timing
    public, private = report.splits["public"], report.splits["private"]
    return {
        **scores(
            formulas.judging(evaluation),
            quality_public=public.quality,
            quality_private=private.quality,
            time_ratio=timings.published_ratio(report.timing.time_ratio),
            quality_ref=report.quality_ref,
        ),
        "counts": evaluation.submission is not None and not evaluation.is_hidden,
        "f1_by_class": {label: quality.f1 for label, quality in public.per_class.items()},
        "half_width": timings.published_half_width(report.timing.half_width),
        "submission_seconds": report.timing.seconds_per_image,
        "reference_seconds": report.timing.reference_seconds_per_image,
        "measurements": measurements.count(evaluation),
        "macs": report.model.macs if report.model else None,
        "memory_bytes": report.dry_run.memory_bytes if report.dry_run else None,
    }


def ended() -> dict[str, Any]:
    """The columns of an evaluation that is over."""
    return {
        "finished_at": Now(),
        "lease_expires_at": None,
        "percent": 100,
        "stage": "",
        "remaining_seconds": None,
    }


def isolation_of(report: Report) -> dict[str, Any] | None:
    return report.isolation.to_json() if report.isolation else None


def discount(evaluation: Evaluation) -> None:
    """Let no evaluation of a submission count any more, because the caller makes another one
    count."""
    if evaluation.submission and not evaluation.is_hidden:
        evaluation.submission.evaluations.filter(counts=True).update(counts=False)


def keep(evaluation: Evaluation, report: Report, *, is_noisy: bool = False) -> None:
    """Store an attempt's report. Call in the transaction that moves its evaluation on."""
    evaluation.reports.create(
        attempt=evaluation.attempt,
        is_noisy=is_noisy,
        measurement_key=evaluation.measurement_key,
        found=report.to_json(),
    )


@transaction.atomic
def record_stored(evaluation: Evaluation, stored: Evaluation) -> None:
    """Give an evaluation the stored measurement of the same content. So uploading again is no
    lottery."""
    if is_outdated(evaluation):
        return
    discount(evaluation)
    figures = shared(stored, formulas.judging(evaluation))
    gain = gains.of(evaluation, figures, stored.answers_id)
    evaluation.move_to(State.SCORED, **figures, gain=gain, counts=not evaluation.is_hidden)
    keep_shared(evaluation, stored)
    if evaluation.is_hidden:
        prepare(evaluation)
    else:
        show(evaluation)
    turns.charge(evaluation)
    events.tell(Event.EVALUATION_ENDED, evaluation)


def share(evaluation: Evaluation) -> list[Team]:
    """Give a new measurement to all other submissions of the same content.

    Returns their teams, whose places must be found again.
    """
    measured = evaluation.submission
    assert measured
    # By content, not by key: an upgrade changes the key, and older submissions share as well.
    same = Submission.objects.filter(
        competition=evaluation.competition,
        content_sha256=measured.content_sha256,
        evaluations__state=State.SCORED,
    ).exclude(pk=measured.pk)
    teams = []
    for submission in same.distinct():
        if submission.static["input"] != measured.static["input"]:
            continue
        submission.evaluations.filter(counts=True).update(counts=False)
        twin = Evaluation.objects.create(
            competition=evaluation.competition,
            submission=submission,
            team=submission.team,
            content_sha256=submission.content_sha256,
            reference=evaluation.reference,
            dataset=evaluation.dataset,
            profile=evaluation.profile,
            rescore_id=evaluation.rescore_id,
            measurement_key=evaluation.measurement_key,
            queued_at=timezone.now(),
            state=State.SCORED,
            why=Why.SHARED,
            **shared(evaluation, evaluation.competition),
            gain=gains.before(submission),
            counts=True,
        )
        keep_shared(twin, evaluation)
        events.tell(Event.EVALUATION_ENDED, twin)
        teams.append(submission.team)
        logger.info("%s shares the measurement of %s.", twin, evaluation)
    return teams


def shared(stored: Evaluation, competition: Competition) -> dict[str, Any]:
    """The columns of an evaluation that shares a measurement, by the formula of a competition."""
    figures = stored.figures()
    return {
        "measured_by": stored,
        "measurements": stored.measurements,
        **scores(
            competition,
            quality_public=figures.quality_public,
            quality_private=figures.quality_private,
            time_ratio=figures.time_ratio,
            quality_ref=stored.quality_ref,
        ),
        "half_width": figures.half_width,
        "submission_seconds": figures.submission_seconds,
        "reference_seconds": figures.reference_seconds,
        "answers_id": stored.answers_id,
        "macs": stored.macs,
        "memory_bytes": stored.memory_bytes,
        "f1_by_class": stored.f1_by_class,
        "isolation": stored.isolation,
        **ended(),
    }


def keep_shared(evaluation: Evaluation, stored: Evaluation) -> None:
    """Store the report of the measurement that an evaluation shares.

    A model's words may quote the debug records of its file: paths and source of the person who
    exported it. Debug records are no part of the content, so a dry run is shared only between equal
    files.
    """
    report = stored.report()
    if report is None:  # another version wrote it; the figures hold all the same
        return
    both = evaluation.submission, stored.submission
    is_same_file = all(both) and len({one.sha256 for one in both if one}) == 1
    keep(evaluation, report if is_same_file else replace(report, dry_run=None))


@transaction.atomic
def give_back(
    evaluation: Evaluation, *, code: str, said: Sentence | Sequence[Sentence], **found: object
) -> None:
    """End an attempt that failed by our fault: back to the queue, or ERROR after the last attempt.

    The next attempt waits (`pause`), and the worker checks itself before it takes more work. A code
    in `NO_FAULTS` uses up no attempt, and another worker may take the evaluation at once.
    """
    formulas.hold(evaluation.competition)
    is_fault = code not in NO_FAULTS
    faults = evaluation.faults + is_fault
    told = [said] if isinstance(said, Sentence) else said
    stored = sentences.stored(told)
    columns = {
        "error_code": code,
        "error_said": stored,
        "faults": faults,
        "lease_expires_at": None,
        "stage": "",
        "remaining_seconds": None,
        **found,
    }
    if faults < MAX_FAULTS:
        not_before = Now() + pause(faults) if is_fault and code != LOST else None
        columns |= formulas.terms_of_today(evaluation)
        evaluation.move_to(
            State.QUEUED, claimed_at=None, percent=0, not_before=not_before, **columns
        )
        if not_before is None:
            queue.knock(evaluation.profile.slug)
    else:
        logger.error("%s is given up after %s faults: %s", evaluation, faults, joined(told))
        evaluation.move_to(State.ERROR, finished_at=Now(), **columns)
        if evaluation.is_hidden:
            prepare(evaluation)
        events.tell(Event.EVALUATION_ENDED, evaluation)
    if evaluation.team:
        turns.settle_anew(evaluation.team)
    if is_fault and evaluation.worker:
        workers.doubt(evaluation.worker, said=stored)


def pause(faults: int) -> timedelta:
    """How long an evaluation waits after a number of faults.

    The pause doubles with each fault, so that the last attempt comes after repairs that take
    minutes. A random factor from 1 to 1.5 keeps evaluations that broke together from coming back
    together.
    """
    return RETRY_AFTER * 2.0 ** (faults - 1) * random.uniform(1.0, 1.5)  # noqa: S311 - no secret


def scores(
    competition: Competition,
    *,
    quality_public: float,
    quality_private: float,
    time_ratio: float,
    quality_ref: float | None,
) -> dict[str, float | None]:
    """The columns of quality, time and score, by the competition's constants of today."""
    # In the calibration the reference quality comes from the report itself.
    used = competition.reference_quality
    used = quality_ref if used is None else used

    def total(quality: float) -> float:
        score = competition.score(quality, time_ratio, quality_ref=used)
        assert score
        return score.rounded  # so that the database has the order of the boards

    return {
        "quality_public": quality_public,
        "quality_private": quality_private,
        "quality_ref": used,
        "time_ratio": time_ratio,
        "score_public": total(quality_public),
        "score_private": total(quality_private),
    }


def prepare(evaluation: Evaluation) -> None:
    """Let the preview of a rescore follow an evaluation that has ended and is not shown."""
    if evaluation.submission:
        placing.prepare_anew(evaluation.submission.team)


def show(evaluation: Evaluation, *others: Team) -> None:
    """Show a verdict: on the boards, also of other teams that share it, or as a draft's
    calibration.

    A competition that runs keeps its calibration. Baselines are measured after each new one.
    """
    if evaluation.submission:
        placing.place(*{evaluation.submission.team, *others})
    elif evaluation.baseline_id:
        versions.change(evaluation.competition_id)
    else:
        taken = Competition.objects.filter(
            pk=evaluation.competition_id,
            state=Competition.State.DRAFT,
            reference=evaluation.reference_id,
        ).update(calibration=evaluation)
        if taken:
            queueing.enqueue_baselines(evaluation.competition)
            versions.change(evaluation.competition_id)
