"""Images become a dataset: read, divided, packed and stored. A dataset never changes after that."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import BadDataset, NotFound
from leaderboard.models import Competition, Dataset, Fingerprints, Split, User
from leaderboard.services import (
    audit,
    dataset_versions,
    divisions,
    files,
    fingerprints,
    objections,
    organizers,
)
from leaderboard.services.divisions import Splits, Wishes
from scoring.images import sets
from scoring.images.report import ImageReport

if TYPE_CHECKING:  # it needs NumPy and SciPy, which only imports need
    from scoring.images.kinship import Kinship


def read(
    source: Path,
    *,
    encoding: str | None = None,
    table: str | None = None,
    tell: Callable[[str], None] = lambda stage: None,
    count: sets.Count = lambda done, total: None,
) -> sets.Catalogue:
    """Read every image of a zip or folder; nothing is stored. Raises `BadDataset`.

    `encoding` is the encoding of names that do not state one; `table` is the file with the labels.
    None: both are found out. `tell` gets the progress in words, `count` after each image.
    """
    tell("Reading every image")
    with objections.coded():
        return sets.catalogue(
            source,
            encoding=encoding,
            table=table,
            may_lack_classes=True,
            tell=tell,
            count=count,
        )


def import_(
    *,
    name: str,
    source: Path,
    wishes: Wishes,
    licence: str = "",
    catalogue: sets.Catalogue | None = None,
    kin: Kinship | None = None,
    by: User | None,
    tell: Callable[[str], None] = lambda stage: None,
    show: Callable[[ImageReport], None] = lambda report: None,
    count: sets.Count = lambda done, total: None,
    keep: Callable[[Callable[[], Dataset]], Dataset] = lambda save: save(),
) -> Dataset:
    """Make a dataset of images in a zip or folder.

    `by` is None for the person at the console. `catalogue` is the answer of `read` and `kin` that
    of `divisions.kinship_of`, if they are known. The report is shown before anything is stored.
    `count` is called after each image that is packed. `keep` calls at the end what saves the
    dataset. The same content returns the dataset that there is. Raises `BadDataset`.
    """
    if by:
        organizers.check_organizer(by)
    name, licence = name.strip() or source.stem, licence.strip()
    check_length("name", name, most=120)
    check_length("licence", licence, most=200)
    catalogue = catalogue or read(source, tell=tell)
    plan = divisions.planned(catalogue, wishes, kin, name=name)
    show(plan.report)
    check(plan)
    splits = packed(source, plan.splits, wishes, catalogue.encoding, tell=tell, count=count)
    dataset = Dataset(
        name=name,
        licence=licence,
        classes=list(plan.classes),
        sha256=sha256_of(plan.classes, splits),
        skipped=[asdict(problem) for problem in plan.left_out],
        created_at=timezone.now(),
    )
    return keep(lambda: save(dataset, splits, plan.prints, by=by))


def check(plan: divisions.Plan) -> None:
    """Raises the first thing that stands in the way of an import, as `BadDataset`."""
    if plan.report.refusals:
        first = plan.report.refusals[0]
        raise BadDataset(first.message, code=first.code)


def is_packed(folder: Path) -> bool:
    """Whether a folder holds the three packed splits of a dataset, as an export writes them."""
    return folder.is_dir() and {one.name for one in folder.iterdir()} == set(packed_names())


def packed_names() -> list[str]:
    return [f"{split}.zip" for split in sets.SPLITS]


def take_over(
    *, name: str, folder: Path, licence: str = "", sha256: str | None, by: User | None
) -> Dataset:
    """Make a dataset of its packed splits, the same byte by byte. Raises `BadDataset`.

    The images were checked where the dataset was imported. Here each picture is decoded once more.
    `sha256` is the hash that the dataset must have. None: any hash.
    """
    if by:
        organizers.check_organizer(by)
    check_length("name", name, most=120)
    check_length("licence", licence, most=200)
    read_ = {split: read(folder / f"{split}.zip") for split in sets.SPLITS}
    for found in read_.values():
        if found.problems:
            raise objections.bad_files(found.problems)
    classes = tuple(sorted({label for found in read_.values() for label in found.classes}))
    splits = [
        stored_split(split, found.images, folder / f"{split}.zip") for split, found in read_.items()
    ]
    dataset = Dataset(
        name=name.strip() or folder.name,
        licence=licence.strip(),
        classes=list(classes),
        sha256=sha256_of(classes, splits),
        created_at=timezone.now(),
    )
    if sha256 and sha256 != dataset.sha256:
        raise BadDataset(
            gettext(
                "These images are not the dataset with the sha256 %(sha256)s. Export it again, or "
                "leave the sha256 out."
            )
            % {"sha256": f"{sha256[:12]}…"},
            code="other_content",
        )
    prints = [fingerprints.made(found.images, classes) for found in read_.values()]
    return save(dataset, splits, prints, by=by)


def packed(
    source: Path,
    splits: Splits,
    wishes: Wishes,
    encoding: str | None,
    *,
    tell: Callable[[str], None],
    count: sets.Count,
) -> list[Split]:
    """Pack and store the images of each split. The rows are not saved yet."""
    seed = divisions.secret_of(wishes.seed)
    rows: list[Split] = []
    total = sum(map(len, splits.values()))

    def counted(done: int, _: int) -> None:
        count(sum(row.images for row in rows) + done, total)

    with objections.coded(), tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        for split, images in splits.items():
            tell(f"Packing {split}: {len(images)} images")
            path = Path(folder, f"{split}.zip")
            sets.pack(source, images, path, seed=seed, encoding=encoding, count=counted)
            rows.append(stored_split(split, images, path))
    return rows


def sample_of(competition: Competition) -> Split | None:
    """The split that teams may have; None if the competition has none."""
    return Split.objects.filter(dataset=competition.dataset, name=Split.Name.SAMPLE).first()


def find_sample(competition: Competition) -> Split:
    """The split that teams may have. Raises `NotFound`."""
    split = sample_of(competition)
    if split is None:
        raise NotFound(
            gettext("This competition does not provide sample images."), code="no_sample"
        )
    return split


def check_length(field: str, text: str, *, most: int) -> None:
    """Raises `BadDataset` for a text that the dataset's field cannot hold."""
    if len(text) > most:
        sentence = {
            "name": gettext("The name has %(count)d characters. The limit is %(most)d."),
            "licence": gettext("The licence has %(count)d characters. The limit is %(most)d."),
        }[field]
        facts = {"count": len(text), "most": most}
        raise BadDataset(sentence % facts, code=f"{field}_too_long")


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
def save(
    dataset: Dataset,
    splits: Sequence[Split],
    prints: Sequence[Fingerprints],
    *,
    by: User | None,
) -> Dataset:
    """Write a dataset with its splits as the newest version of its name, unless the same content is
    there."""
    if existing := Dataset.objects.filter(sha256=dataset.sha256).first():
        return existing
    if previous := dataset_versions.newest(dataset.name, is_locked=True):
        changes = dataset_versions.changes(previous, dataset.classes, splits, prints)
        dataset.version, dataset.previous = previous.version + 1, previous
        dataset.changes = changes.to_json()
    dataset.save()
    for split, fingerprint in zip(splits, prints, strict=True):
        split.dataset = dataset
        split.save()
        fingerprint.split = split
        fingerprint.save()
    images = {split.name: split.images for split in splits}
    now = {"sha256": dataset.sha256, "images": images, "left_out": len(dataset.skipped)}
    now |= {"version": dataset.version, "changes": dataset.changes}
    audit.record(audit.Act.DATASET_IMPORTED, dataset, by=by or audit.CONSOLE, after=now)
    return dataset
