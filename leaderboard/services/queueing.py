"""Evaluations are put into the queue, cancelled there, and told their place."""

from __future__ import annotations

import logging
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard import logs, queue
from leaderboard.errors import Conflict
from leaderboard.models import (
    Baseline,
    Competition,
    Evaluation,
    HardwareProfile,
    Submission,
    User,
)
from leaderboard.models.evaluation import Stale
from leaderboard.services import (
    audit,
    competitions,
    events,
    locks,
    measurements,
    organizers,
    turns,
    workers,
)
from leaderboard.services.events import Event

logger = logging.getLogger(__name__)
State = Evaluation.State
Why = Evaluation.Why
PLACE_SECONDS = 2
"""Seconds for which a place is kept: pages and commands ask for it once a second."""


@dataclass(frozen=True)
class Place:
    """The place of a queued evaluation. `wait` is None until something was measured."""

    position: int
    length: int
    wait: timedelta | None
    is_held: bool = False
    """Whether no worker of the profile is fit to measure just now."""


def enqueue(
    *,
    competition: Competition,
    submission: Submission | None = None,
    baseline: Baseline | None = None,
    why: str = Why.FIRST,
) -> Evaluation:
    """Queue an evaluation of a submission or a baseline, or without them a calibration. Call in a
    transaction."""
    if competition.reference is None or competition.dataset is None:
        raise Conflict(
            gettext("The competition has no reference model or no dataset yet."), code="not_ready"
        )
    profile = competition.profile
    evaluation = Evaluation.objects.create(
        kind=kind_of(submission or baseline),
        competition=competition,
        submission=submission,
        baseline=baseline,
        team=submission.team if submission else None,
        content_sha256=submission.content_sha256 if submission else "",
        reference=competition.reference,
        dataset=competition.dataset,
        profile=profile,
        rescore_id=competition.measured_since_id,
        why=why,
        queued_at=timezone.now(),
        request_id=logs.current_id(),
        measurement_key=measurements.key(competition, profile, submission or baseline),
    )
    if submission:
        turns.settle_anew(submission.team)
    queue.knock(profile.slug)
    facts = (evaluation.pk, evaluation.submission_id)
    logger.info("Evaluation %s of submission %s is queued.", *facts)
    return evaluation


def kind_of(model: Submission | Baseline | None) -> Evaluation.Kind:
    if model is None:
        return Evaluation.Kind.CALIBRATION
    is_baseline = isinstance(model, Baseline)
    return Evaluation.Kind.BASELINE if is_baseline else Evaluation.Kind.SUBMISSION


def enqueue_baselines(competition: Competition) -> None:
    """Measure all baselines by a new calibration. Call it in the transaction that takes it."""
    competition.evaluations.filter(kind=Evaluation.Kind.BASELINE).cancel()
    for baseline in competition.baselines.all():
        enqueue(competition=competition, baseline=baseline)


@transaction.atomic
def evaluate_again(*, submission: Submission, by: User) -> Evaluation:
    """Measure a submission once more and pool the quads. Meanwhile the earlier score counts."""
    organizers.check_organizer(by, submission.competition)
    competition = locks.lock(submission.competition)
    competitions.check_unpublished(competition)
    if submission.evaluations.unfinished().exists():
        raise Conflict(
            gettext("This submission is already being evaluated."), code="already_queued"
        )
    audit.record(audit.Act.EVALUATION_REQUESTED, submission, by=by)
    return enqueue(competition=competition, submission=submission, why=Why.REQUESTED)


@transaction.atomic
def cancel(*, evaluation: Evaluation, by: User) -> None:
    """Take a waiting evaluation out of the queue. A submission's first one gives its quota back."""
    organizers.check_organizer(by, evaluation.competition)
    try:
        if evaluation.state != State.QUEUED:
            raise Stale
        end_queued(evaluation)
    except Stale as error:
        raise Conflict(
            gettext("Only an evaluation that waits in the queue can be cancelled."),
            code="not_queued",
        ) from error
    audit.record(audit.Act.EVALUATION_CANCELLED, evaluation, by=by)


def cancel_queued(submission: Submission) -> None:
    """Take a submission's waiting evaluation out of the queue. A running one goes on."""
    for evaluation in submission.evaluations.filter(state=State.QUEUED):
        try:
            end_queued(evaluation)
        except Stale:
            logger.info("%s was taken by a worker before it could be cancelled.", evaluation)


def end_queued(evaluation: Evaluation) -> None:
    """Cancel a waiting evaluation. Raises `Stale` if it waits no longer."""
    evaluation.move_to(State.CANCELLED, finished_at=Now())
    if evaluation.team:
        turns.settle_anew(evaluation.team)
    events.tell(Event.EVALUATION_ENDED, evaluation)


def place(evaluation: Evaluation) -> Place:
    """The place of a queued evaluation and about how long it will wait.

    Position and pace are at most `PLACE_SECONDS` old, so that a page that polls does not count the
    queue each time.
    """
    place = f"place:{evaluation.pk}:{evaluation.attempt}:{evaluation.queued_at.timestamp()}"
    found = kept(
        {
            place: lambda: turns.position(evaluation),
            f"pace:{evaluation.profile_id}": lambda: pace(evaluation.profile),
        }
    )
    number, (length, seconds) = found
    is_held = workers.are_held(evaluation.profile_id)
    if is_held or seconds is None or not number:
        return Place(number, length, None, is_held=is_held)
    return Place(number, length, timedelta(seconds=(number - 1) * seconds))


def kept(finders: Mapping[str, Callable[[], Any]]) -> list[Any]:
    """Values that were computed at most `PLACE_SECONDS` ago. `finders`: how each value is computed.
    The cache takes plain values only."""
    found = cache.get_many(finders)
    for key, find in finders.items():
        if key not in found:
            found[key] = find()
            cache.set(key, found[key], PLACE_SECONDS)
    return [found[key] for key in finders]


def pace(profile: HardwareProfile) -> list[Any]:
    """The length of a profile's queue, and the seconds until it is shorter by one.

    The seconds are None before anything was measured.
    """
    length = Evaluation.objects.filter(state=State.QUEUED, profile=profile).count()
    lately = (
        profile.evaluations.filter(state__in=[State.SCORED, State.FAILED], measured_by=None)
        .order_by("-finished_at")
        .values_list("claimed_at", "finished_at")[:20]
    )
    took = [(ended - begun).total_seconds() for begun, ended in lately if begun and ended]
    ready = workers.ready(profile).count()
    return [length, statistics.median(took) / max(1, ready) if took else None]
