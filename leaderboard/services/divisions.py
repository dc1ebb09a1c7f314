"""An import is planned: images are checked and divided into splits; nothing is stored."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext

from leaderboard.errors import BadDataset
from leaderboard.models import Fingerprints, Split
from leaderboard.services import dataset_versions, fingerprints, objections
from scoring.images import report, sets
from scoring.images.changes import Changes
from scoring.images.report import ImageReport, Refusal

if TYPE_CHECKING:  # it needs NumPy and SciPy, which only imports need
    from scoring.images.kinship import Kinship

SHARES = {"sample": 0.6, "public": 0.2, "private": 0.2}

Splits = Mapping[str, tuple[sets.Image, ...]]


@dataclass(frozen=True)
class Wishes:
    """What an organizer decided about an import. If all are False, every doubt stops the import."""

    seed: int
    shares: Mapping[str, float] | None = None
    """Shares of sample, public and private. None: `SHARES`, or the division by top folders of that
    name."""
    skip_broken: bool = False
    """Leave out files that are no readable images, or that a table of labels does not name."""
    drop_conflicts: bool = False
    """Leave out pictures that are in two classes."""
    near_apart: bool = False
    """Allow nearly equal pictures in different splits."""
    allow_overlaps: bool = False
    """Accept a given division in which two splits hold the same picture."""
    allow_seen: bool = False
    """Hide pictures that another dataset's sample shows, or show pictures that another dataset
    hides."""


@dataclass(frozen=True)
class Plan:
    """What an import would make, and its report."""

    splits: Splits
    left_out: tuple[sets.Problem, ...]
    report: ImageReport
    classes: tuple[str, ...]
    prints: tuple[Fingerprints, ...]
    """Of each split. They are not saved."""


def kinship_of(catalogue: sets.Catalogue, count: sets.Count = lambda done, total: None) -> Kinship:
    """Which images are equal or nearly equal."""
    from scoring.images import kinship  # with NumPy and SciPy, which only imports need

    return kinship.of(catalogue.images, count)


def planned(
    catalogue: sets.Catalogue, wishes: Wishes, kin: Kinship | None = None, *, name: str = ""
) -> Plan:
    """What an import would make of images that were read, and whether it would be refused.

    A source with the top folders sample, public and private keeps that division; any other is
    divided by shares, class by class. Equal and nearly equal pictures stay together. `kin` is the
    answer of `kinship_of`, if it is known; else it is asked for. If there is a dataset of this
    name, the report tells what changes against it.
    """
    kin = kin or kinship_of(catalogue)
    conflicting = {image.name: group for group in kin.conflicts for image in group}
    dropped = conflicting if wishes.drop_conflicts else {}
    images = tuple(image for image in catalogue.images if image.name not in dropped)
    refused = flaws(catalogue, images, wishes, kin)
    splits: Splits = {}
    try:
        with objections.coded():
            sets.refuse_lacking_classes(classes_of(images), images)
            splits = divided(images, wishes, kin)
    except BadDataset as error:
        refused.append(error)
    if splits and is_given(images) and not wishes.allow_overlaps:
        refused += objections.overlaps(report.across((*kin.equal, *kin.conflicts), splits))
    classes = classes_of(chain.from_iterable(splits.values()))
    prints = {split: fingerprints.made(part, classes) for split, part in splits.items()}
    seen = fingerprints.seen(splits, prints) if splits else []
    if seen and not wishes.allow_seen:
        refused.append(objections.seen_before(seen))
    left_out = (objections.dropped_for(file, group) for file, group in dropped.items())
    told = report.of(
        catalogue,
        images,
        splits,
        kin,
        seen=[one.sentence() for one in seen],
        refusals=[Refusal(error.code, error.detail) for error in refused],
        changes=changes(name, classes, splits, prints.values()),
    )
    return Plan(splits, (*catalogue.problems, *left_out), told, classes, tuple(prints.values()))


def changes(
    name: str, classes: Sequence[str], splits: Splits, prints: Iterable[Fingerprints]
) -> Changes | None:
    """What a division changes against the newest version of a dataset, if there is one."""
    previous = dataset_versions.newest(name) if splits else None
    if previous is None:
        return None
    return dataset_versions.changes(previous, classes, rows_of(splits), prints)


def rows_of(splits: Splits) -> list[Split]:
    """The splits that an import would store, as rows without files."""
    return [
        Split(
            name=name,
            size_bytes=sets.packed_bytes(images),
            images_by_class=Counter(image.label for image in images),
        )
        for name, images in splits.items()
    ]


def flaws(
    catalogue: sets.Catalogue, images: Sequence[sets.Image], wishes: Wishes, kin: Kinship
) -> list[BadDataset]:
    """What forbids an import before anything is divided. `images` are those that are used."""
    found = []
    if catalogue.problems and not wishes.skip_broken:
        found.append(objections.bad_files(catalogue.problems))
    if kin.conflicts and not wishes.drop_conflicts:
        found.append(objections.conflict(kin.conflicts))
    if images and (lost := lost_classes(catalogue, images, wishes)):
        found.append(objections.without_images(lost))
    return found


def secret_of(seed: int) -> int:
    """The seed that really divides and orders the images. Trying small seeds does not find it."""
    digest = hashlib.sha256(f"{settings.SECRET_KEY} dataset {seed}".encode()).digest()
    return int.from_bytes(digest[:8])


def divide(
    images: Sequence[sets.Image], wishes: Wishes, groups: Sequence[Sequence[sets.Image]]
) -> Splits:
    """The images of each split, every class in both hidden ones. Raises `BadDataset`."""
    if not is_given(images):
        shares = checked(wishes.shares or SHARES)
        return sets.share(images, shares, secret_of(wishes.seed), groups)
    if wishes.shares:
        raise BadDataset(
            gettext("The top folders already divide the images. Leave the shares empty."),
            code="already_divided",
        )
    splits = {
        split: tuple(image for image in images if image.split == split) for split in sets.SPLITS
    }
    if missing := [split for split, part in splits.items() if not part]:
        raise BadDataset(
            gettext(
                "These top folders have no images: %(missing)s. Provide all of %(splits)s, "
                "or only class folders and shares."
            )
            % {"missing": ", ".join(missing), "splits": ", ".join(sets.SPLITS)},
            code="missing_split",
        )
    return splits


def lost_classes(
    catalogue: sets.Catalogue, images: Iterable[sets.Image], wishes: Wishes
) -> list[str]:
    """Classes that lose all their images by the organizer's choices."""
    named = catalogue.classes_named() if wishes.skip_broken else set(catalogue.classes)
    return sorted(named.difference(classes_of(images)))


def divided(images: Sequence[sets.Image], wishes: Wishes, kin: Kinship) -> Splits:
    """The images of each split; nearly equal ones stay together unless they may be apart.

    Raises `BadDataset`, with the code too_alike if the division works only with nearly equal images
    apart.
    """

    def tried(with_near: bool) -> Splits:
        with objections.coded():
            return divide(images, wishes, kept(kin.groups(with_near=with_near), images))

    if wishes.near_apart:
        return tried(with_near=False)
    try:
        return tried(with_near=True)
    except BadDataset as error:
        if error.code != "too_few_images":
            raise
        tried(with_near=False)  # raises the same error if the class is too small in any case
        raise objections.too_alike(kin.near) from error


def kept(
    groups: Iterable[Sequence[sets.Image]], images: Sequence[sets.Image]
) -> list[list[sets.Image]]:
    """Groups without the images that are left out."""
    names = {image.name for image in images}
    found = ([image for image in group if image.name in names] for group in groups)
    return [group for group in found if len(group) > 1]


def is_given(images: Sequence[sets.Image]) -> bool:
    """Whether the top folders of the source divide the images."""
    return any(image.split for image in images)


def classes_of(images: Iterable[sets.Image]) -> tuple[str, ...]:
    return tuple(sorted({image.label for image in images}))


def checked(shares: Mapping[str, float]) -> Mapping[str, float]:
    """Raises `BadDataset` unless each split has a share above 0 and the sum is at most 1."""
    if (
        set(shares) != set(sets.SPLITS)
        or min(shares.values()) <= 0
        or not sum(shares.values()) <= 1 + 1e-9
    ):
        raise BadDataset(
            gettext(
                "Give sample, public and private a share above 0 each, together at most 1. "
                "For example: 0.6/0.2/0.2."
            ),
            code="bad_shares",
        )
    return {split: shares[split] for split in sets.SPLITS}
