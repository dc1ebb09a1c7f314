"""Images in class folders, as a folder or a zip: listing, checking, splitting and packing them.

Standard library and Pillow only, and one image in memory at a time. What may lie in a source:

    class/image.jpg                      one set, to be split by `share`
    split/class/image.jpg                split is sample, public or private
    anything/class/image.jpg             one common top folder is looked through
"""

from __future__ import annotations

import hashlib
import io
import math
import random
import warnings
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from PIL import Image as Pillow
from PIL import ImageOps

from scoring.archive import is_safe
from scoring.errors import BadDataset

SPLITS = ("sample", "public", "private")
SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
)
JUNK = frozenset(("__macosx", ".ds_store", "thumbs.db", "desktop.ini"))

MAX_FILES = 1_000_000
MAX_FILE_BYTES = 64 << 20
MAX_TOTAL_BYTES = 64 << 30
MAX_PIXELS = 50_000_000
"""More than photographs for a classifier have; unpacked it is 150 MB, up to 400 with 16 bits."""
MAX_ASPECT = 500
"""A longer side than so many short ones is no photograph; scaled to a model's input it would take
gigabytes."""
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""By content, whatever the suffix says: Pillow would start Ghostscript for an EPS."""

EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Image:
    """One image file by its name in the source."""

    name: str
    label: str
    split: str | None = None


@dataclass(frozen=True)
class Problem:
    """A file that is left out, and why."""

    name: str
    code: Literal["not_an_image", "broken_image", "too_large", "outside_class"]
    message: str


@dataclass(frozen=True)
class Catalogue:
    """What a source holds; `images` without the files that `problems` name."""

    classes: tuple[str, ...]
    images: tuple[Image, ...]
    problems: tuple[Problem, ...]

    def of(self, split: str | None) -> tuple[Image, ...]:
        """Images of one split."""
        return tuple(image for image in self.images if image.split == split)

    def counts(self) -> dict[str, int]:
        """Images per class."""
        return {name: sum(image.label == name for image in self.images) for name in self.classes}


class Source(Protocol):
    """Files below one place."""

    def sizes(self) -> dict[str, int]:
        """Bytes of every file by its name, unpacked."""

    def read(self, name: str) -> bytes:
        """One file."""


def catalogue(source: Path, verify: bool = True) -> Catalogue:
    """List a source; `verify` also decodes each image, and asks for what a dataset needs, which a
    split by itself may lack. Raises `BadDataset`."""
    with opened(source) as files:
        sizes = {name: size for name, size in files.sizes().items() if not is_junk(name)}
        refuse_bombs(sizes)
        images, problems = sort_out(sizes)
        if verify:
            sound, broken = [], []
            for image in images:
                problem = flaw(files, image.name)
                broken.append(problem) if problem else sound.append(image)
            images, problems = sound, problems + broken
    if not images:
        raise BadDataset("no_images", "There are no readable images in class folders.")
    classes = tuple(sorted({image.label for image in images}))
    if verify:
        refuse_lacking_classes(classes, images)
    return Catalogue(classes, tuple(images), tuple(problems))


def share(
    images: Iterable[Image], shares: Mapping[str, float], seed: int
) -> dict[str, tuple[Image, ...]]:
    """Split images at random, class by class, e.g. {"public": 0.5, "private": 0.5}.

    Shares add up to at most 1; what they leave over is left out. Every class is in every
    split; raises `BadDataset` (too_few_images) where a class is too small for that.
    """
    if not shares or min(shares.values()) <= 0 or sum(shares.values()) > 1 + 1e-9:
        raise ValueError("Shares must be above 0 and add up to at most 1.")
    by_class: defaultdict[str, list[Image]] = defaultdict(list)
    for image in sorted(images, key=lambda image: image.name):
        by_class[image.label].append(image)
    splits: dict[str, list[Image]] = {name: [] for name in shares}
    for label, members in sorted(by_class.items()):
        if len(members) < len(shares):
            raise BadDataset(
                "too_few_images",
                f"The class {label} has {len(members)} images, too few for {len(shares)} splits.",
            )
        random.Random(f"{seed} {label}").shuffle(members)  # noqa: S311 - repeatable by its seed
        start = 0
        for name, count in counts(len(members), shares).items():
            splits[name] += members[start : start + count]
            start += count
    return {name: tuple(members) for name, members in splits.items()}


def pack(source: Path, images: Iterable[Image], target: Path, seed: int = 0) -> None:
    """Write images as a zip of class/NNNN.ext, named in an order that only `seed` and content
    decide.

    The names a photographer gave may tell what is hidden; equal content gives equal bytes.
    """
    with opened(source) as files, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as packed:

        def place(image: Image) -> tuple[str, bytes]:
            secret = hashlib.sha256(f"{seed}:".encode() + files.read(image.name))
            return image.label, secret.digest()

        numbers: defaultdict[str, int] = defaultdict(int)
        for image in sorted(images, key=place):
            name = f"{image.label}/{numbers[image.label]:05d}{suffix(image.name)}"
            numbers[image.label] += 1
            packed.writestr(zipfile.ZipInfo(name, EPOCH), files.read(image.name))


@contextmanager
def opened(source: Path) -> Iterator[Source]:
    """The files of a folder or zip. Raises `BadDataset`."""
    if source.is_dir():
        yield Folder(source)
        return
    try:
        archive = zipfile.ZipFile(source)
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise BadDataset(
            "not_a_zip", f"{source.name} is neither a folder nor a readable zip."
        ) from error
    with archive:
        yield Zip(archive)


def open_image(data: bytes) -> Pillow.Image:
    """An upright image. Raises `ValueError` where it is broken, of too many pixels, or in colours
    that Pillow makes no RGB of."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Pillow.open(io.BytesIO(data), formats=FORMATS)
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels are too many.")
            image.load()
            if image.mode == "LAB":
                raise ValueError("Pillow makes no RGB of Lab colours.")
            return upright(image)
    except Exception as error:  # Pillow's decoders raise nearly anything on broken files
        raise ValueError("The image cannot be decoded.") from error


def upright(image: Pillow.Image) -> Pillow.Image:
    """The way the camera was held; as it is stored where the note of that is broken."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # as above, though every pixel is sound
        return image


@dataclass(frozen=True)
class Folder:
    """A folder on disk; links are not followed."""

    root: Path

    def sizes(self) -> dict[str, int]:
        return {
            path.relative_to(self.root).as_posix(): path.stat().st_size
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }

    def read(self, name: str) -> bytes:
        return (self.root / name).read_bytes()


@dataclass(frozen=True)
class Zip:
    """A zip archive that is read in place."""

    archive: zipfile.ZipFile

    def sizes(self) -> dict[str, int]:
        entries = [info for info in self.archive.infolist() if not info.is_dir()]
        for info in entries:
            if not is_safe(info.orig_filename):
                raise BadDataset(
                    "unsafe_names", f"The zip holds an unsafe name: {info.filename!r}."
                )
        sizes = {info.filename: info.file_size for info in entries}
        if len(sizes) < len(entries):
            raise BadDataset("unsafe_names", "The zip holds two files of the same name.")
        return sizes

    def read(self, name: str) -> bytes:
        """One file. Raises `ValueError` where the zip is damaged at this place."""
        try:
            return self.archive.read(name)
        except Exception as error:  # each codec has its own errors
            raise ValueError(f"{name} cannot be unpacked.") from error


def sort_out(names: Iterable[str]) -> tuple[list[Image], list[Problem]]:
    """Images with label and split, and the files that are no images. Raises `BadDataset`."""
    images, problems = [], []
    for name in sorted(names):
        if suffix(name) in SUFFIXES:
            images.append(name)
        else:
            problems.append(Problem(name, "not_an_image", "This is no image file."))
    paths = {name: tuple(name.split("/")) for name in images}
    tops = {path[0] for path in paths.values()}
    if len(tops) == 1 and not tops & set(SPLITS) and min(map(len, paths.values())) > 2:
        paths = {name: path[1:] for name, path in paths.items()}
    tops = {path[0] for path in paths.values() if len(path) > 2}
    split = bool(tops & set(SPLITS)) and not any(len(path) == 2 for path in paths.values())
    if split and (unknown := sorted(tops - set(SPLITS))):
        raise BadDataset(
            "unknown_split",
            f"Folders beside {', '.join(sorted(tops & set(SPLITS)))} must be splits too: "
            f"{', '.join(unknown[:5])}.",
        )
    depth = 3 if split else 2
    if nested := sorted({"/".join(path[:-1]) for path in paths.values() if len(path) > depth}):
        raise BadDataset(
            "nested_folders",
            f"Images must lie directly in their class folder, not in: {', '.join(nested[:5])}.",
        )
    found = []
    for name, path in paths.items():
        if len(path) < depth:
            problems.append(Problem(name, "outside_class", "This image lies in no class folder."))
        else:
            found.append(Image(name, label=path[-2], split=path[0] if split else None))
    return found, problems


def flaw(files: Source, name: str) -> Problem | None:
    """What is wrong with an image, if anything."""
    try:
        image = open_image(files.read(name))
    except ValueError:
        return Problem(name, "broken_image", "This image cannot be decoded.")
    if max(image.size) > MAX_ASPECT * min(image.size):
        text = f"{image.width} x {image.height} pixels are a line, no photograph."
        return Problem(name, "too_large", text)
    return None


def refuse_bombs(sizes: Mapping[str, int]) -> None:
    if len(sizes) > MAX_FILES or sum(sizes.values()) > MAX_TOTAL_BYTES:
        raise BadDataset(
            "too_large", f"More than {MAX_FILES:,} files or {MAX_TOTAL_BYTES >> 30} GiB unpacked."
        )
    if large := sorted(name for name, size in sizes.items() if size > MAX_FILE_BYTES):
        raise BadDataset("too_large", f"{large[0]} has more than {MAX_FILE_BYTES >> 20} MiB.")


def refuse_lacking_classes(classes: tuple[str, ...], images: Iterable[Image]) -> None:
    """Without images of a class its F1 is 0 for everybody, which no organizer wants."""
    if len(classes) < 2:
        raise BadDataset(
            "one_class",
            f"There is only one class, {classes[0]}. Put each class in a folder of its own.",
        )
    present: defaultdict[str | None, set[str]] = defaultdict(set)
    for image in images:
        present[image.split].add(image.label)
    for split in ("public", "private"):
        if split in present and (lacking := sorted(set(classes) - present[split])):
            raise BadDataset(
                "missing_class", f"The split {split} has no images of: {', '.join(lacking[:5])}."
            )


def counts(members: int, shares: Mapping[str, float]) -> dict[str, int]:
    """How many of `members` images go where: rounded by largest remainder, at least one each."""
    exact = {name: members * part for name, part in shares.items()}
    result = {name: max(1, math.floor(value + 1e-9)) for name, value in exact.items()}
    total = min(members, max(len(shares), round(sum(exact.values()))))
    for name in sorted(shares, key=lambda name: exact[name] % 1, reverse=True):
        if sum(result.values()) < total:
            result[name] += 1
    while sum(result.values()) > total:
        result[
            max(result, key=lambda name: result[name] - exact[name] if result[name] > 1 else -1)
        ] -= 1
    return result


def suffix(name: str) -> str:
    """Lower-case suffix of a file name, one spelling per format."""
    ending = Path(name).suffix.lower()
    return {".jpeg": ".jpg", ".tiff": ".tif"}.get(ending, ending)


def is_junk(name: str) -> bool:
    """Whether an operating system left this file behind."""
    return any(part.lower() in JUNK or part.startswith("._") for part in name.split("/"))
