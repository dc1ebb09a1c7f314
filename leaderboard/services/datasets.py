"""Images become a dataset: listed, shared out, packed and stored, once and for good."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from leaderboard.errors import BadDataset
from leaderboard.models import Competition, Dataset, Fingerprints, Split, User
from leaderboard.services import competitions, files, fingerprints
from scoring.errors import BadDataset as BadSource
from scoring.images import report, sets
from scoring.images.report import Refusal, Report

if TYPE_CHECKING:  # it needs NumPy and SciPy, which only imports need
    from scoring.images.kinship import Kinship

SHARES = {"sample": 0.6, "public": 0.2, "private": 0.2}
SHOWN = 20
"""So many files are named in a refusal; the rest is counted."""
NAMED = 5
"""So many files of a group are named."""

Splits = Mapping[str, tuple[sets.Image, ...]]


@dataclass(frozen=True)
class Wishes:
    """What an organizer decided of an import. All False: whatever is doubtful stops it."""

    seed: int
    shares: Mapping[str, float] | None = None
    """Of a source without the top folders sample, public and private; None: `SHARES`."""
    skip_broken: bool = False
    """Leave files out that are no readable images, or that a table of labels misses."""
    drop_conflicts: bool = False
    """Leave out pictures that are there under two classes."""
    near_apart: bool = False
    """Let nearly equal pictures come into different splits."""
    allow_overlaps: bool = False
    """Take a given division in which two splits hold the same picture."""
    allow_seen: bool = False
    """Hide pictures that another dataset's sample shows, or show what another one hides."""


@dataclass(frozen=True)
class Plan:
    """What an import would make, and what it has to say."""

    splits: Splits
    left_out: tuple[sets.Problem, ...]
    report: Report


def read(
    source: Path,
    *,
    encoding: str | None = None,
    table: str | None = None,
    tell: Callable[[str], None] = lambda stage: None,
) -> sets.Catalogue:
    """Read every image of a zip or folder; nothing is stored. Raises `BadDataset`.

    `encoding` is of names that do not say theirs, `table` the file with the labels; None: found.
    """
    tell("Reading every image")
    with coded():
        return sets.catalogue(
            source, encoding=encoding, table=table, may_lack_classes=True, tell=tell
        )


def kinship_of(catalogue: sets.Catalogue) -> Kinship:
    """Which images that were read are equal or nearly so."""
    from scoring.images import kinship  # with NumPy and SciPy, which only imports need

    return kinship.of(catalogue.images)


def planned(catalogue: sets.Catalogue, wishes: Wishes, kin: Kinship | None = None) -> Plan:
    """What an import would make of images that were read, and whether it would be refused. `kin` is
    what `kinship_of` told, where it was asked before.

    A source with the top folders sample, public and private keeps that division; any other is
    divided by shares, class by class. Equal and nearly equal pictures stay together.
    """
    kin = kin or kinship_of(catalogue)
    refused: list[BadDataset] = []
    if catalogue.problems and not wishes.skip_broken:
        refused.append(bad_files(catalogue.problems))
    conflicting = {image.name: group for group in kin.conflicts for image in group}
    images = catalogue.images
    if wishes.drop_conflicts:
        images = tuple(image for image in images if image.name not in conflicting)
    elif conflicting:
        refused.append(conflict(kin.conflicts))
    if images and (lost := lost_classes(catalogue, images, wishes)):
        refused.append(without_images(lost))
    splits: Splits = {}
    try:
        with coded():
            sets.refuse_lacking_classes(classes_of(images), images)
            splits = divided(images, wishes, kin)
    except BadDataset as error:
        refused.append(error)
    if splits and is_given(images) and not wishes.allow_overlaps:
        refused += overlaps(report.across((*kin.equal, *kin.conflicts), splits))
    seen = fingerprints.seen(splits) if splits else []
    if seen and not wishes.allow_seen:
        refused.append(seen_before(seen))
    dropped = conflicting if wishes.drop_conflicts else {}
    return Plan(
        splits,
        (*catalogue.problems, *(dropped_for(name, group) for name, group in dropped.items())),
        report.of(
            catalogue,
            images,
            splits,
            kin,
            seen=[f"{one}." for one in map(str, seen)],
            refusals=[Refusal(error.code, error.detail) for error in refused],
        ),
    )


def import_(
    *,
    name: str,
    source: Path,
    wishes: Wishes,
    licence: str = "",
    encoding: str | None = None,
    table: str | None = None,
    catalogue: sets.Catalogue | None = None,
    kin: Kinship | None = None,
    by: User | None,
    tell: Callable[[str], None] = lambda stage: None,
    show: Callable[[Report], None] = lambda report: None,
) -> Dataset:
    """Make a dataset of images in a zip or folder; `by` is None for whoever has the console.

    `catalogue` is what `read` told of the source, where it was read before, and `kin` what
    `kinship_of` told of that. The report is shown
    before anything is stored. Content that is there already returns its dataset.
    Raises `BadDataset`.
    """
    if by:
        competitions.check_organizer(by)
    name, licence = name.strip() or source.stem, licence.strip()
    check_length("name", name, most=120)
    check_length("licence", licence, most=200)
    if catalogue is None:
        catalogue = read(source, encoding=encoding, table=table, tell=tell)
    plan = planned(catalogue, wishes, kin)
    show(plan.report)
    if plan.report.refusals:
        first = plan.report.refusals[0]
        raise BadDataset(first.message, code=first.code)
    classes = classes_of(image for images in plan.splits.values() for image in images)
    rows = []
    with coded(), tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        for split, images in plan.splits.items():
            tell(f"Packing {split}: {len(images)} images")
            path = Path(folder, f"{split}.zip")
            sets.pack(
                source, images, path, seed=secret_of(wishes.seed), encoding=catalogue.encoding
            )
            rows.append(stored_split(split, images, path))
    return save(
        Dataset(
            name=name,
            licence=licence,
            classes=list(classes),
            sha256=sha256_of(classes, rows),
            skipped=[vars(problem) for problem in plan.left_out],
            created_at=timezone.now(),
        ),
        rows,
        [
            fingerprints.made(image.facts for image in images if image.facts)
            for images in plan.splits.values()
        ],
    )


def sample_of(competition: Competition) -> Split | None:
    """The images that teams may have, where there are some."""
    return Split.objects.filter(dataset=competition.dataset, name=Split.Name.SAMPLE).first()


def check_length(field: str, text: str, *, most: int) -> None:
    """Raises `BadDataset` for a text that the dataset's field cannot hold."""
    if len(text) > most:
        raise BadDataset(
            f"The {field} has {len(text)} characters; {most} is the most.", code=f"{field}_too_long"
        )


def secret_of(seed: int) -> int:
    """What really divides and orders the images: nobody can find it by trying small seeds."""
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
            "The images are divided by their top folders already; leave the shares empty.",
            code="already_divided",
        )
    splits = {
        split: tuple(image for image in images if image.split == split) for split in sets.SPLITS
    }
    if missing := [split for split, part in splits.items() if not part]:
        raise BadDataset(
            f"There are no images in the top folder {' and '.join(missing)}; either give all of "
            f"{', '.join(sets.SPLITS)}, or class folders alone and shares.",
            code="missing_split",
        )
    return splits


def lost_classes(
    catalogue: sets.Catalogue, images: Iterable[sets.Image], wishes: Wishes
) -> list[str]:
    """Classes that would be gone by what the organizer chose to leave out."""
    named = catalogue.classes_named() if wishes.skip_broken else set(catalogue.classes)
    return sorted(named.difference(classes_of(images)))


def divided(images: Sequence[sets.Image], wishes: Wishes, kin: Kinship) -> Splits:
    """The images of each split; nearly equal ones stay together, if wished. Raises `BadDataset`,
    too_alike where they would be divided if they need not stay together."""

    def tried(with_near: bool) -> Splits:
        with coded():
            return divide(images, wishes, kept(kin.groups(with_near=with_near), images))

    if wishes.near_apart:
        return tried(with_near=False)
    try:
        return tried(with_near=True)
    except BadDataset as error:
        if error.code != "too_few_images":
            raise
        tried(with_near=False)  # raises the same where the class is too small anyhow
        raise too_alike(kin.near) from error


def kept(
    groups: Iterable[Sequence[sets.Image]], images: Sequence[sets.Image]
) -> list[list[sets.Image]]:
    """Groups without the images that are left out."""
    names = {image.name for image in images}
    found = ([image for image in group if image.name in names] for group in groups)
    return [group for group in found if len(group) > 1]


def is_given(images: Sequence[sets.Image]) -> bool:
    """Whether the source's own top folders divide the images."""
    return any(image.split for image in images)


def classes_of(images: Iterable[sets.Image]) -> tuple[str, ...]:
    return tuple(sorted({image.label for image in images}))


def checked(shares: Mapping[str, float]) -> Mapping[str, float]:
    """Raises `BadDataset` unless each split has a share and all of them are at most the whole."""
    if (
        set(shares) != set(sets.SPLITS)
        or min(shares.values()) <= 0
        or not sum(shares.values()) <= 1 + 1e-9
    ):
        raise BadDataset(
            "Give sample, public and private a share above 0 each, together at most 1, "
            "for instance 0.6/0.2/0.2.",
            code="bad_shares",
        )
    return {split: shares[split] for split in sets.SPLITS}


def stored_split(name: str, images: Sequence[sets.Image], path: Path) -> Split:
    """A split whose zip is kept; the row is not saved yet."""
    sha256 = files.sha256_of(path)
    return Split(
        name=name,
        archive=files.keep_path(path, sha256=sha256, folder="datasets", suffix=".zip"),
        sha256=sha256,
        size_bytes=path.stat().st_size,
        images=len(images),
        images_by_class=dict(sorted(Counter(image.label for image in images).items())),
    )


def sha256_of(classes: Sequence[str], splits: Sequence[Split]) -> str:
    parts = [*classes, *(f"{split.name} {split.sha256}" for split in splits)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@transaction.atomic
def save(dataset: Dataset, splits: Sequence[Split], prints: Sequence[Fingerprints]) -> Dataset:
    """Write a dataset with its splits, unless the same content is there."""
    if existing := Dataset.objects.filter(sha256=dataset.sha256).first():
        return existing
    dataset.save()
    for split, fingerprint in zip(splits, prints, strict=True):
        split.dataset = dataset
        split.save()
        fingerprint.split = split
        fingerprint.save()
    return dataset


def bad_files(problems: Sequence[sets.Problem]) -> BadDataset:
    texts = [f"{sets.shown(one.name)} ({one.message.rstrip('.')})" for one in problems]
    return BadDataset(
        f"{len(problems)} files cannot be used: {some(texts)}. Remove or mend them, "
        "or leave such files out.",
        code="bad_files",
    )


def conflict(groups: Sequence[Sequence[sets.Image]]) -> BadDataset:
    return BadDataset(
        f"{len(groups)} pictures are there under two classes: {some(equals(groups))}. Remove the "
        "wrong ones, or leave all of them out.",
        code="conflicting_labels",
    )


def without_images(classes: Sequence[str]) -> BadDataset:
    return BadDataset(
        f"Classes without usable images: {some([sets.shown(one) for one in classes])}. Mend "
        "their files; or remove their folders, or their rows in the table, to go on without them.",
        code="missing_class",
    )


def too_alike(groups: Sequence[Sequence[sets.Image]]) -> BadDataset:
    return BadDataset(
        f"{sum(map(len, groups))} images are nearly equal to others, for instance "
        f"{some(equals([group[:NAMED] for group in groups[:1]]))}. Nearly equal images stay "
        "together, so that not every class can be in every split. If they are of different "
        "things (a fixed camera), divide nearly equal pictures like others. If not, leave out "
        "copies.",
        code="too_alike",
    )


def overlaps(groups: Sequence[Sequence[sets.Image]]) -> list[BadDataset]:
    if not groups:
        return []
    return [
        BadDataset(
            f"{len(groups)} pictures are in more than one split: {some(equals(groups))}. Remove "
            "the copies, or allow overlaps.",
            code="splits_overlap",
        )
    ]


def seen_before(seen: Sequence[fingerprints.Seen]) -> BadDataset:
    return BadDataset(
        f"{some([str(one) for one in seen])}. Who has that sample knows their labels. Keep the "
        "division that there is (the same seed and shares), or allow it.",
        code="seen_before",
    )


def dropped_for(name: str, group: Sequence[sets.Image]) -> sets.Problem:
    others = " = ".join(sets.shown(image.name) for image in group if image.name != name)
    text = f"The same picture is there under another class: {others}."
    return sets.Problem(name, "conflict", text)


def equals(groups: Sequence[Sequence[sets.Image]]) -> list[str]:
    return [" = ".join(sets.shown(image.name) for image in group) for group in groups]


def some(texts: Sequence[str]) -> str:
    more = [f"and {len(texts) - SHOWN} more"] if len(texts) > SHOWN else []
    return "; ".join([*texts[:SHOWN], *more])


@contextmanager
def coded() -> Iterator[None]:
    """The engine's refusals as ours."""
    try:
        yield
    except BadSource as error:
        raise BadDataset(error.message, code=error.code) from error
