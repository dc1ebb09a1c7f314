"""Fashion-MNIST as Debian packages it, as a zip of class folders for the demo."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from scoring.images import sets

NAME = Path("fashion")
"""What `--data` takes for these images."""
FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSES = (
    *("t-shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle-boot"),
)
EACH = 250
"""Images of a class: more would make the demo longer."""
UNSIGNED_BYTES = 0x08


class NoDatasetError(Exception):
    """The files are not installed, or are not those of the package."""


def write(target: Path, folder: Path = FOLDER, each: int = EACH) -> Path:
    """Write the first images of each class as PNG. Raises `NoDatasetError`."""
    images = idx(folder / "train-images-idx3-ubyte.gz", dimensions=3)
    labels = idx(folder / "train-labels-idx1-ubyte.gz", dimensions=1)
    if len(images) != len(labels) or labels.max(initial=0) >= len(CLASSES):
        raise NoDatasetError(f"Images and labels in {folder} do not belong together.")
    seen = Counter[str]()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for number, (pixels, label) in enumerate(zip(images, labels, strict=True)):
            name = CLASSES[label]
            if seen[name] == each:
                continue
            seen[name] += 1
            data = io.BytesIO()
            Image.fromarray(pixels).save(data, "PNG")
            entry = zipfile.ZipInfo(f"{name}/{number:05d}.png", sets.EPOCH)
            archive.writestr(entry, data.getvalue())
    return target


def idx(path: Path, *, dimensions: int) -> npt.NDArray[np.uint8]:
    """The array of an idx file: a header of big-endian numbers, then bytes."""
    try:
        data = gzip.decompress(path.read_bytes())
    except FileNotFoundError as error:
        raise NoDatasetError(
            f"There is no {path}. On Debian and Ubuntu: apt install dataset-fashion-mnist"
        ) from error
    except (OSError, EOFError) as error:
        raise NoDatasetError(f"{path} cannot be read: {error}") from error
    begin = 4 + 4 * dimensions
    shape = np.frombuffer(data, ">u4", dimensions, 4) if len(data) >= begin else np.zeros(1)
    if data[:4] != bytes((0, 0, UNSIGNED_BYTES, dimensions)) or len(data) - begin != shape.prod():
        raise NoDatasetError(f"{path} is no idx file of bytes in {dimensions} dimensions.")
    return np.frombuffer(data, np.uint8, offset=begin).reshape(shape)
