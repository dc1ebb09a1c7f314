"""A competition goes draft -> open <-> paused -> closed -> published, and only forward."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from leaderboard.errors import Conflict, NotAllowed
from leaderboard.models import Competition, Evaluation, User
from leaderboard.services import rankings

State = Competition.State


@transaction.atomic
def open_(*, competition: Competition, by: User) -> None:
    """Open a draft, or go on after a pause."""
    check_organizer(by)
    if competition.dataset is None:
        raise Conflict("Choose a dataset first.", code="no_dataset")
    if competition.reference is None:
        raise Conflict("Upload the reference model first.", code="no_reference")
    calibration = competition.calibration
    if calibration is None:
        raise Conflict("Calibrate the reference on a worker first.", code="no_calibration")
    if (
        calibration.dataset_id != competition.dataset_id
        or calibration.profile_id != competition.profile_id
    ):
        raise Conflict(
            "The dataset or the hardware profile changed since the calibration; calibrate again.",
            code="calibration_outdated",
        )
    if competition.has_ended():
        raise Conflict("Its end has passed; set a later one first.", code="has_ended")
    move(competition, State.OPEN, pause_message="")


@transaction.atomic
def pause(*, competition: Competition, message: str, by: User) -> None:
    """Stop uploads, with a message for everyone; what is queued is still evaluated."""
    check_organizer(by)
    move(competition, State.PAUSED, pause_message=message.strip()[:300])


@transaction.atomic
def close(*, competition: Competition, by: User) -> None:
    """End the uploads for good. Evaluations go on; the private board stays hidden."""
    check_organizer(by)
    move(competition, State.CLOSED, pause_message="")


@transaction.atomic
def publish(*, competition: Competition, by: User) -> None:
    """Compute and show the private board. Refused while an evaluation is unfinished."""
    check_organizer(by)
    row = Competition.objects.select_for_update().get(pk=competition.pk)
    unfinished = row.evaluations.unfinished()
    queued = unfinished.filter(state=Evaluation.State.QUEUED).count()
    running = unfinished.count() - queued
    if queued or running:
        raise Conflict(
            f"{queued} queued and {running} running evaluations must end first.",
            code="evaluations_unfinished",
        )
    move(competition, State.PUBLISHED, published_at=timezone.now())
    rankings.reveal(competition)


def close_ended(now: datetime) -> None:
    """Close what has passed its end."""
    Competition.objects.filter(state__in=[State.OPEN, State.PAUSED], ends_at__lte=now).update(
        state=State.CLOSED, pause_message=""
    )


def move(competition: Competition, state: str, **fields: object) -> None:
    """Change the state by compare-and-swap. Raises `Conflict` for a step there is not."""
    allowed = [one for one, targets in Competition.TRANSITIONS.items() if state in targets]
    rows = Competition.objects.filter(pk=competition.pk, state__in=allowed)
    if not rows.update(state=state, **fields):
        competition.refresh_from_db(fields=["state"])
        raise Conflict(
            f"A competition that is {competition.state} cannot become {state}.",
            code="wrong_competition_state",
        )
    competition.refresh_from_db()


def check_organizer(user: User) -> None:
    if not user.is_staff:
        raise NotAllowed("Only organizers may do this.")
