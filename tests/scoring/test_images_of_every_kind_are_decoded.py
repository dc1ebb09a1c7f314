import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scoring import images
from scoring.errors import EngineError
from scoring.job import InputSpec

RED = (255, 0, 0)


def pixel(image: Image.Image) -> list[int]:
    """The middle of an image after fitting it to 8 x 8."""
    return [int(value) for value in images.fit(image, InputSpec(height=8, width=8))[:, 4, 4]]


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
    upright = images.rgb(Image.open(stream))
    assert upright.getpixel((4, 2)) == RED


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (300, 7), (97, 96)])
def test_sizes(size: tuple[int, int]) -> None:
    spec = InputSpec(height=24, width=32, crop_pct=0.875)
    fitted = images.fit(Image.new("RGB", size, RED), spec)
    assert fitted.shape == (3, 24, 32)
    assert (fitted[0] == 255).all()


def test_the_middle_is_cut_out_after_scaling_by_the_crop_share() -> None:
    image = Image.new("RGB", (100, 100), RED)
    image.paste((0, 0, 255), (6, 6, 94, 94))  # a red frame that the crop leaves outside
    fitted = images.fit(
        image, InputSpec(height=70, width=70, crop_pct=0.7, interpolation="nearest")
    )
    assert (fitted[2] == 255).all()


def test_normalizing_matches_its_definition() -> None:
    spec = InputSpec(height=2, width=2)
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
    mean, std = (np.array(v).reshape(3, 1, 1) for v in (spec.mean, spec.std))
    expected = (pixels / 255 - mean) / std
    np.testing.assert_allclose(images.normalized(pixels, spec), expected, rtol=1e-5, atol=1e-6)
    assert images.normalized(pixels, spec).dtype == np.float32


def test_uint8_stays_plain() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2)
    plain = images.normalized(pixels, InputSpec(dtype="uint8"))
    assert plain.dtype == np.uint8
    np.testing.assert_array_equal(plain, pixels)


def test_pixels_are_decoded_once_per_content(splits: dict[str, Path], tmp_path: Path) -> None:
    data = images.labelled(splits["public"], tuple("0123456789"))
    first = images.pixels(data, InputSpec(16, 16), tmp_path)
    written = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    again = images.pixels(data, InputSpec(16, 16), tmp_path)
    assert {path.name: path.stat().st_ino for path in tmp_path.iterdir()} == written
    np.testing.assert_array_equal(first, again)
    images.pixels(data, InputSpec(8, 8), tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_broken_image_is_our_fault_and_leaves_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("cat/1.png", b"no image")
        archive.writestr("dog/1.png", b"no image")
    data = images.labelled(tmp_path / "bad.zip", ("cat", "dog"))
    with pytest.raises(EngineError, match=r"cat/1\.png"):
        images.pixels(data, InputSpec(), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_album_is_one_row_of_images() -> None:
    parts = tuple(np.full((2, 3, 1, 1), value, dtype=np.uint8) for value in (1, 2))
    album = images.Album(parts)
    assert len(album) == 4
    assert album.take(np.array([[3, 0], [2, 1]]))[:, :, 0, 0, 0].tolist() == [[2, 1], [2, 1]]
