import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from scoring.errors import BadDataset
from scoring.images import decoding, sets, sources


def png(shade: int = 0) -> bytes:
    data = io.BytesIO()
    Image.new("L", (4, 4), shade % 256).save(data, "PNG")
    return data.getvalue()


def zipped(place: Path, *names: str, **files: bytes) -> Path:
    """A zip of small images, each of them different."""
    path = place / "images.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, png(number))
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def refusal(source: Path) -> BadDataset:
    with pytest.raises(BadDataset) as refused:
        sets.catalogue(source)
    return refused.value


def test_a_zip_of_class_folders(tmp_path: Path) -> None:
    found = sets.catalogue(zipped(tmp_path, "cat/1.png", "cat/2.png", "dog/1.PNG"))
    assert found.classes == ("cat", "dog")
    assert found.counts() == {"cat": 2, "dog": 1}
    assert found.problems == ()


def test_a_folder_of_class_folders(tmp_path: Path) -> None:
    with zipfile.ZipFile(zipped(tmp_path, "cat/1.png", "dog/1.png")) as archive:
        archive.extractall(tmp_path / "images")
    found = sets.catalogue(tmp_path / "images")
    assert [image.name for image in found.images] == ["cat/1.png", "dog/1.png"]


def test_one_common_top_folder_and_junk_are_looked_through(tmp_path: Path) -> None:
    source = zipped(
        tmp_path, "set/cat/1.png", "set/dog/1.png", "__MACOSX/set/cat/._1.png", "set/.DS_Store"
    )
    found = sets.catalogue(source)
    assert found.classes == ("cat", "dog")
    assert found.problems == ()


def test_splits_are_taken_from_their_folders(tmp_path: Path) -> None:
    names = [f"top/{split}/{label}/1.png" for split in sets.SPLITS for label in ("cat", "dog")]
    found = sets.catalogue(zipped(tmp_path, *names))
    assert [image.label for image in found.of("private")] == ["cat", "dog"]


def test_an_unknown_split_is_named(tmp_path: Path) -> None:
    names = ["public/cat/1.png", "public/dog/1.png", "hidden/cat/1.png"]
    refused = refusal(zipped(tmp_path, *names))
    assert refused.code == "unknown_split"
    assert "hidden" in refused.message


@pytest.mark.parametrize("lacking", sets.SPLITS)
def test_a_split_without_a_class(lacking: str, tmp_path: Path) -> None:
    names = [f"{split}/{label}/1.png" for split in sets.SPLITS for label in ("cat", "dog")]
    names.remove(f"{lacking}/dog/1.png")
    assert refusal(zipped(tmp_path, *names)).code == "missing_class"


def test_nested_folders_are_named(tmp_path: Path) -> None:
    refused = refusal(zipped(tmp_path, "cat/old/1.png", "cat/2.png", "dog/1.png"))
    assert refused.code == "nested_folders"
    assert "cat/old" in refused.message


def test_one_class(tmp_path: Path) -> None:
    assert refusal(zipped(tmp_path, "cat/1.png", "cat/2.png")).code == "one_class"


def test_no_images(tmp_path: Path) -> None:
    assert refusal(zipped(tmp_path, **{"cat/1.txt": b"meow"})).code == "no_images"


def test_no_zip(tmp_path: Path) -> None:
    (tmp_path / "images.zip").write_bytes(b"PK\x03\x04 and then nothing")
    assert refusal(tmp_path / "images.zip").code == "not_a_zip"


def test_unsafe_names(tmp_path: Path) -> None:
    assert refusal(zipped(tmp_path, "cat/../../1.png", "dog/1.png")).code == "unsafe_names"


def test_a_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILE_BYTES", 1000)
    assert refusal(zipped(tmp_path, "cat/1.png", **{"dog/1.png": b"0" * 1001})).code == "too_large"


def test_an_image_of_too_many_pixels_is_not_unpacked(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.new("1", (decoding.MAX_PIXELS // 1000 + 1, 1000)).save(data, "PNG")
    assert len(data.getvalue()) < 10_000
    found = sets.catalogue(
        zipped(tmp_path, "cat/1.png", "dog/1.png", **{"dog/2.png": data.getvalue()})
    )
    assert [(one.name, one.code) for one in found.problems] == [("dog/2.png", "broken_image")]


def test_a_format_beyond_those_that_are_named_is_not_opened() -> None:
    data = io.BytesIO()
    Image.new("RGB", (4, 4)).save(data, "EPS")
    with pytest.raises(ValueError, match="decoded"):
        sets.open_image(data.getvalue())


def test_each_bad_file_is_named(tmp_path: Path) -> None:
    bad = {"cat/broken.png": png()[:40], "cat/notes.txt": b"meow"}
    found = sets.catalogue(zipped(tmp_path, "cat/1.png", "dog/1.png", "lost.png", **bad))
    assert {problem.name: problem.code for problem in found.problems} == {
        "cat/broken.png": "broken_image",
        "cat/notes.txt": "not_an_image",
        "lost.png": "outside_class",
    }
    assert [image.name for image in found.images] == ["cat/1.png", "dog/1.png"]


def images(cats: int, dogs: int) -> list[sets.Image]:
    names = [f"cat/{n}.png" for n in range(cats)] + [f"dog/{n}.png" for n in range(dogs)]
    return [sets.Image(name, name[:3]) for name in names]


def test_shares_are_stratified_and_repeatable() -> None:
    shares = {"sample": 0.6, "public": 0.2, "private": 0.2}
    splits = sets.share(images(100, 7), shares, seed=1)
    counts = {
        name: [sum(image.label == label for image in part) for label in ("cat", "dog")]
        for name, part in splits.items()
    }
    assert counts == {"sample": [60, 4], "public": [20, 2], "private": [20, 1]}
    assert len({image.name for part in splits.values() for image in part}) == 107
    assert sets.share(images(100, 7)[::-1], shares, seed=1) == splits
    assert sets.share(images(100, 7), shares, seed=2) != splits


def test_the_rest_of_the_shares_is_left_out() -> None:
    splits = sets.share(images(100, 100), {"public": 0.1, "private": 0.1}, seed=1)
    assert [len(part) for part in splits.values()] == [20, 20]


def test_every_class_is_in_every_split_or_it_is_refused() -> None:
    shares = {"sample": 0.9, "public": 0.05, "private": 0.05}
    splits = sets.share(images(50, 3), shares, seed=1)
    assert all({image.label for image in part} == {"cat", "dog"} for part in splits.values())
    with pytest.raises(BadDataset, match="dog") as refused:
        sets.share(images(50, 2), shares, seed=1)
    assert refused.value.code == "too_few_images"


def test_a_pack_depends_on_content_and_seed_only(tmp_path: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
    first = zipped(tmp_path / "one", "cat/secret-cat.png", *(f"dog/b{n}.png" for n in range(7)))
    second = zipped(tmp_path / "two", "cat/a.png", *(f"dog/z{n}.png" for n in range(7)))
    packs: list[bytes] = []
    for source, seed in ((first, 1), (second, 1), (first, 2)):
        target = tmp_path / f"{len(packs)}.zip"
        sets.pack(source, sets.catalogue(source).images, target, seed)
        packs.append(target.read_bytes())
    assert packs[0] == packs[1] != packs[2]
    with zipfile.ZipFile(io.BytesIO(packs[0])) as archive:
        assert archive.namelist() == ["cat/00000.png", *(f"dog/0000{n}.png" for n in range(7))]
