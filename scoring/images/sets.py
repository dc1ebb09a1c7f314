"""Images with their classes, in a folder or a zip: listed, checked, divided and packed.

One image is in memory at a time. A source may hold:

    class/image.jpg                      one set, to be split by `share`
    split/class/image.jpg                split is sample, public or private
    anything/class/image.jpg             folders that hold everything are looked through
    image.jpg ..., labels.csv            a table `file,label`; images may lie in any folder
"""

from __future__ import annotations

import hashlib
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
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
from scoring.sentences import Sentence, say

__all__ = (
    "EPOCH",
    "SPLITS",
    "Catalogue",
    "Count",
    "Facts",
    "Image",
    "Problem",
    "Source",
    "catalogue",
    "images_of",
    "open_image",
    "opened",
    "pack",
    "packed_bytes",
    "refuse_lacking_classes",
    "rgb",
    "share",
    "shown",
)

Count = Callable[[int, int], None]
"""A function that gets how many images are done, and how many there are."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time stamp of every file that is packed: equal content gives equal bytes."""
ENTRY_BYTES, END_BYTES = 30 + 46, 22
"""Of the headers of a file in a zip, without its two names, and of the end of the zip."""
TOLD_EVERY = 1000
"""Images between two messages about the progress."""


def catalogue(
    path: Path,
    verify: bool = True,
    encoding: str | None = None,
    table: str | None = None,
    may_lack_classes: bool = False,
    tell: Callable[[str], None] = lambda stage: None,
    count: Count = lambda done, total: None,
) -> Catalogue:
    """List a source; `tell` gets the progress in words, `count` in images. Raises `BadDataset`.

    `verify`: decode each image, and require what a whole dataset needs. `may_lack_classes`: do not
    require every class in every split. `encoding`: that of names without a mark of their own.
    `table`: the file of labels. If either is None, it is found by content.
    """
    with opened(path, encoding) as source:
        tables, images, problems = sorted_out(source, table)
        named = set(tables.classes) if tables else layout.classes_beside(images, problems)
        named |= {image.label for image in images}
        if verify:
            images = read_all(source, images, problems, tell, count)
    if not images:
        raise BadDataset("no_images", *nothing(source, problems))
    classes = tuple(sorted({image.label for image in images}))
    if verify:
        refuse_look_alikes(classes)
        if not tables:
            layout.refuse_splits_for_classes(classes)
        if not may_lack_classes:
            refuse_lacking_classes(classes, images)
    return Catalogue(
        classes=classes,
        images=tuple(images),
        problems=tuple(problems),
        ignored=source.ignored,
        encoding=source.encoding,
        other_encodings=source.other_encodings,
        tables=tables.tables if tables else (),
        lost=tuple(sorted(named.difference(classes))),
    )


def sorted_out(
    source: Source, table: str | None
) -> tuple[labels.Labels | None, list[Image], list[Problem]]:
    """The tables of a source, its images with class and split, and the other files.

    Raises `BadDataset`.
    """
    listed = [name for name in source.sizes if layout.suffix(name) in layout.SUFFIXES]
    tables = labels.found(source, listed, table)
    images, problems = layout.sort_out(source.sizes, tables)
    if tables and not table and not any(image.split for image in images):
        labels.refuse_disagreement(images, tables.tables)
    return tables, images, problems


def read_all(
    source: Source,
    images: list[Image],
    problems: list[Problem],
    tell: Callable[[str], None] = lambda stage: None,
    count: Count = lambda done, total: None,
) -> list[Image]:
    """The images that can be used, with their facts. The others are added to `problems`."""
    from scoring.images import reading  # NumPy and SciPy, which only an import needs

    sound: list[Image] = []
    for number, image in enumerate(images):
        if number and number % TOLD_EVERY == 0:
            tell(f"Read {number:,} of {len(images):,} images")
        found = reading.read(source, image.name)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            sound.append(replace(image, facts=found, size_bytes=source.sizes[image.name]))
        count(number + 1, len(images))
    return sound


def nothing(source: Source, problems: list[Problem]) -> list[Sentence]:
    """Why a source has no images."""
    said = [say("There are no readable images in class folders.")]
    if problems:
        first = problems[0]
        said.append(
            say(
                "Files that are not images: %(count)s. The first one is %(name)s:",
                count=len(problems),
                name=shown(first.name),
            )
        )
        said += first.said
    if source.ignored:
        passed = ", ".join(f"{shown(name)} ({n})" for name, n in source.ignored.items())
        said.append(say("Skipped: %(files)s.", files=passed))
    return said


def pack(
    path: Path,
    images: Iterable[Image],
    target: Path,
    seed: int = 0,
    encoding: str | None = None,
    count: Count = lambda done, total: None,
) -> None:
    """Write images to `target` as a zip of class/NNNNN.ext.

    The numbers follow an order that only `seed` and content decide, because the original names may
    tell a hidden label or split. Equal content gives equal bytes. `count` is called after each
    image.
    """
    with (
        opened(path, encoding) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed,
    ):

        def order(image: Image) -> tuple[str, bytes]:
            secret = hashlib.sha256(f"{seed}:".encode() + source.read(image.name))
            return image.label, secret.digest()

        numbers: defaultdict[str, int] = defaultdict(int)
        in_order = sorted(images, key=order)
        for done, image in enumerate(in_order, start=1):
            name = f"{image.label}/{numbers[image.label]:05d}{layout.suffix(image.name)}"
            numbers[image.label] += 1
            packed.writestr(zipfile.ZipInfo(name, EPOCH), source.read(image.name))
            count(done, len(in_order))


def packed_bytes(images: Sequence[Image]) -> int:
    """The size of the zip that `pack` writes, before it is written; without records of ZIP64."""
    names = (f"{one.label}/00000{layout.suffix(one.name)}".encode() for one in images)
    sizes = (
        ENTRY_BYTES + 2 * len(name) + one.size_bytes
        for name, one in zip(names, images, strict=True)
    )
    return END_BYTES + sum(sizes)


def images_of(path: Path) -> list[Image]:
    """The images of a split with their facts, for which each one is decoded."""
    with opened(path) as source:
        images, problems = layout.sort_out(source.sizes, None)
        return read_all(source, images, problems)
