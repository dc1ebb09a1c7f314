"""The organizers' model is stored and calibrated before its competition opens, or for a rescore."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import BadModel, Conflict, NotFound
from leaderboard.models import Competition, Evaluation, ReferenceModel, User
from leaderboard.services import (
    audit,
    competitions,
    files,
    locks,
    organizers,
    queueing,
    submissions,
    versions,
)
from scoring import formats
from scoring.job import Model


def released(competition: Competition) -> ReferenceModel | None:
    """The reference model, if its organizers hand it out."""
    return competition.reference if competition.release_reference else None


def find_released(competition: Competition) -> ReferenceModel:
    """The reference model for a download. Raises `NotFound`."""
    found = released(competition)
    if found is None:
        raise NotFound(
            gettext("The organizers of this competition have not released the reference model."),
            code="reference_not_released",
        )
    return found


def file_name(reference: ReferenceModel, slug: str) -> str:
    """The name of a download, with the ending of the model's format."""
    return f"{slug}-reference{formats.named(reference.static['format']).endings[0]}"


def set_reference(
    *, competition: Competition, upload: File[bytes], name: str, by: User, anyway: bool = False
) -> ReferenceModel:
    """Store the organizers' model, which must be calibrated before the competition opens.

    `anyway`: accept a model whose weights do not show that it answers the competition's classes.
    """
    organizers.check_organizer(by, competition)
    check_draft(competition)
    with received(competition, upload, anyway=anyway) as model, transaction.atomic():
        check_draft(locks.lock(competition))
        before = competition.reference
        model.name = name[:120]
        model.save(force_insert=True)
        competition.reference = model
        competitions.forget_calibration(competition)
        competition.save(update_fields=["reference", "calibration"])
        audit.record(
            audit.Act.REFERENCE_SET,
            competition,
            by=by,
            before={"reference": before and before.name, "sha256": before and before.sha256},
            after={"reference": model.name, "sha256": model.sha256},
        )
        versions.change(competition.pk)
    return model


def add_reference(
    *, competition: Competition, upload: File[bytes], name: str, by: User, anyway: bool = False
) -> ReferenceModel:
    """Store a model for a rescore that measures again. Scores do not depend on it before."""
    organizers.check_organizer(by, competition)
    with received(competition, upload, anyway=anyway) as model, transaction.atomic():
        competitions.check_unpublished(locks.lock(competition))
        model.name = name[:120]
        model.save(force_insert=True)
        stored = {"reference": model.name, "sha256": model.sha256}
        audit.record(audit.Act.REFERENCE_ADDED, competition, by=by, after=stored)
    return model


@contextmanager
def received(
    competition: Competition, upload: File[bytes], *, anyway: bool
) -> Iterator[ReferenceModel]:
    """The row, not saved yet, of an upload that is checked and stored."""
    with files.received(upload, max_bytes=competition.max_upload_bytes) as file:
        found = submissions.inspect(file, competition)
        if not anyway:
            check_classes(competition, found.model)
        kept = files.keep(file, folder="models", suffix=found.format.endings[0])
        yield ReferenceModel(
            competition=competition,
            file=kept,
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            static=found.model.to_json(),
            created_at=timezone.now(),
        )


def check_classes(competition: Competition, static: Model) -> None:
    """Raises `BadModel` if no weight has one row per class, as a classifier's last layer has."""
    count = len(competition.classes)
    if count and count not in static.rows:
        raise BadModel(
            gettext(
                "No weight of this model has %(count)d rows, but %(dataset)s has %(count)d "
                "classes. The model seems to answer another number of classes. Export a "
                "model with %(count)d outputs."
            )
            % {"dataset": competition.dataset, "count": count},
            code="wrong_classes",
        )


def check_draft(competition: Competition) -> None:
    if competition.state != Competition.State.DRAFT:
        raise Conflict(
            gettext(
                "The reference is fixed after the competition opened, because every score depends "
                "on the reference."
            ),
            code="competition_running",
        )


@transaction.atomic
def calibrate(*, competition: Competition, by: User) -> Evaluation:
    """Queue an evaluation of the reference against itself: quality, seconds per image, A/A time
    ratio."""
    organizers.check_organizer(by, competition)
    competitions.check_measurable(competition)
    if competitions.is_calibrating(competition):
        raise Conflict(gettext("A calibration is running."), code="already_queued")
    audit.record(audit.Act.CALIBRATION_QUEUED, competition, by=by)
    return queueing.enqueue(competition=competition)
