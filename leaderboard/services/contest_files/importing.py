"""A contest file is imported: images, hardware profile, competition and reference model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.core.files import File
from django.db import transaction

from leaderboard.models import Competition, Dataset, User
from leaderboard.services import (
    competitions,
    datasets,
    divisions,
    faq,
    organizers,
    profiles,
    references,
)
from leaderboard.services.contest_files import baselines, planning
from leaderboard.services.contest_files.planning import Plan
from leaderboard.services.contest_files.reading import ContestFile
from leaderboard.services.contest_files.schema import Images

NO_SETTINGS = ("profile.", "reference", "baselines", "faq")
"""Where changes begin that are no settings of the competition."""


def import_(
    file: ContestFile, *, by: User, tell: Callable[[str], None] = lambda stage: None
) -> Plan:
    """Make the site as the file says; returns what was changed. The same file twice changes
    nothing.

    A draft is made for a slug that is not known. Raises `Refused` with the first thing that forbids
    it; nothing but a new dataset is kept then.
    """
    plan = planning.planned(file)
    organizers.check_organizer(by, None if plan.is_new else plan.competition)
    if plan.refusals:
        raise plan.refusals[0]
    dataset = imported(file, by=by, tell=tell) if plan.must_import else plan.dataset
    write(plan, dataset, by=by)
    return plan


@transaction.atomic
def write(plan: Plan, dataset: Dataset | None, *, by: User) -> None:
    paths = {change.path for change in plan.changes}
    if any(path.startswith("profile.") for path in paths):
        profiles.save(profile=plan.profile, by=by)
    competition = plan.competition
    competition.profile = plan.profile
    competition.dataset = dataset
    if plan.is_new:
        competitions.create(competition=competition, by=by)
    elif any(not path.startswith(NO_SETTINGS) for path in paths):
        competitions.edit(competition=competition, by=by)
    if "faq" in paths:
        wanted = [faq.Words(one.question, one.answer) for one in plan.file.contest.faq]
        faq.replace(competition=competition, wanted=wanted, by=by)
    if plan.new_reference:
        set_reference(competition, plan, by=by)
    if plan.baselines:
        stored = Competition.objects.get(pk=competition.pk)
        baselines.write(stored, plan.baselines, by=by)


def set_reference(competition: Competition, plan: Plan, *, by: User) -> None:
    assert plan.new_reference
    wanted = plan.file.contest.reference
    with plan.new_reference.open("rb") as model:
        references.set_reference(
            competition=Competition.objects.get(pk=competition.pk),
            upload=File(model, name=plan.new_reference.name),
            name=wanted.name,
            by=by,
            anyway=wanted.anyway,
        )


def imported(file: ContestFile, *, by: User, tell: Callable[[str], None]) -> Dataset:
    """The dataset of the file's source."""
    images = file.contest.dataset
    source = file.beside(images.source)
    dataset = (
        datasets.take_over(
            name=images.name,
            folder=source,
            licence=images.licence,
            sha256=images.sha256,
            by=by,
        )
        if datasets.is_packed(source)
        else divided(source, images, by=by, tell=tell)
    )
    Dataset.objects.filter(pk=dataset.pk).update(
        source_sha256=planning.source_sha256(source, images)
    )
    return dataset


def divided(source: Path, images: Images, *, by: User, tell: Callable[[str], None]) -> Dataset:
    return datasets.import_(
        name=images.name,
        source=source,
        licence=images.licence,
        wishes=divisions.Wishes(
            seed=images.seed,
            shares=images.shares.model_dump() if images.shares else None,
            skip_broken=images.skip_broken,
            drop_conflicts=images.conflicts == "drop",
            near_apart=images.near == "apart",
            allow_overlaps=images.allow_overlaps,
            allow_seen=images.allow_seen,
        ),
        catalogue=datasets.read(source, encoding=images.encoding, table=images.labels, tell=tell),
        by=by,
        tell=tell,
    )
