"""What an organizer is told of a set of images before anything is stored, and what stops it."""

from __future__ import annotations

import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import Image, ImageDraw

from leaderboard.models import AuditEntry, Dataset, Fingerprints
from scoring.images.sets import SPLITS

Run = Callable[..., dict[str, Any]]
Files = dict[str, bytes]

pytestmark = pytest.mark.django_db


def scene(number: int, kind: str = "PNG") -> bytes:
    chance = random.Random(number)
    image = Image.new("RGB", (48, 36), tuple(chance.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = chance.randrange(40), chance.randrange(30)
        box = (x, y, x + chance.randrange(8, 30), y + chance.randrange(8, 30))
        draw.ellipse(box, fill=tuple(chance.randrange(256) for _ in range(3)))
    data = io.BytesIO()
    image.save(data, kind)
    return data.getvalue()


def pets(count: int = 12, first: int = 0) -> Files:
    return {
        f"{label}/{n:03}.png": scene(first + 2 * n + number)
        for number, label in enumerate(("cat", "dog"))
        for n in range(count)
    }


def zipped(files: Files) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command's JSON, with `error` where it ends with one."""

    def call(files: Files, *options: str) -> dict[str, Any]:
        (tmp_path / "pets.zip").write_bytes(zipped(files))
        error = ""
        try:
            call_command("import_dataset", tmp_path / "pets.zip", *options, "--json")
        except CommandError as raised:
            error = str(raised)
        return {**json.loads(capsys.readouterr().out), "error": error}

    return call


def pictures(split: str) -> set[bytes]:
    """Pixels of all images of a split of the newest dataset."""
    path = Dataset.objects.latest("pk").split(split).archive.path
    with zipfile.ZipFile(path) as archive:
        return {
            Image.open(io.BytesIO(archive.read(name))).convert("RGB").tobytes()
            for name in archive.namelist()
        }


def codes(told: dict[str, Any]) -> list[str]:
    return [one["code"] for one in told["report"]["refusals"]]


def test_a_dry_run_tells_everything_and_stores_nothing(run: Run) -> None:
    files = {
        **pets(),
        "cat/copy.bmp": scene(0, "BMP"),
        "dog/copy.png": scene(2),
        "cat/near.jpg": scene(4, "JPEG"),
        "cat/broken.png": b"no",
        "dog/.DS_Store": b"x",
    }
    told = run(files, "--dry-run", "--seed", "1")
    report = told["report"]
    assert not Dataset.objects.exists()
    assert codes(told) == ["bad_files", "conflicting_labels"]
    assert "conflicting_labels" in told["error"]
    assert report["equal"] == [["cat/000.png", "cat/copy.bmp"]]
    assert report["conflicts"] == [["cat/001.png", "dog/copy.png"]]
    assert report["near"] == [["cat/002.png", "cat/near.jpg"]]
    assert [one["name"] for one in report["problems"]] == ["cat/broken.png"]
    assert report["ignored"] == {".DS_Store": 1}
    assert report["sizes"]["median"] == "48 x 36"
    assert report["modes"] == {"RGB": 27}
    assert report["formats"] == {"PNG": 25, "BMP": 1, "JPEG": 1}
    assert sum(report["classes"]["cat"].values()) == 14
    assert set(report["few"]["private"]) == {"cat", "dog"}
    (public, _) = report["power"]
    assert public["quality"] == pytest.approx(1.96 * (0.1 / public["images"]) ** 0.5, abs=1e-4)
    assert public["score"] == pytest.approx(5 * public["quality"], abs=1e-3)

    quiet = run(files, "--dry-run", "--skip-broken", "--conflicts", "drop")
    assert (codes(quiet), quiet["error"]) == ([], "")
    assert not Dataset.objects.exists()


def test_a_class_whose_images_are_all_broken_is_told_by_its_files(run: Run) -> None:
    told = run({"cat/1.png": b"no", "dog/1.png": scene(1)})
    assert codes(told) == ["bad_files", "one_class"]
    assert "cat/1.png" in told["detail"]


@pytest.mark.parametrize("options", [["--skip-broken"], ["--conflicts", "drop"]])
def test_a_class_never_vanishes_by_what_is_left_out(run: Run, options: list[str]) -> None:
    if "drop" in options:
        files = {**pets(), **{f"bird/{n}.png": scene(2 * n) for n in range(3)}}
    else:
        files = {**pets(), "bird/1.heic": b"x", "bird/2.heic": b"x"}
    told = run(files, *options)
    assert told["code"] == "missing_class"
    assert "Classes without usable images: bird." in told["detail"]
    assert told["report"]["lost"] == ["bird"]
    assert not Dataset.objects.exists()


def test_a_class_that_only_a_table_names_does_not_vanish_either(run: Run) -> None:
    files = {name.replace("/", ""): data for name, data in pets().items()}
    rows = "".join(f"{name},{name[:3]}\n" for name in files) + "bird1.heic,bird\n"
    told = run({**files, "labels.csv": b"file,label\n" + rows.encode()}, "--skip-broken")
    assert told["code"] == "missing_class"
    assert told["report"]["lost"] == ["bird"]


def test_the_report_is_text_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pets.zip").write_bytes(zipped({**pets(), "cat/copy.bmp": scene(0, "BMP")}))
    call_command("import_dataset", tmp_path / "pets.zip", "--dry-run")
    said = capsys.readouterr().out
    assert "Images: 25. Classes: 2." in said
    assert "Same picture, one class: Images: 2. Groups, each kept together: 1." in said
    assert "if their quality differs by at least 0.2" in said
    assert "Nothing was stored" in said


def test_copies_of_a_picture_never_reach_another_split(run: Run) -> None:
    copies = {f"cat/copy{n}.bmp": scene(2 * n, "BMP") for n in range(12)}
    for seed in range(5):
        assert not run({**pets(), **copies}, "--seed", str(seed), "--allow-seen")["error"]
        sample, public, private = (pictures(name) for name in ("sample", "public", "private"))
        assert not sample & public | sample & private | public & private


def test_a_picture_under_two_classes_stops_until_all_its_copies_are_dropped(run: Run) -> None:
    files = {**pets(), "dog/wrong.png": scene(0), "cat/again.bmp": scene(0, "BMP")}
    told = run(files)
    assert told["code"] == "conflicting_labels"
    assert "cat/000.png = cat/again.bmp = dog/wrong.png" in told["detail"]
    assert not Dataset.objects.exists()
    told = run(files, "--conflicts", "drop")
    assert sum(told["images"].values()) == 23
    assert {(one["name"], one["code"]) for one in told["skipped"]} == {
        (name, "conflict") for name in ("cat/000.png", "cat/again.bmp", "dog/wrong.png")
    }


def test_nothing_is_left_where_all_pictures_are_under_two_classes(run: Run) -> None:
    files = {f"{label}/{n}.png": scene(n) for label in ("cat", "dog") for n in range(4)}
    assert codes(run(files)) == ["conflicting_labels"]
    assert run(files, "--conflicts", "drop")["code"] == "no_images"
    assert not Dataset.objects.exists()


def from_a_fixed_camera(count: int = 12) -> Files:
    """Two classes before one background: a small thing is in the picture, or not."""
    background = Image.open(io.BytesIO(scene(7))).resize((96, 72))
    files = {}
    for number, label in enumerate(("empty", "there")):
        for n in range(count):
            image = background.copy()
            shade = (n, 2 * n, 9 + number)
            ImageDraw.Draw(image).rectangle((4 * n, 5, 4 * n + 2, 7), fill=shade)
            data = io.BytesIO()
            image.save(data, "PNG")
            files[f"{label}/{n:03}.png"] = data.getvalue()
    return files


def test_pictures_of_a_fixed_camera_are_refused_with_the_choice_that_helps(run: Run) -> None:
    told = run(from_a_fixed_camera())
    assert told["code"] == "too_alike"
    assert "divide nearly equal pictures like other pictures" in told["detail"]
    assert "--near apart" in told["error"]
    assert not run(from_a_fixed_camera(), "--near", "apart")["error"]
    assert Dataset.objects.get().split("private").images == 4
    few = {**from_a_fixed_camera(), "rare/1.png": scene(1)}
    assert run(few)["code"] == "too_few_images"


def test_a_given_division_with_overlaps_is_refused_unless_told_otherwise(run: Run) -> None:
    files = divided()
    assert not run(files, "--dry-run")["error"]
    files["private/cat/copy.bmp"] = scene(0, "BMP")
    told = run(files)
    assert told["code"] == "splits_overlap"
    assert "private/cat/copy.bmp = sample/cat/000.png" in told["detail"]
    assert told["report"]["overlaps"] == [["private/cat/copy.bmp", "sample/cat/000.png"]]
    assert not run(files, "--allow-overlaps", "--seed", "1")["error"]
    assert Dataset.objects.get().split("private").images == 7
    assert not run(files, "--allow-overlaps", "--seed", "1")["is_new"]


@pytest.mark.parametrize("are", ["known", "lacking", "of another length"])
def test_what_an_earlier_sample_showed_is_not_hidden_unawares(run: Run, are: str) -> None:
    run(pets(20), "--seed", "1")
    if are == "lacking":  # as those of datasets are that were imported before
        Fingerprints.objects.all().delete()
    elif are == "of another length":
        Fingerprints.objects.update(likeness=bytes(32))
    assert not run(pets(20), "--seed", "1")["is_new"]

    told = run(pets(20), "--seed", "2", "--shares", "0.2/0.4/0.4")
    assert told["code"] == "seen_before"
    assert "Images to hide that the sample of “pets” shows: " in told["detail"]
    assert len(told["report"]["seen"]) == 2  # hidden and shown, shown and hidden: each once
    assert Dataset.objects.count() == 1
    assert Fingerprints.objects.count() == 3

    again = {name.replace(".png", ".jpg"): scene(n, "JPEG") for n, name in enumerate(pets(20))}
    assert run(again, "--seed", "2")["code"] == "seen_before"
    assert not run(pets(20), "--seed", "2", "--allow-seen")["error"]
    assert not run(pets(20, first=500), "--seed", "2")["error"]


def test_images_that_cannot_be_compared_are_not_imported(run: Run) -> None:
    run(pets(20), "--seed", "1")
    Fingerprints.objects.all().delete()
    archive = Path(Dataset.objects.get().split("sample").archive.path)
    content = archive.read_bytes()
    archive.unlink()
    other = "--seed", "2", "--shares", "0.2/0.4/0.4"
    assert run(pets(20), *other)["code"] == "storage_failed"
    archive.write_bytes(content)
    assert run(pets(20), *other)["code"] == "seen_before"
    # What no import can read shows no pictures.
    Fingerprints.objects.all().delete()
    archive.write_bytes(b"no zip")
    told = run(pets(20), *other)
    assert len(told["report"]["seen"]) == 1, "hidden there, shown here"


def divided(first: int = 0) -> Files:
    """Three cats and three dogs in each split."""
    return {
        f"{split}/{name}": data
        for number, split in enumerate(("sample", "public", "private"))
        for name, data in pets(3, first=first + 100 * number).items()
    }


@pytest.mark.parametrize("are", ["known", "without classes", "lacking"])
def test_a_version_says_what_it_changes_against_the_one_before(run: Run, are: str) -> None:
    assert run(divided())["report"]["changes"] is None
    if are == "lacking":  # as those of datasets are that were imported before
        Fingerprints.objects.all().delete()
    elif are == "without classes":
        Fingerprints.objects.update(classes=b"")
    files = divided()
    files["public/cat/moved.png"] = files.pop("sample/cat/000.png")
    files["private/dog/other.png"] = files.pop("private/cat/001.png")
    del files["public/dog/002.png"]
    files |= {f"{split}/eel/0.png": scene(900 + n) for n, split in enumerate(SPLITS)}
    options = ("--allow-seen", "--name", "pets")
    planned = run(files, *options, "--dry-run")["report"]["changes"]
    numbers = ("version", "kept", "added", "removed", "moved", "relabelled")
    assert [planned[name] for name in numbers] == [1, 15, 3, 1, 1, 1]
    assert (planned["new_classes"], planned["lost_classes"]) == (["eel"], [])
    assert planned["counts"]["public"] == {"cat": [3, 4], "dog": [3, 2], "eel": [0, 1]}

    told = run(files, *options)
    first, second = Dataset.objects.order_by("version")
    assert told["version"] == second.version == 2
    assert planned == told["changes"] == second.changes
    assert (planned["bytes_before"], planned["bytes_after"]) == (stored(first), stored(second))
    assert second.previous == first
    assert str(second) == "pets, version 2"
    entry = AuditEntry.objects.filter(act="dataset_imported").latest("pk")
    assert entry.after["changes"] == planned


def test_the_same_pictures_divided_otherwise_have_only_moved(run: Run) -> None:
    run(pets(), "--seed", "1")
    files = {**pets(), "cat/copy.png": scene(0)}
    planned = run(files, "--allow-seen", "--dry-run")
    seed = str(planned["seed"])  # it was drawn
    told = run(files, "--seed", seed, "--allow-seen")["changes"]
    assert told == planned["report"]["changes"]
    assert told["moved"] > 3
    assert (told["added"], told["removed"], told["kept"]) == (1, 0, 24 - told["moved"])


def stored(dataset: Dataset) -> int:
    return sum(split.size_bytes for split in dataset.splits.all())
