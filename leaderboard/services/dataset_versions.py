"""Datasets of one name are versions: what each changes, who imported it, what uses it."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db.models import Count, Q

from leaderboard.models import AuditEntry, Competition, Dataset, Evaluation, Fingerprints, Split
from leaderboard.services import fingerprints
from scoring.images.changes import Changes, Content, between

SHOWN = 50
"""Most versions that a page lists."""


@dataclass(frozen=True)
class Use:
    """What a competition does with a version."""

    competition: Competition
    evaluations: int
    calibrations: int
    counts_today: bool
    may_measure: bool
    """Whether a rescore could measure again by this version."""


@dataclass(frozen=True)
class Version:
    """A version of a dataset with its history."""

    dataset: Dataset
    by: str
    """Who imported it; empty if the audit log does not tell."""
    changes: Changes | None
    """Against the version before; None for the first one."""
    uses: tuple[Use, ...]

    @property
    def images(self) -> int:
        return sum(split.images for split in self.dataset.splits.all())

    @property
    def size_bytes(self) -> int:
        return sum(split.size_bytes for split in self.dataset.splits.all())


def newest(name: str, *, is_locked: bool = False) -> Dataset | None:
    """The newest version of a dataset. `is_locked`: no other transaction can add a version
    meanwhile."""
    rows = Dataset.objects.filter(name=name).order_by("-version")
    return (rows.select_for_update() if is_locked else rows).first()


def changes(
    previous: Dataset,
    classes: Sequence[str],
    splits: Iterable[Split],
    prints: Iterable[Fingerprints],
) -> Changes:
    """What new splits with their fingerprints change against a dataset."""
    rows = list(previous.splits.all())
    before = content(previous.classes, rows, map(fingerprints.of, rows))
    after = content(classes, splits, prints)
    return between(before, after, version=previous.version, sha256=previous.sha256)


def content(
    classes: Sequence[str], splits: Iterable[Split], prints: Iterable[Fingerprints]
) -> Content:
    """What a version holds, in the order of the pictures' hashes."""
    pairs = list(zip(splits, prints, strict=True))
    each = (fingerprints.pictures(found, split.name, classes) for split, found in pairs)
    return Content(
        pictures=heapq.merge(*each, key=attrgetter("pixels")),
        counts={split.name: split.images_by_class for split, _ in pairs},
        size_bytes=sum(split.size_bytes for split, _ in pairs),
    )


def told(dataset: Dataset) -> Changes | None:
    """What a version changes against the version before; None for the first one."""
    return Changes.from_json(dataset.changes) if dataset.changes else None


def history(dataset: Dataset) -> list[Version]:
    """The versions of a dataset, the newest first."""
    rows = Dataset.objects.filter(name=dataset.name).order_by("-version")
    versions = list(rows.prefetch_related("splits")[:SHOWN])
    used, by = uses(versions), importers(versions)
    return [
        Version(one, by.get(one.pk, ""), told(one), tuple(used.get(one.pk, ()))) for one in versions
    ]


def importers(versions: Iterable[Dataset]) -> dict[int | None, str]:
    """The names of those who imported versions, by the version's key."""
    entries = AuditEntry.objects.filter(
        subject_type=Dataset._meta.model_name,
        subject_id__in=[one.pk for one in versions],
        act=AuditEntry.Act.DATASET_IMPORTED,
    )
    return dict(entries.values_list("subject_id", "by_name"))


def uses(versions: Sequence[Dataset]) -> dict[int, list[Use]]:
    """What competitions do with versions, by the version's key."""
    keys = [one.pk for one in versions]
    is_calibration = Q(kind=Evaluation.Kind.CALIBRATION)
    counts = {
        (row["dataset"], row["competition"]): row
        for row in Evaluation.every.filter(dataset__in=keys)
        .order_by()
        .values("dataset", "competition")
        .annotate(
            calibrations=Count("pk", filter=is_calibration),
            evaluations=Count("pk", filter=~is_calibration),
        )
    }
    choosing = Competition.objects.filter(dataset__in=keys)
    known = Competition.objects.in_bulk({competition for _, competition in counts})
    known |= {one.pk: one for one in choosing}
    found: dict[int, list[Use]] = defaultdict(list)
    for version in versions:
        for competition in sorted(known.values(), key=attrgetter("title")):
            use = used(competition, version, counts.get((version.pk, competition.pk), {}))
            if use.evaluations or use.calibrations or use.counts_today or use.may_measure:
                found[version.pk].append(use)
    return found


def used(competition: Competition, version: Dataset, counts: Mapping[str, Any]) -> Use:
    """What a competition does with a version, from its counts of evaluations."""
    counts_today = competition.dataset_id == version.pk
    return Use(
        competition=competition,
        evaluations=counts.get("evaluations", 0),
        calibrations=counts.get("calibrations", 0),
        counts_today=counts_today,
        may_measure=not counts_today
        and competition.is_public
        and not competition.is_published
        and competition.dataset is not None
        and competition.dataset.classes == version.classes,
    )
