import errno
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scoring.errors import BadDataset, EngineError
from scoring.images import albums, sets
from scoring.job import InputSpec

RED = (255, 0, 0)


def pixel(image: Image.Image) -> list[int]:
    """The middle of an image after fitting it to 8 x 8."""
    return [int(value) for value in albums.fit(image, InputSpec(height=8, width=8))[:, 4, 4]]


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("RGB", RED, [255, 0, 0]),
        ("L", 100, [100, 100, 100]),
        ("1", 1, [255, 255, 255]),
        ("CMYK", (0, 255, 255, 0), [255, 0, 0]),
        ("RGBA", (255, 0, 0, 0), [255, 255, 255]),
        ("LA", (0, 255), [0, 0, 0]),
        ("I;16", 257 * 100, [100, 100, 100]),
    ],
)
def test_modes(mode: str, color: object, expected: list[int]) -> None:
    assert pixel(Image.new(mode, (20, 30), color)) == expected  # type: ignore[arg-type]


def test_a_palette_with_transparency_lies_on_white() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    assert pixel(image) == [255, 0, 0]
    image.info["transparency"] = 0
    assert pixel(image) == [255, 255, 255]


def test_a_rotated_photograph_stands_upright() -> None:
    image = Image.new("RGB", (8, 16), RED)
    image.paste((0, 0, 255), (0, 0, 8, 8))  # blue above red
    exif = Image.Exif()
    exif[0x0112] = 3  # taken upside down
    stream = io.BytesIO()
    image.save(stream, "PNG", exif=exif)
    upright = sets.open_image(stream.getvalue())
    assert upright.getpixel((4, 2)) == RED


def test_a_broken_note_of_how_the_camera_was_held_costs_no_image() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), RED).save(stream, "PNG", exif=b"Exif\x00\x00no header at all")
    assert pixel(sets.open_image(stream.getvalue())) == [255, 0, 0]


def test_what_could_not_be_fed_to_a_model_is_named_when_it_is_imported(tmp_path: Path) -> None:
    kinds = {
        "cat/1": ("RGB", (8, 8)),
        "dog/1": ("RGB", (8, 8)),
        "dog/colours": ("LAB", (8, 8)),
        "dog/line": ("1", (4001, 8)),
        "dog/strip": ("1", (4000, 8)),
    }
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for name, (mode, size) in kinds.items():
            stream = io.BytesIO()
            Image.new(mode, size).save(stream, "TIFF")
            archive.writestr(f"{name}.tif", stream.getvalue())
    found = sets.catalogue(tmp_path / "images.zip")
    problems = {one.name: one.code for one in found.problems}
    assert problems == {"dog/colours.tif": "broken_image", "dog/line.tif": "too_large"}


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (300, 7), (97, 96)])
def test_sizes(size: tuple[int, int]) -> None:
    spec = InputSpec(height=24, width=32, crop_pct=0.875)
    fitted = albums.fit(Image.new("RGB", size, RED), spec)
    assert fitted.shape == (3, 24, 32)
    assert (fitted[0] == 255).all()


def test_the_middle_is_cut_out_after_scaling_by_the_crop_share() -> None:
    image = Image.new("RGB", (100, 100), RED)
    image.paste((0, 0, 255), (6, 6, 94, 94))  # a red frame that the crop leaves outside
    fitted = albums.fit(
        image, InputSpec(height=70, width=70, crop_pct=0.7, interpolation="nearest")
    )
    assert (fitted[2] == 255).all()


def test_normalizing_matches_its_definition() -> None:
    spec = InputSpec(height=2, width=2)
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
    mean, std = (np.array(v).reshape(3, 1, 1) for v in (spec.mean, spec.std))
    found: Any = albums.normalized(pixels, spec)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, (pixels / 255 - mean) / std, rtol=1e-5, atol=1e-6)


def test_uint8_stays_plain() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2)
    plain = albums.normalized(pixels, InputSpec(dtype="uint8"))
    assert plain.dtype == np.uint8
    np.testing.assert_array_equal(plain, pixels)


def test_pixels_are_decoded_once_per_content(splits: dict[str, Path], tmp_path: Path) -> None:
    data = albums.labelled(splits["public"], tuple("0123456789"))
    first = albums.pixels(data, InputSpec(16, 16), tmp_path)
    written = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    again = albums.pixels(data, InputSpec(16, 16), tmp_path)
    assert {path.name: path.stat().st_ino for path in tmp_path.iterdir()} == written
    np.testing.assert_array_equal(first, again)
    albums.pixels(data, InputSpec(8, 8), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_broken_image_is_our_fault_and_leaves_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("cat/1.png", b"no image")
        archive.writestr("dog/1.png", b"no image")
    data = albums.labelled(tmp_path / "bad.zip", ("cat", "dog"))
    with pytest.raises(EngineError, match=r"cat/1\.png"):
        albums.pixels(data, InputSpec(), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_full_disk_is_said_in_words_and_leaves_nothing(
    splits: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*wanted: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    data = albums.labelled(splits["public"], tuple("0123456789"))
    with pytest.raises(EngineError, match="No space left on device") as error:
        albums.pixels(data, InputSpec(8, 8), tmp_path)
    assert error.value.code == "cache_failed"
    assert list(tmp_path.iterdir()) == []


def test_the_cache_takes_its_room_before_it_is_filled(
    splits: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "some.npy"
    albums.reserved(path, (50, 3, 64, 64))
    assert 512 * path.stat().st_blocks >= path.stat().st_size > 50 * 3 * 64 * 64


def test_a_split_of_one_class_is_read_though_no_dataset_is_made_of_it(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), RED).save(stream, "PNG")
    with zipfile.ZipFile(tmp_path / "sample.zip", "w") as archive:
        archive.writestr("dog/1.png", stream.getvalue())
    assert albums.labelled(tmp_path / "sample.zip", ("cat", "dog")).labels.tolist() == [1]
    with pytest.raises(BadDataset):
        sets.catalogue(tmp_path / "sample.zip")


def test_an_album_is_one_row_of_images() -> None:
    parts = tuple(np.full((2, 3, 1, 1), value, dtype=np.uint8) for value in (1, 2))
    album = albums.Album(parts)
    assert len(album) == 4
    assert album.take(np.array([[3, 0], [2, 1]]))[:, :, 0, 0, 0].tolist() == [[2, 1], [2, 1]]
