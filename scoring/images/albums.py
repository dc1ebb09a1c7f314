"""Decoding and resizing of images, which is not timed, cached on disk by content.

The pixels are those of timm's evaluation transform with `interpolation`, `crop_pct` and
`crop_mode`. It scales an image to the wanted size / crop_pct, then cuts the middle out.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from scoring.errors import EngineError
from scoring.images import sets
from scoring.job import InputSpec
from scoring.sentences import say

Pixels = npt.NDArray[np.uint8]

CACHE_VERSION = 4
"""Raised whenever the pixels of an image could come out differently."""
ABANDONED_SECONDS = 60.0
"""A writer locks its temporary file long before the file is this old."""
HASHED_BYTES = 16 << 20
"""Hashed between two calls of `tick`."""
RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
    "hamming": Image.Resampling.HAMMING,
    "lanczos": Image.Resampling.LANCZOS,
}


@dataclass(frozen=True)
class Labelled:
    """Images of one split by name. `labels` (N,): indices into the classes."""

    source: Path
    names: tuple[str, ...]
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Album:
    """Several splits as one row of images. The parts are memory maps."""

    parts: tuple[Pixels, ...]
    """(N, 3, height, width) each."""

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    def take(self, numbers: npt.NDArray[np.int64]) -> Pixels:
        """Images by their indices, of shape numbers.shape + (3, height, width)."""
        taken = np.empty(numbers.shape + self.parts[0].shape[1:], dtype=np.uint8)
        first = 0
        for part in self.parts:
            here = (numbers >= first) & (numbers < first + len(part))
            taken[here] = part[numbers[here] - first]
            first += len(part)
        return taken


def labelled(source: Path, classes: tuple[str, ...]) -> Labelled:
    """The images of a source of class folders.

    Raises `BadDataset`, and `EngineError` (unknown_class) for a class that `classes` lacks.
    """
    found = sets.catalogue(source, verify=False).images
    index = {unicodedata.normalize("NFC", name): number for number, name in enumerate(classes)}
    if unknown := sorted({image.label for image in found} - index.keys()):
        raise EngineError(
            "unknown_class",
            say(
                "Images of classes the job does not name: %(unknown)s.",
                unknown=", ".join(map(sets.shown, unknown)),
            ),
        )
    return Labelled(
        source,
        tuple(image.name for image in found),
        np.array([index[image.label] for image in found], dtype=np.int64),
    )


def pixels(
    images: Labelled,
    spec: InputSpec,
    cache: Path,
    tick: Callable[[float], None] = lambda share: None,
) -> Pixels:
    """All images as a read-only memory map (N, 3, height, width), uint8.

    Each content and geometry is decoded once and kept in `cache`. `tick` gets the finished share.
    Raises `EngineError`: broken_image with the file's name, cache_failed for a full disk.
    """
    shape = (len(images.names), 3, spec.height, spec.width)
    path = cache / f"{cache_key(images, spec, tick)}.npy"
    loaded: Pixels
    try:
        os.utime(path)  # marks it as used; `evict` may still remove it first
        loaded = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        with cache_blamed():
            cache.mkdir(parents=True, exist_ok=True)
        with written(path) as name:
            array = reserved(name, shape)
            for number, pixel in enumerate(decoded(images, spec)):
                array[number] = pixel
                tick(number / shape[0])
            array.flush()
            loaded = np.load(name, mmap_mode="r")
    tick(1.0)
    return loaded


def reserved(path: Path, shape: tuple[int, ...]) -> np.memmap[Any, np.dtype[np.uint8]]:
    """A writable array on disk with its space reserved. Raises `EngineError` (cache_failed).

    Without reserved space a write to the map on a full disk ends the process by a signal.
    """
    with cache_blamed(wanted_bytes=math.prod(shape)):
        array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


@contextmanager
def cache_blamed(wanted_bytes: int = 0) -> Iterator[None]:
    """An `OSError` in the body becomes `EngineError` (cache_failed)."""
    try:
        yield
    except OSError as error:
        raise EngineError(
            "cache_failed",
            say(
                "The cache of decoded images cannot be written: %(strerror)s. Make room on "
                "its disk, or choose another place for it.",
                strerror=str(error.strerror),
            ),
            wanted_bytes=wanted_bytes,
        ) from error


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A temporary file that becomes `path` at the end, so that no reader sees half a file.

    The writer holds a lock on it for as long as it lives. `evict` removes unlocked ones only.
    """
    with cache_blamed():
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield Path(name)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
        os.close(handle)


def evict(cache: Path, max_bytes: int, now: float) -> None:
    """Remove the least recently used files above `max_bytes`, and files of killed writers.

    `now`: seconds since the epoch. An evaluation that has a removed file open keeps its content.
    """
    files = []
    for path in cache.glob("*.npy"):
        with suppress(FileNotFoundError):  # another evaluation evicts too
            files.append((path.stat().st_mtime, path.stat().st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= max_bytes:
            break
        path.unlink(missing_ok=True)
        total -= size
    for path in cache.glob("*.part"):
        with suppress(FileNotFoundError):
            if now - path.stat().st_mtime > ABANDONED_SECONDS and not is_locked(path):
                path.unlink()


def is_locked(path: Path) -> bool:
    """Whether another process holds the lock of a file."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def fit(image: Image.Image, spec: InputSpec) -> Pixels:
    """An image of any size and mode as pixels (3, height, width), uint8."""
    image = sets.rgb(image)
    image = image.resize(scaled_size(image.size, spec), RESAMPLING[spec.interpolation])
    image = middle(image, (spec.width, spec.height), frame_color(spec))
    return np.asarray(image).transpose(2, 0, 1)


def scaled_size(size: tuple[int, int], spec: InputSpec) -> tuple[int, int]:
    """Width and height to which an image of `size` is scaled, in timm's order of operations.

    `size`: (width, height).
    """
    width, height = size
    wide, high = (max(1, math.floor(side / spec.crop_pct)) for side in (spec.width, spec.height))
    if spec.crop_mode == "squash":
        return wide, high
    if spec.crop_mode == "center" and wide == high:  # here timm uses torchvision's Resize
        longer = max(size)
        return wide * longer // height, wide * longer // width
    ratios = (width / wide, height / high)
    ratio = max(ratios) if spec.crop_mode == "border" else min(ratios)
    return max(1, round(width / ratio)), max(1, round(height / ratio))


def frame_color(spec: InputSpec) -> tuple[int, ...]:
    """The colour around an image that is smaller than the crop."""
    if spec.crop_mode == "border":
        return tuple(round(255 * value) for value in spec.mean)
    return (0, 0, 0)


def middle(image: Image.Image, size: tuple[int, int], color: tuple[int, ...]) -> Image.Image:
    """The middle of an image, which gets a frame first if it is smaller than `size`."""
    missing = [max(0, wanted - side) for wanted, side in zip(size, image.size, strict=True)]
    if any(missing):
        frame = tuple((pixels + odd) // 2 for odd in (0, 1) for pixels in missing)
        image = ImageOps.expand(image, frame, color)
    left, top = (round((side - wanted) / 2) for wanted, side in zip(size, image.size, strict=True))
    return image.crop((left, top, left + size[0], top + size[1]))


def normalized(pixels: Pixels, spec: InputSpec) -> npt.NDArray[np.generic]:
    """Pixels (..., 3, height, width) normalized by the spec, in the spec's dtype."""
    area = np.empty(pixels.shape, dtype=spec.dtype)
    lay_out(pixels, spec, area)
    return area


def lay_out(pixels: Pixels, spec: InputSpec, area: npt.NDArray[np.generic]) -> None:
    """Write normalized pixels (..., 3, height, width) into `area`.

    `area` has the shape of `pixels` and the spec's dtype. Copies are avoided, because both models
    wait for this between two blocks.
    """
    if spec.dtype == "uint8":
        area[...] = pixels
        return
    mean = np.array(spec.mean, dtype=np.float32).reshape(3, 1, 1)
    std = np.array(spec.std, dtype=np.float32).reshape(3, 1, 1)
    exact = area if spec.dtype == "float32" else np.empty(pixels.shape, dtype=np.float32)
    np.multiply(pixels, 1 / (255 * std), out=exact)
    np.subtract(exact, mean / std, out=exact)
    if exact is not area:
        area[...] = exact


def decoded(images: Labelled, spec: InputSpec) -> Iterator[Pixels]:
    """Each image as pixels (3, height, width). Raises `EngineError` (broken_image)."""
    with sets.opened(images.source) as files:
        for name in images.names:
            try:
                yield fit(sets.open_image(files.read(name)), spec)
            except Exception as error:  # an old import had other checks
                raise EngineError(
                    "broken_image", say("%(name)s cannot be decoded.", name=name)
                ) from error


def cache_key(images: Labelled, spec: InputSpec, tick: Callable[[float], None]) -> str:
    """SHA-256 of all that the pixels depend on, in hexadecimal. `tick` is called now and then."""
    geometry = [spec.height, spec.width, spec.interpolation, spec.crop_pct, spec.crop_mode]
    geometry += frame_color(spec)
    digest = hashlib.sha256(json.dumps([CACHE_VERSION, geometry, images.names]).encode())
    if images.source.is_file():
        content = hashlib.sha256()
        with images.source.open("rb") as stream:
            while part := stream.read(HASHED_BYTES):
                content.update(part)
                tick(0.0)
        digest.update(content.digest())
    else:
        with sets.opened(images.source) as files:
            for name in images.names:
                digest.update(hashlib.sha256(files.read(name)).digest())
    return digest.hexdigest()
