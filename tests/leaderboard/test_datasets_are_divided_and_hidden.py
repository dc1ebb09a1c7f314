"""An import: what it makes of good images, and what it says of bad ones."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from leaderboard.errors import BadDataset, NotAllowed
from leaderboard.models import Dataset, User
from leaderboard.services import datasets, divisions

MakeZip = Callable[..., Path]


def picture(number: int) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (8, 8), (number % 256, number // 256, 7)).save(target, "PNG")
    return target.getvalue()


def class_folders(**counts: int) -> dict[str, bytes]:
    """Different pictures in class folders: class_folders(cat=10, dog=20)."""
    names = [f"{label}/DSC{n:03}.png" for label, count in counts.items() for n in range(count)]
    return {name: picture(number) for number, name in enumerate(names)}


@pytest.fixture
def make_zip(tmp_path: Path) -> MakeZip:
    def make(content: dict[str, bytes], name: str = "images.zip") -> Path:
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for one, data in content.items():
                archive.writestr(one, data)
        return tmp_path / name

    return make


def import_(source: Path, *, name: str = "Pets", by: User | None = None, **wishes: Any) -> Dataset:
    decided = divisions.Wishes(**{"seed": 7, **wishes})
    return datasets.import_(name=name, source=source, wishes=decided, by=by)


def packed(dataset: Dataset, split: str) -> dict[str, bytes]:
    with zipfile.ZipFile(dataset.split(split).archive.path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


pytestmark = pytest.mark.django_db


def test_images_are_shared_out_class_by_class(make_zip: MakeZip) -> None:
    dataset = import_(make_zip(class_folders(cat=10, dog=20)))
    assert dataset.classes == ["cat", "dog"]
    found = {split.name: split.images_by_class for split in dataset.splits.all()}
    assert found == {
        "sample": {"cat": 6, "dog": 12},
        "public": {"cat": 2, "dog": 4},
        "private": {"cat": 2, "dog": 4},
    }
    images = [image for split in found for image in packed(dataset, split).values()]
    assert len(set(images)) == 30


def test_names_and_order_tell_nothing_of_the_source(make_zip: MakeZip) -> None:
    dataset = import_(make_zip(class_folders(cat=10, dog=10)))
    assert list(packed(dataset, "public")) == [
        "cat/00000.png",
        "cat/00001.png",
        "dog/00000.png",
        "dog/00001.png",
    ]


def test_a_seed_alone_does_not_give_the_division_away(make_zip: MakeZip, settings: Any) -> None:
    source = make_zip(class_folders(cat=30, dog=30))
    first = import_(source)
    settings.SECRET_KEY = "another site"
    assert import_(source, allow_seen=True).sha256 != first.sha256


def test_the_same_content_is_imported_once(make_zip: MakeZip) -> None:
    source = make_zip(class_folders(cat=9, dog=9))
    first = import_(source)
    assert import_(source, name="Again") == first
    assert import_(source, seed=8, allow_seen=True) != first


def test_top_folders_divide(make_zip: MakeZip) -> None:
    content = {
        f"{split}/{label}/{number}.png": picture(10 * part + number)
        for part, split in enumerate(("sample", "public", "private"))
        for number, label in enumerate(("cat", "cat", "dog"))
    }
    source = make_zip(content)
    dataset = import_(source)
    assert {split.name: split.images for split in dataset.splits.all()} == {
        "sample": 3,
        "public": 3,
        "private": 3,
    }
    with pytest.raises(BadDataset) as refused:
        import_(source, shares=divisions.SHARES)
    assert refused.value.code == "already_divided"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (class_folders(cat=9), "one_class"),
        ({}, "no_images"),
        ({"readme/hello.txt": b"hello"}, "no_images"),
        ({"cat/old/1.png": picture(1), "dog/1.png": picture(2)}, "nested_folders"),
        (class_folders(cat=9, dog=2), "too_few_images"),
        ({f"sample/{k}": v for k, v in class_folders(cat=2, dog=2).items()}, "missing_split"),
        (
            {
                f"{split}/{name}": data
                for split in ("sample", "public", "private")
                for name, data in class_folders(cat=2, dog=2).items()
                if split != "private" or name.startswith("cat")
            },
            "missing_class",
        ),
    ],
)
def test_bad_layouts_are_refused_with_a_code(
    make_zip: MakeZip, content: dict[str, bytes], code: str
) -> None:
    with pytest.raises(BadDataset) as refused:
        import_(make_zip(content))
    assert refused.value.code == code
    assert not Dataset.objects.exists()


def test_what_is_no_zip_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "images.zip"
    source.write_bytes(b"no zip")
    with pytest.raises(BadDataset) as refused:
        import_(source)
    assert refused.value.code == "not_a_zip"


@pytest.mark.parametrize(
    "shares",
    [
        {"sample": 0.6, "public": 0.4},
        {"sample": 0.6, "public": 0.4, "private": 0.0},
        {"sample": 0.6, "public": 0.4, "private": 0.4},
        {"sample": 0.6, "public": 0.2, "private": float("nan")},
    ],
)
def test_bad_shares_are_refused(make_zip: MakeZip, shares: dict[str, float]) -> None:
    with pytest.raises(BadDataset) as refused:
        import_(make_zip(class_folders(cat=9, dog=9)), shares=shares)
    assert refused.value.code == "bad_shares"


def test_bad_files_stop_by_name_or_are_left_out(make_zip: MakeZip) -> None:
    bad = {f"cat/broken{number:02}.png": b"not a picture" for number in range(24)}
    source = make_zip({**class_folders(cat=9, dog=9), **bad, "dog/notes.txt": b"hello"})
    with pytest.raises(BadDataset) as refused:
        import_(source)
    assert refused.value.code == "bad_files"
    assert "(25)" in refused.value.detail
    assert "dog/notes.txt (This is not an image file)" in refused.value.detail
    assert "and 5 more" in refused.value.detail
    dataset = import_(source, skip_broken=True)
    assert len(dataset.skipped) == 25
    assert {"name": "cat/broken00.png", "code": "broken_image"}.items() <= dataset.skipped[
        1
    ].items()
    assert sum(split.images for split in dataset.splits.all()) == 18


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--name", "n" * 121], "name_too_long"),
        (["--licence", "l" * 201], "licence_too_long"),
    ],
)
def test_texts_that_do_not_fit_are_refused_by_the_command(
    make_zip: MakeZip, options: list[str], code: str
) -> None:
    with pytest.raises(CommandError, match=code):
        call_command("import_dataset", make_zip(class_folders(cat=10, dog=10)), *options)
    assert not Dataset.objects.exists()


def test_a_source_with_a_long_name_wants_a_shorter_one(make_zip: MakeZip) -> None:
    source = make_zip(class_folders(cat=10, dog=10), f"{'n' * 121}.zip")
    with pytest.raises(CommandError, match="name_too_long"):
        call_command("import_dataset", source)
    call_command("import_dataset", source, "--name", "n" * 120)
    assert Dataset.objects.get().name == "n" * 120


def test_only_organizers_import(make_zip: MakeZip, outsider: User) -> None:
    with pytest.raises(NotAllowed):
        import_(make_zip(class_folders(cat=9, dog=9)), by=outsider)


def test_the_command_prints_json_and_has_exit_codes(
    make_zip: MakeZip, capsys: pytest.CaptureFixture[str]
) -> None:
    source = make_zip(class_folders(cat=10, dog=10))
    call_command("import_dataset", source, "--shares", "0.5/0.25/0.25", "--seed", "1", "--json")
    said = json.loads(capsys.readouterr().out)
    assert said["is_new"]
    assert said["name"] == "images"
    assert sum(said["images"].values()) == 20
    assert said["images"]["sample"] == 10
    with pytest.raises(CommandError, match="one_class"):
        call_command("import_dataset", make_zip(class_folders(cat=9), "one.zip"))
    with pytest.raises(CommandError) as wrong:
        call_command("import_dataset", "/nowhere.zip")
    assert wrong.value.returncode == 2
