"""Images become a dataset: listed, shared out, packed and stored, once and for good."""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from leaderboard.errors import BadDataset
from leaderboard.models import Competition, Dataset, Split, User
from leaderboard.services import competitions, files
from scoring import imagesets
from scoring.errors import BadDataset as BadSource

SHARES = {"sample": 0.6, "public": 0.2, "private": 0.2}
SHOWN = 20
"""So many bad files are named in a refusal; the rest is counted."""

Splits = Mapping[str, Sequence[imagesets.Image]]


def import_(
    *,
    name: str,
    source: Path,
    shares: Mapping[str, float] | None,
    seed: int,
    skip_bad: bool,
    licence: str = "",
    by: User | None,
    tell: Callable[[str], None] = lambda stage: None,
) -> Dataset:
    """Make a dataset of class folders in a zip or folder; `by` is None for whoever has the console.

    A source with the top folders sample, public and private keeps that division; any other is
    divided by `shares` (default 0.6, 0.2, 0.2), class by class. Files that are no readable images
    stop the import, or are left out and listed. Content that is there already returns its dataset.
    Raises `BadDataset`.
    """
    if by:
        competitions.check_organizer(by)
    name, licence = name.strip() or source.stem, licence.strip()
    check_length("name", name, most=120)
    check_length("licence", licence, most=200)
    secret = secret_of(seed)
    with coded(), tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        tell("Reading every image")
        catalogue = imagesets.catalogue(source)
        if catalogue.problems and not skip_bad:
            raise bad_files(catalogue.problems)
        splits = divide(catalogue, shares, secret)
        rows = []
        for split, images in splits.items():
            tell(f"Packing {split}: {len(images)} images")
            path = Path(folder, f"{split}.zip")
            imagesets.pack(source, images, path, seed=secret)
            rows.append(stored_split(split, images, path))
    return save(
        Dataset(
            name=name,
            licence=licence,
            classes=list(catalogue.classes),
            sha256=sha256_of(catalogue.classes, rows),
            skipped=[vars(problem) for problem in catalogue.problems],
            created_at=timezone.now(),
        ),
        rows,
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
    catalogue: imagesets.Catalogue, shares: Mapping[str, float] | None, secret: int
) -> dict[str, tuple[imagesets.Image, ...]]:
    """The images of each split, every class in both hidden ones. Raises `BadDataset`."""
    if all(image.split is None for image in catalogue.images):
        return imagesets.share(catalogue.images, checked(shares or SHARES), secret)
    if shares:
        raise BadDataset(
            "The images are divided by their top folders already; leave the shares empty.",
            code="already_divided",
        )
    splits = {split: catalogue.of(split) for split in imagesets.SPLITS}
    if missing := [split for split, images in splits.items() if not images]:
        raise BadDataset(
            f"There are no images in the top folder {' and '.join(missing)}; either give all of "
            f"{', '.join(imagesets.SPLITS)}, or class folders alone and shares.",
            code="missing_split",
        )
    return splits


def checked(shares: Mapping[str, float]) -> Mapping[str, float]:
    """Raises `BadDataset` unless each split has a share and all of them are at most the whole."""
    if (
        set(shares) != set(imagesets.SPLITS)
        or min(shares.values()) <= 0
        or not sum(shares.values()) <= 1 + 1e-9
    ):
        raise BadDataset(
            "Give sample, public and private a share above 0 each, together at most 1, "
            "for instance 0.6/0.2/0.2.",
            code="bad_shares",
        )
    return {split: shares[split] for split in imagesets.SPLITS}


def stored_split(name: str, images: Sequence[imagesets.Image], path: Path) -> Split:
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
def save(dataset: Dataset, splits: Sequence[Split]) -> Dataset:
    """Write a dataset with its splits, unless the same content is there."""
    if existing := Dataset.objects.filter(sha256=dataset.sha256).first():
        return existing
    dataset.save()
    for split in splits:
        split.dataset = dataset
        split.save()
    return dataset


def bad_files(problems: Sequence[imagesets.Problem]) -> BadDataset:
    named = "; ".join(f"{one.name} ({one.message.rstrip('.')})" for one in problems[:SHOWN])
    more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
    return BadDataset(
        f"{len(problems)} files cannot be used: {named}{more}. Remove or mend them, "
        "or import again and leave bad files out.",
        code="bad_files",
    )


@contextmanager
def coded() -> Iterator[None]:
    """The engine's refusals as ours."""
    try:
        yield
    except BadSource as error:
        raise BadDataset(error.message, code=error.code) from error
