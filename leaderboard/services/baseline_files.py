"""Organizers add baselines to a competition, rename, replace and remove them."""

from __future__ import annotations

from typing import Any

from django.core.files import File
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NameTaken, NotFound
from leaderboard.models import Baseline, Competition, Entry, Evaluation, User
from leaderboard.services import (
    audit,
    baselines,
    competitions,
    files,
    locks,
    names,
    organizers,
    queueing,
    submissions,
    versions,
    visibility,
)
from leaderboard.services.audit import Act
from scoring import formats


def add(
    *, competition: Competition, upload: File[bytes], name: str, is_released: bool, by: User
) -> Baseline:
    """Store a model, and queue its measuring. A draft measures it after the calibration."""
    organizers.check_organizer(by, competition)
    baseline = Baseline(
        competition=competition,
        name=tidy(name),
        is_released=is_released,
        created_at=timezone.now(),
    )
    with files.received(upload, max_bytes=competition.max_upload_bytes) as file:
        fill(baseline, file)
        with transaction.atomic():
            row = locks.lock(competition)
            competitions.check_unpublished(row)
            check_count(row.baselines.count() + 1)
            check_name(baseline)
            baseline.file.name = stored(file, baseline)
            baseline.save(force_insert=True)
            audit.record(Act.BASELINE_ADDED, baseline, by=by, after=facts(baseline))
            measure(baseline, row)
    return baseline


def replace(*, baseline: Baseline, upload: File[bytes], by: User) -> None:
    """Store another file in place of a baseline's, and measure that. The old figures are gone."""
    competition = baseline.competition
    organizers.check_organizer(by, competition)
    with files.received(upload, max_bytes=competition.max_upload_bytes) as file:
        fill(baseline, file)
        with transaction.atomic():
            row = locks.lock(competition)
            competitions.check_unpublished(row)
            former = locks.lock(baseline)  # its name may have changed while the file came
            before, was = facts(former), str(former.file)
            baseline.name, baseline.is_released = former.name, former.is_released
            baseline.file.name = stored(file, baseline)
            baseline.evaluations.all().delete()
            baseline.save(update_fields=["file", "sha256", "size_bytes", "static"])
            now = facts(baseline)
            audit.record(Act.BASELINE_REPLACED, baseline, by=by, before=before, after=now)
            measure(baseline, row)
            versions.change_names(row.pk)
            transaction.on_commit(lambda: files.drop_unused([was]))


@transaction.atomic
def edit(*, baseline: Baseline, by: User) -> None:
    """Save another name, and whether the file can be downloaded."""
    organizers.check_organizer(by, baseline.competition)
    baseline.name = tidy(baseline.name)
    locks.lock(baseline.competition)  # two baselines must not take one name
    check_name(baseline)
    was = audit.state(locks.lock(baseline), "name", "is_released")
    baseline.save(update_fields=["name", "is_released"])
    now = audit.state(baseline, "name", "is_released")
    audit.record(Act.BASELINE_EDITED, baseline, by=by, before=was, after=now)
    versions.change_names(baseline.competition_id)


@transaction.atomic
def measure_again(*, baseline: Baseline, by: User) -> None:
    """Queue a baseline once more, after a failure or a fault of ours."""
    organizers.check_organizer(by, baseline.competition)
    row = locks.lock(baseline.competition)
    competitions.check_unpublished(row)
    if row.calibration_id is None:
        raise Conflict(gettext("Calibrate the reference model first."), code="no_calibration")
    if baseline.evaluations.unfinished().exists():
        raise Conflict(gettext("This baseline is being measured."), code="already_queued")
    audit.record(Act.BASELINE_MEASURED, baseline, by=by)
    measure(baseline, row)


@transaction.atomic
def remove(*, baseline: Baseline, by: User) -> None:
    """Delete a baseline with its measurings. Its row disappears from the boards."""
    organizers.check_organizer(by, baseline.competition)
    competition, name = locks.lock(baseline.competition), str(baseline.file)
    competitions.check_unpublished(competition)
    audit.record(Act.BASELINE_REMOVED, baseline, by=by, before=facts(baseline))
    baseline.delete()
    versions.change_names(competition.pk)
    transaction.on_commit(lambda: files.drop_unused([name]))


def latest(baseline: Baseline) -> Evaluation | None:
    """The last measuring of a baseline; None before its competition is calibrated."""
    return baseline.evaluations.order_by("pk").last()


def find_released(competition: Competition, pk: int) -> Baseline:
    """A baseline for a download. Raises `NotFound` unless the organizers hand it out, also while
    scores are hidden."""
    visibility.check_board(competition, Entry.Board.PUBLIC)
    found = competition.baselines.filter(pk=pk, is_released=True).first()
    if found is None:
        raise NotFound(
            gettext("The organizers do not hand out this baseline, or it does not exist."),
            code="baseline_not_released",
        )
    return found


def file_name(baseline: Baseline) -> str:
    """The name of a download, with the ending of the model's format."""
    ending = formats.named(baseline.format).endings[0]
    return f"{baseline.competition.slug}-baseline-{baseline.pk}{ending}"


def measure(baseline: Baseline, competition: Competition) -> None:
    if competition.calibration_id:
        queueing.enqueue(competition=competition, baseline=baseline)


def fill(baseline: Baseline, file: files.Received) -> None:
    """Check a received file like an upload, and write down what it is."""
    found = submissions.checked(file, baseline.competition)
    baseline.sha256, baseline.size_bytes = file.sha256, file.size_bytes
    baseline.static = found.model.to_json()


def stored(file: files.Received, baseline: Baseline) -> str:
    ending = formats.named(baseline.format).endings[0]
    return files.keep(file, folder="models", suffix=ending)


def tidy(name: str) -> str:
    """The one spelling of a name. Raises `BadName`."""
    return names.clean(name, longest=120, what=gettext("The name of a baseline"), code="bad_name")


def check_name(baseline: Baseline) -> None:
    same = Baseline.objects.filter(competition=baseline.competition_id, name=baseline.name)
    if same.exclude(pk=baseline.pk).exists():
        raise taken()


def taken() -> NameTaken:
    return NameTaken(gettext("This competition has a baseline of this name."))


def check_count(count: int) -> None:
    """Raises `Conflict` if a competition may not have so many baselines."""
    if count > baselines.MOST:
        raise Conflict(
            gettext("A competition has at most %(most)d baselines. Remove one first.")
            % {"most": baselines.MOST},
            code="too_many_baselines",
        )


def facts(baseline: Baseline) -> dict[str, Any]:
    return audit.state(baseline, "name", "sha256", "is_released")
