"""Images with their classes, in a folder or a zip: listed, checked, divided and packed.

One image in memory at a time. What may lie in a source:

    class/image.jpg                      one set, to be split by `share`
    split/class/image.jpg                split is sample, public or private
    anything/class/image.jpg             folders that hold everything are looked through
    image.jpg ..., labels.csv            a table `file,label`; images may lie in any folder
"""

from __future__ import annotations

import hashlib
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from scoring.errors import BadDataset
from scoring.images import labels, layout
from scoring.images.decoding import open_image, rgb
from scoring.images.dividing import share
from scoring.images.layout import refuse_lacking_classes
from scoring.images.names import refuse_look_alikes, shown
from scoring.images.records import SPLITS, Catalogue, Facts, Image, Problem
from scoring.images.sources import Source, opened

__all__ = (
    "EPOCH",
    "SPLITS",
    "Catalogue",
    "Facts",
    "Image",
    "Problem",
    "Source",
    "catalogue",
    "facts_of",
    "open_image",
    "opened",
    "pack",
    "refuse_lacking_classes",
    "rgb",
    "share",
    "shown",
)

EPOCH = (1980, 1, 1, 0, 0, 0)
TOLD_EVERY = 1000


def catalogue(
    place: Path,
    verify: bool = True,
    encoding: str | None = None,
    table: str | None = None,
    may_lack_classes: bool = False,
    tell: Callable[[str], None] = lambda stage: None,
) -> Catalogue:
    """List a source; `verify` also decodes each image, and asks for what a dataset needs, which a
    split by itself may lack, and (`may_lack_classes`) so may one that is only reported.

    `encoding` is of names that do not say theirs, `table` the file of labels; each is found where
    it is None. Raises `BadDataset`.
    """
    with opened(place, encoding) as source:
        listed = [name for name in source.sizes if layout.suffix(name) in layout.SUFFIXES]
        tables = labels.found(source, listed, table)
        images, problems = layout.sort_out(source.sizes, tables)
        if tables and not table and not any(image.split for image in images):
            labels.refuse_disagreement(images, tables.tables)
        named = set(tables.classes) if tables else layout.classes_beside(images, problems)
        named |= {image.label for image in images}
        if verify:
            images, broken = read_all(source, images, tell)
            problems += broken
    if not images:
        raise BadDataset("no_images", nothing(source, problems))
    classes = tuple(sorted({image.label for image in images}))
    if verify:
        refuse_look_alikes(classes)
        if not tables:
            layout.refuse_splits_for_classes(classes)
        if not may_lack_classes:
            refuse_lacking_classes(classes, images)
    return Catalogue(
        classes,
        tuple(images),
        tuple(problems),
        source.ignored,
        source.encoding,
        source.other_encodings,
        tables.tables if tables else (),
        tuple(sorted(named.difference(classes))),
    )


def read_all(
    source: Source, images: list[Image], tell: Callable[[str], None]
) -> tuple[list[Image], list[Problem]]:
    """The sound images with their facts, and what is wrong with the others."""
    from scoring.images import reading  # with NumPy and SciPy, which only imports need

    sound: list[Image] = []
    broken: list[Problem] = []
    for number, image in enumerate(images):
        if number and number % TOLD_EVERY == 0:
            tell(f"Read {number:,} of {len(images):,} images")
        found = reading.read(source, image.name)
        if isinstance(found, Problem):
            broken.append(found)
        else:
            sound.append(replace(image, facts=found))
    return sound, broken


def nothing(source: Source, problems: list[Problem]) -> str:
    text = "There are no readable images in class folders."
    if problems:
        first = problems[0]
        text += f" {len(problems)} files are none, first {shown(first.name)}: {first.message}"
    if source.ignored:
        passed = ", ".join(f"{shown(name)} ({n})" for name, n in source.ignored.items())
        text += f" Passed over: {passed}."
    return text


def pack(
    place: Path, images: Iterable[Image], target: Path, seed: int = 0, encoding: str | None = None
) -> None:
    """Write images as a zip of class/NNNN.ext, named in an order that only `seed` and content
    decide.

    The names a photographer gave may tell what is hidden; equal content gives equal bytes.
    """
    with (
        opened(place, encoding) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed,
    ):

        def order(image: Image) -> tuple[str, bytes]:
            secret = hashlib.sha256(f"{seed}:".encode() + source.read(image.name))
            return image.label, secret.digest()

        numbers: defaultdict[str, int] = defaultdict(int)
        for image in sorted(images, key=order):
            name = f"{image.label}/{numbers[image.label]:05d}{layout.suffix(image.name)}"
            numbers[image.label] += 1
            packed.writestr(zipfile.ZipInfo(name, EPOCH), source.read(image.name))


def facts_of(place: Path) -> list[Facts]:
    """What decoding the images of a split tells."""
    with opened(place) as source:
        images, _ = layout.sort_out(source.sizes, None)
        sound, _ = read_all(source, images, lambda stage: None)
    return [image.facts for image in sound if image.facts]
