"""Copies of a picture come into one split, however they were copied."""

from __future__ import annotations

import io
import random
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from scoring.errors import BadDataset
from scoring.images import kinship, sets

SHARES = {"sample": 0.6, "public": 0.2, "private": 0.2}
TRASHNET = Path(__file__).parents[3] / "shared" / "data" / "trashnet-150.zip"


def scene(seed: int, size: tuple[int, int] = (120, 90)) -> Image.Image:
    """A picture with some shapes of its own."""
    chance = random.Random(seed)
    image = Image.new("RGB", size, tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(8):
        x, y = chance.randrange(size[0]), chance.randrange(size[1])
        box = (x, y, x + chance.randrange(10, 60), y + chance.randrange(10, 60))
        shape = draw.ellipse if chance.random() < 0.5 else draw.rectangle
        shape(box, fill=tuple(chance.randrange(256) for _ in range(3)))
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def catalogue(place: Path, files: dict[str, bytes]) -> sets.Catalogue:
    with zipfile.ZipFile(place / "set.zip", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return sets.catalogue(place / "set.zip")


def names(groups: tuple[tuple[sets.Image, ...], ...]) -> list[list[str]]:
    return [[image.name for image in group] for group in groups]


def turned_by_note(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    return encoded(image.transpose(Image.Transpose.ROTATE_90), exif=exif)


EQUAL = {
    "cat/copy.png": encoded(scene(1)),
    "cat/packed.png": encoded(scene(1), compress_level=1),
    "cat/bitmap.bmp": encoded(scene(1), "BMP"),
    "cat/opaque.png": encoded(scene(1).convert("RGBA")),
    "cat/lossless.webp": encoded(scene(1), "WEBP", lossless=True),
    "cat/turned.png": turned_by_note(scene(1)),
}
NEAR = {
    "cat/compressed.jpg": encoded(scene(1), "JPEG", quality=30),
    "cat/smaller.png": encoded(scene(1).resize((60, 45))),
    "cat/larger.jpg": encoded(scene(1).resize((300, 225)), "JPEG"),
    "cat/darker.png": encoded(ImageEnhance.Brightness(scene(1)).enhance(0.8)),
    "cat/noisy.png": encoded(
        Image.fromarray(
            (np.asarray(scene(1)) + np.random.default_rng(0).normal(0, 8, (90, 120, 3)))
            .clip(0, 255)
            .astype(np.uint8)
        )
    ),
}
OTHERS = {f"{label}/{n}.png": encoded(scene(n + 10)) for n, label in enumerate(["cat", "dog"] * 15)}


def test_equal_pixels_are_found_through_any_lossless_way(tmp_path: Path) -> None:
    kin = kinship.of(catalogue(tmp_path, {**EQUAL, **OTHERS}).images)
    assert names(kin.equal) == [sorted(EQUAL)]
    assert (kin.conflicts, kin.near) == ((), ())


def test_nearly_equal_pictures_are_found_and_others_are_not(tmp_path: Path) -> None:
    kin = kinship.of(catalogue(tmp_path, {**EQUAL, **NEAR, **OTHERS}).images)
    assert names(kin.equal) == [sorted(EQUAL)]
    assert names(kin.near) == [sorted({**EQUAL, **NEAR})]


def test_one_picture_under_two_classes_is_a_conflict(tmp_path: Path) -> None:
    files = {**OTHERS, "cat/x.png": encoded(scene(5)), "dog/y.bmp": encoded(scene(5), "BMP")}
    kin = kinship.of(catalogue(tmp_path, files).images)
    assert names(kin.conflicts) == [["cat/x.png", "dog/y.bmp"]]


def test_pictures_of_one_colour_are_equal_or_not_but_never_nearly(tmp_path: Path) -> None:
    files = {
        f"{label}/{shade}.png": encoded(Image.new("RGB", (16, 16), (shade, 9, number)))
        for number, label in enumerate(("cat", "dog"))
        for shade in range(40)
    }
    kin = kinship.of(catalogue(tmp_path, files).images)
    assert (kin.equal, kin.conflicts, kin.near) == ((), (), ())


def test_one_shape_in_several_colours_is_not_one_picture(tmp_path: Path) -> None:
    def sign(colour: str, grey: int) -> Image.Image:
        made = Image.new("RGB", (64, 64), "white")
        ImageDraw.Draw(made).ellipse((8, 8, 56, 56), fill=colour)
        ImageDraw.Draw(made).rectangle((20, 28, 44, 36), fill=(grey,) * 3)
        return made

    colours = ("red", "green", "blue", "orange", "purple", "teal")
    files = {
        f"{label}/{colour}.png": encoded(sign(colour, 200 + number))
        for number, label in enumerate(("cat", "dog"))
        for colour in colours
    }
    near = kinship.of(catalogue(tmp_path, files).images).near
    assert names(near) == [[f"cat/{one}.png", f"dog/{one}.png"] for one in sorted(colours)]


def image(name: str, label: str) -> sets.Image:
    return sets.Image(name, label)


def drawn(seed: int) -> list[list[sets.Image]]:
    """Groups and single images of three classes; many of both, or (odd seeds) few."""
    chance = random.Random(seed)
    is_small = seed % 2
    groups = [
        [image(f"{n}-{k}", chance.choice("abc")) for k in range(chance.randrange(2, 6))]
        for n in range(chance.randrange(4, 7) if is_small else chance.randrange(1, 25))
    ]
    singles = [
        [image(f"s{label}{n}", label)]
        for label in "abc"
        for n in range(chance.randrange(0, 2) if is_small else chance.randrange(3, 40))
    ]
    return groups + singles


@pytest.mark.parametrize("start", range(0, 2000, 200))
def test_groups_are_never_divided_and_every_class_is_in_every_split(start: int) -> None:
    for seed in range(start, start + 200):
        refuse_or_divide(drawn(seed), seed)


def refuse_or_divide(units: list[list[sets.Image]], seed: int) -> None:
    groups = [unit for unit in units if len(unit) > 1]
    images = [one for unit in units for one in unit]
    try:
        splits = sets.share(images, SHARES, seed, groups)
    except BadDataset:
        # nothing but a lack of different pictures is refused
        units_of = Counter(label for unit in units for label in {one.label for one in unit})
        assert min(units_of.values()) < 6
        return
    where = {one.name: split for split, part in splits.items() for one in part}
    assert sorted(where) == sorted(one.name for one in images)
    for group in groups:
        assert len({where[one.name] for one in group}) == 1
    for part in splits.values():
        assert {one.label for one in part} == {one.label for one in images}
    assert sets.share(images, SHARES, seed, groups) == splits


def test_groups_leave_the_shares_as_they_are_where_they_can() -> None:
    groups = [
        [image(f"{label}{n}-{k}", label) for k in range(2)] for label in "ab" for n in range(50)
    ]
    images = [one for group in groups for one in group]
    splits = sets.share(images, SHARES, 1, groups)
    counts = {name: Counter(one.label for one in part) for name, part in splits.items()}
    assert counts == {
        "sample": {"a": 60, "b": 60},
        "public": {"a": 20, "b": 20},
        "private": {"a": 20, "b": 20},
    }
    some = sets.share(images, {"public": 0.1, "private": 0.1}, 1, groups)
    assert [len(part) for part in some.values()] == [20, 20]


def test_a_class_of_copies_is_too_small() -> None:
    copies = [image(f"a{n}", "a") for n in range(9)]
    images = [*copies, *(image(f"b{n}", "b") for n in range(9))]
    with pytest.raises(
        BadDataset, match="too few different pictures for 3 splits: 1 among 9"
    ) as refused:
        sets.share(images, SHARES, 1, [copies])
    assert refused.value.code == "too_few_images"


def test_chains_are_found_in_blocks_as_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)
    rows = chance.integers(0, 2**63, (300, 5)).astype(np.uint64)
    rows[:, 4] = 0  # of one colour
    for one, other in ((5, 250), (250, 299), (17, 18), (18, 120)):
        rows[other] = rows[one] ^ np.array([0b111 << one % 40, 0, 1 << 20, 0, 3], np.uint64)
    whole = kinship.components(rows)
    monkeypatch.setattr(kinship, "COMPARED", 7 * 300)
    parts = kinship.components(rows)
    for found in (whole, parts):
        groups = Counter(found)
        assert sorted(groups.values())[-2:] == [3, 3]
        assert found[5] == found[250] == found[299] != found[17] == found[18] == found[120]
        assert len(groups) == 296


@pytest.mark.skipif(not TRASHNET.exists(), reason=f"{TRASHNET.name} is not here")
def test_of_real_photographs_only_those_of_one_object_are_nearly_equal() -> None:
    kin = kinship.of(sets.catalogue(TRASHNET).images)
    assert names(kin.conflicts) == [
        ["glass/glass115.jpg", "metal/metal91.jpg"],
        ["glass/glass176.jpg", "plastic/plastic152.jpg"],
        ["glass/glass389.jpg", "plastic/plastic332.jpg"],
    ]
    assert kin.equal == ()
    assert len(kin.near) == 26
    assert max(map(len, kin.near)) == 2
