"""Image formats: a known one is decoded as it looks, another one is named with the reason."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scoring.errors import BadDataset
from scoring.images import albums, decoding, sets
from scoring.job import InputSpec


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    data = io.BytesIO()
    image.save(data, kind)
    return data.getvalue()


def png(shade: int) -> bytes:
    return encoded(Image.new("L", (4, 4), shade))


SOUND = {"cat/1.png": png(1), "dog/1.png": png(2)}


def zipped(place: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(place / "set.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return place / "set.zip"


def catalogue(place: Path, files: dict[str, bytes]) -> sets.Catalogue:
    return sets.catalogue(zipped(place, {**SOUND, **files}))


def test_every_suffix_of_a_jpeg_is_one(tmp_path: Path) -> None:
    jpeg = Image.new("RGB", (8, 8))
    names = [f"cat/{number}{end}" for number, end in enumerate((".jpg", ".JPEG", ".jpe", ".jfif"))]
    found = catalogue(tmp_path, {name: encoded(jpeg, "JPEG") for name in names})
    assert found.problems == ()
    sets.pack(tmp_path / "set.zip", found.images, tmp_path / "pack.zip")
    packed = sets.catalogue(tmp_path / "pack.zip", verify=False)
    assert sum(image.name.endswith(".jpg") for image in packed.images) == 4


RAMP = np.linspace(0, 1, 64).reshape(8, 8)
DEEP = {
    "float 0 to 1": RAMP.astype(np.float32),
    "float 0 to 255": (255 * RAMP).astype(np.float32),
    "int 0 to 255": (255 * RAMP).astype(np.int32),
    "int 0 to 65535": (65535 * RAMP).astype(np.int32),
    "unsigned 16 bits": (65535 * RAMP).astype(np.uint16),
}


@pytest.mark.parametrize("values", DEEP.values(), ids=DEEP)
def test_deep_images_come_out_as_they_look(
    values: np.ndarray,
    tmp_path: Path,
) -> None:
    data = encoded(Image.fromarray(values), "TIFF")
    assert catalogue(tmp_path, {"cat/deep.tif": data}).problems == ()
    seen = albums.fit(sets.open_image(data), InputSpec(8, 8, crop_pct=1.0))
    np.testing.assert_allclose(seen[0], 255 * RAMP, atol=1)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def deep_png(values: np.ndarray, see_through: int) -> bytes:
    """A grey PNG of 16 bits, one value of which is transparent."""
    size = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 0, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = [(b"IHDR", size), (b"tRNS", struct.pack(">H", see_through))]
    parts += [(b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def big_endian_tiff(values: np.ndarray) -> bytes:
    """A grey TIFF of 16 bits in the order of Motorola."""
    height, width = values.shape
    data = values.astype(">u2").tobytes()
    tags = [(256, width), (257, height), (258, 16), (259, 1), (262, 1), (277, 1), (278, height)]
    tags += [(273, 8), (279, len(data))]
    rows = b"".join(struct.pack(">HHIHH", tag, 3, 1, value, 0) for tag, value in sorted(tags))
    head = struct.pack(">2sHI", b"MM", 42, 8 + len(data))
    return head + data + struct.pack(">H", len(tags)) + rows + bytes(4)


def test_sixteen_bits_in_any_order_of_bytes_come_out_as_they_look(tmp_path: Path) -> None:
    data = big_endian_tiff(65535 * RAMP)
    assert catalogue(tmp_path, {"cat/big.tif": data}).problems == ()
    seen = albums.fit(sets.open_image(data), InputSpec(8, 8, crop_pct=1.0))
    np.testing.assert_allclose(seen[0], 255 * RAMP, atol=1)
    (problem,) = catalogue(tmp_path, {"cat/12.tif": big_endian_tiff(4095 * RAMP)}).problems
    assert problem.code == "unclear_depth"


@pytest.mark.parametrize("place", [0, 1, 20, 63])
def test_one_transparent_value_of_sixteen_bits_is_white_and_no_other(
    place: int, tmp_path: Path
) -> None:
    values = (65535 * RAMP).astype(np.uint16)
    data = deep_png(values, int(values.flat[place]))
    assert catalogue(tmp_path, {"cat/deep.png": data}).problems == ()
    expected = 255 * RAMP
    expected.flat[place] = 255
    seen = albums.fit(sets.open_image(data), InputSpec(8, 8, crop_pct=1.0))
    np.testing.assert_allclose(seen[0], expected, atol=1)


def test_whatever_a_decoder_does_an_import_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(image: Image.Image) -> Image.Image:
        raise KeyError("no such mode")

    monkeypatch.setattr(decoding, "rgb", surprise)
    found = sets.catalogue
    with pytest.raises(BadDataset, match=r"cat/1\.png: This image cannot be decoded"):
        found(zipped(tmp_path, SOUND))


UNCLEAR = {
    "12 bits in 16": (4095 * RAMP).astype(np.uint16),
    "14 bits in 32": (16383 * RAMP).astype(np.int32),
    "millions": (1e8 * RAMP).astype(np.int32),
    "negative": (255 * RAMP - 100).astype(np.int32),
    "float below 0": (RAMP - 0.5).astype(np.float32),
    "float to 2": (2 * RAMP).astype(np.float32),
    "float to 1e6": (1e6 * RAMP).astype(np.float32),
    "not a number": np.where(RAMP > 0.5, np.nan, RAMP).astype(np.float32),
    "infinite": np.where(RAMP > 0.5, np.inf, RAMP).astype(np.float32),
}


@pytest.mark.parametrize("values", UNCLEAR.values(), ids=UNCLEAR)
def test_deep_images_whose_range_is_not_clear_are_left_to_their_owner(
    values: np.ndarray,
    tmp_path: Path,
) -> None:
    data = encoded(Image.fromarray(values), "TIFF")
    (problem,) = catalogue(tmp_path, {"cat/deep.tif": data}).problems
    assert (problem.name, problem.code) == ("cat/deep.tif", "unclear_depth")
    assert "8 bits" in problem.message


BAD = {
    "cat/1.heic": (b"\x00\x00\x00\x18ftypheic", "HEIC"),
    "cat/phone.jpg": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "HEIC"),
    "cat/other.jpg": (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00", "HEIC"),
    "cat/1.avif": (b"\x00\x00\x00\x18ftypavif", "AVIF"),
    "cat/web.png": (b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00", "AVIF"),
    "cat/film.png": (b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00", "video"),
    "cat/page.jpg": (b"\n<!DOCTYPE html><html></html>", "web page"),
    "cat/small.jpg": (b"\xef\xbb\xbf<!doctype HTML>", "Download"),
    "cat/marked.png": (b'\xef\xbb\xbf <?XML version="1.0"?><svg/>', "Convert it"),
    "cat/paper.png": (b"%PDF-1.4", "Convert it"),
    "cat/layers.png": (b"8BPS\0\1", "Convert it"),
    "cat/packed.png": (b"PK\x03\x04", "Unpack it"),
    "cat/lfs.jpg": (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    "cat/drawing.svg": (b"<svg/>", "SVG"),
    "cat/raw.NEF": (b"II*\0", "raw image"),
    "cat/inner.zip": (b"PK\x03\x04", "Unpack it"),
    "cat/empty.png": (b"", "empty"),
    "cat/cut.png": (png(3)[:50], "cannot be decoded"),
    "notes.txt": (b"hello", "not an image file"),
    "loose.png": (png(9), "not in a class folder"),
}


def test_each_bad_file_is_named_with_its_reason(tmp_path: Path) -> None:
    found = catalogue(tmp_path, {name: data for name, (data, _) in BAD.items()})
    assert {image.name for image in found.images} == SOUND.keys()
    assert {problem.name for problem in found.problems} == BAD.keys()
    for problem in found.problems:
        assert BAD[problem.name][1] in problem.message


def test_real_heic_and_avif_files_are_told_by_name(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    image = Image.new("RGB", (16, 16), (200, 10, 10))
    heic, avif = io.BytesIO(), io.BytesIO()
    heif.from_pillow(image).save(heic)
    image.save(avif, "AVIF")
    files = {"cat/a.jpg": heic.getvalue(), "dog/b.png": avif.getvalue()}
    problems = catalogue(tmp_path, files).problems
    assert ["HEIC" in problems[0].message, "AVIF" in problems[1].message] == [True, True]


@pytest.mark.parametrize("field", ["password", "Deflate64", "PPMd"])
def test_a_zip_that_cannot_be_unpacked_says_how_to_pack_it(field: str, tmp_path: Path) -> None:
    source = zipped(tmp_path, SOUND)
    data = bytearray(source.read_bytes())
    at = data.index(b"PK\x01\x02")
    if field == "password":
        data[at + 8] |= 1
    else:
        data[at + 10 : at + 12] = struct.pack("<H", 9 if field == "Deflate64" else 98)
    source.write_bytes(data)
    with pytest.raises(BadDataset, match=field) as refused:
        sets.catalogue(source)
    assert "cat/1.png" in refused.value.message
    assert "Pack the zip" in refused.value.message


@pytest.mark.parametrize(
    ("head", "kind"),
    [(b"Rar!\x1a\x07", "RAR"), (b"7z\xbc\xaf\x27\x1c", "7z"), (b"\x1f\x8b", "gzip")],
)
def test_another_archive_is_called_by_its_name(head: bytes, kind: str, tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(head + bytes(100))
    with pytest.raises(BadDataset, match=kind) as refused:
        sets.catalogue(tmp_path / "set.zip")
    assert refused.value.code == "not_a_zip"


@pytest.mark.parametrize(
    "tops",
    [
        ("Train", "Test"),
        ("train", "val", "test"),
        ("Sample", "Public", "Private"),
        ("evaluation", "hold-out"),
        ("검증", "학습"),
    ],
)
def test_wrong_names_of_splits_are_told_from_nested_folders(
    tops: tuple[str, ...], tmp_path: Path
) -> None:
    files = {f"{top}/{name}": data for top in tops for name, data in SOUND.items()}
    for prefix in ("", "set/"):
        with pytest.raises(BadDataset, match="sample, public and private") as refused:
            sets.catalogue(zipped(tmp_path, {f"{prefix}{one}": d for one, d in files.items()}))
        assert refused.value.code == "unknown_split"
        assert tops[0] in refused.value.message
    flat = {f"{top}/{number}.png": png(number) for number, top in enumerate(tops)}
    with pytest.raises(BadDataset, match="contain no class folders"):
        sets.catalogue(zipped(tmp_path, flat))


def test_one_folder_like_a_split_is_told_where_others_hold_the_same_classes(
    tmp_path: Path,
) -> None:
    files = {f"{top}/{name}": d for top in ("batch_7", "validation") for name, d in SOUND.items()}
    with pytest.raises(BadDataset, match="batch_7, validation look like splits") as refused:
        sets.catalogue(zipped(tmp_path, files))
    assert refused.value.code == "unknown_split"
    apart = {f"glass/front/{n}.png": png(n) for n in range(3)} | {
        f"paper/back/{n}.png": png(9 + n) for n in range(3)
    }
    with pytest.raises(BadDataset) as refused:
        sets.catalogue(zipped(tmp_path, apart))
    assert refused.value.code == "nested_folders"


@pytest.mark.parametrize("prefix", ["", "set/", "outer/set/"])
@pytest.mark.parametrize("loose", ["cover.png", "notes.md"])
def test_one_loose_file_beside_the_folders_is_named_and_no_more(
    prefix: str, loose: str, tmp_path: Path
) -> None:
    by_class = {f"{prefix}{name}": data for name, data in SOUND.items()}
    by_split = {
        f"{prefix}{split}/{name}": data for split in sets.SPLITS for name, data in SOUND.items()
    }
    for files in (by_class, by_split):
        for place in ("", prefix):
            found = sets.catalogue(zipped(tmp_path, {**files, place + loose: png(7)}))
            assert [problem.name for problem in found.problems] == [place + loose]
            assert len(found.images) == len(files)
            assert found.classes == ("cat", "dog")


def test_texts_about_the_images_are_passed_over_and_counted(tmp_path: Path) -> None:
    beside = {"readme.txt": b"hi", "set/LICENSE": b"free", "cat/README-first.md": b"hi"}
    found = sets.catalogue(zipped(tmp_path, SOUND | beside))
    assert found.ignored == {"readme.txt": 1, "LICENSE": 1, "README-first.md": 1}
    assert not found.problems
    photographs = {"license/license 1.png": png(7), "license/LICENSE.png": png(8)}
    plates = photographs | {"dog/license.pdf": b"%PDF"}
    found = sets.catalogue(zipped(tmp_path, SOUND | plates))
    assert not found.ignored
    assert photographs.keys() <= {one.name for one in found.images}
    assert [one.name for one in found.problems] == ["dog/license.pdf"]


def test_links_are_passed_over_in_folders_and_zips(tmp_path: Path) -> None:
    source = zipped(tmp_path, SOUND)
    with zipfile.ZipFile(source, "a") as archive:
        link = zipfile.ZipInfo("cat/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "1.png")
    assert sets.catalogue(source).ignored == {"links": 1}
    with zipfile.ZipFile(source) as archive:
        archive.extractall(tmp_path / "set")
    (tmp_path / "set" / "cat" / "link.png").unlink(missing_ok=True)
    (tmp_path / "set" / "cat" / "link.png").symlink_to("1.png")
    (tmp_path / "set" / "bird").symlink_to(tmp_path / "set" / "cat", target_is_directory=True)
    assert sets.catalogue(tmp_path / "set").ignored == {"links": 2}
