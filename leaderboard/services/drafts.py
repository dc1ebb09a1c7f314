"""A competition is copied to a new draft. A draft is deleted with its data."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NameTaken
from leaderboard.models import (
    Baseline,
    Competition,
    Dataset,
    Evaluation,
    ReferenceModel,
    Rescore,
    User,
)
from leaderboard.services import audit, competitions, faq, files, locks, organizers
from leaderboard.services.audit import Act

OWN = frozenset(
    {"slug", "title", "opens_at", "freezes_at", "ends_at", "merge_deadline"}
    | {"late_until", "publishes_at"}
)
"""What a copy does not take over: its name, and dates that may have passed."""


@transaction.atomic
def clone(*, competition: Competition, slug: str, title: str, by: User) -> Competition:
    """A draft with the settings, texts, images, reference and baselines of another competition.

    It has no teams and no dates, and it must be calibrated.
    """
    organizers.check_organizer(by, competition)
    if Competition.objects.filter(slug=slug).exists():
        raise NameTaken(
            gettext("There is already a competition with the slug %(slug)s. Choose another slug.")
            % {"slug": slug},
            code="slug_taken",
        )
    taken = {
        field.attname: getattr(competition, field.attname)
        for field in Competition._meta.concrete_fields
        if field.editable and not field.primary_key and field.name not in OWN
    }
    copy = Competition(**taken, slug=slug, title=title)
    competitions.create(competition=copy, by=by)
    faq.replace(competition=copy, wanted=faq.words(competition), by=by)
    if model := competition.reference:
        copy.reference = ReferenceModel.objects.create(**carried(model, copy))
        copy.save(update_fields=["reference"])
    for one in competition.baselines.all():
        Baseline.objects.create(**carried(one, copy), is_released=one.is_released)
    return copy


def carried(model: ReferenceModel | Baseline, copy: Competition) -> dict[str, Any]:
    """The columns of a stored model in another competition."""
    kept = ("sha256", "size_bytes", "name", "static")
    values = {name: getattr(model, name) for name in kept}
    return values | {"competition": copy, "file": model.file.name, "created_at": timezone.now()}


@transaction.atomic
def delete(*, competition: Competition, with_dataset: bool, by: User) -> None:
    """Delete a draft with its reference models and calibrations, and on wish with its dataset.

    Raises `Conflict` for a competition that has opened, and if something else uses the dataset.
    Only an operator may delete a dataset.
    """
    organizers.check_organizer(by, competition)
    if with_dataset:
        organizers.check_organizer(by)
    row = locks.lock(competition)
    check_deletable(row)
    dataset = row.dataset
    models = [str(one.file) for one in (*row.references.all(), *row.baselines.all())]
    audit.record(
        Act.COMPETITION_DELETED, row, by=by, before=audit.state(row, "slug", "dataset", "profile")
    )
    row.reference = row.calibration = None
    row.save(update_fields=["reference", "calibration"])
    row.evaluations.all().delete()  # they protect the references
    row.delete()
    archives = deleted_dataset(dataset, by=by) if dataset and with_dataset else []
    transaction.on_commit(lambda: files.drop_unused([*models, *archives]))


def check_deletable(row: Competition) -> None:
    if row.state != Competition.State.DRAFT:
        raise Conflict(
            gettext(
                "Only a draft can be deleted. Everything that a competition has opened "
                "with is kept."
            ),
            code="competition_running",
        )
    if competitions.is_calibrating(row):
        raise Conflict(
            gettext("A calibration is running. Wait until it ends or cancel it, then delete this."),
            code="calibration_under_way",
        )


def deleted_dataset(dataset: Dataset, *, by: User) -> list[str]:
    """Delete a dataset that nothing uses any more; returns the names of its files."""
    users = (
        Competition.objects.filter(dataset=dataset),
        Evaluation.every.filter(dataset=dataset),
        Rescore.objects.filter(Q(dataset=dataset) | Q(was_dataset=dataset)),
    )
    if any(rows.exists() for rows in users):
        raise Conflict(
            gettext("Another competition uses %(dataset)s. Keep it.") % {"dataset": dataset},
            code="dataset_in_use",
        )
    if Dataset.objects.filter(previous=dataset).exists():
        raise Conflict(
            gettext(
                "A newer version shows what it changes compared with %(dataset)s. Keep %(dataset)s."
            )
            % {"dataset": dataset},
            code="dataset_in_use",
        )
    names = [str(split.archive) for split in dataset.splits.all()]
    audit.record(Act.DATASET_DELETED, dataset, by=by, before=audit.state(dataset, "sha256"))
    dataset.delete()
    return names
