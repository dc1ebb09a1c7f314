"""Names in folders and zips are read by one rule, whatever system wrote them.

They can be read again later.
"""

from __future__ import annotations

import io
import os
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scoring.errors import BadDataset
from scoring.images import sets

E_ACUTE, E_AND_ACUTE = "é", "e\u0301"


def png(shade: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (4, 4), (shade % 256, shade // 256, 9)).save(data, "PNG")
    return data.getvalue()


def as_zip(place: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(place / "set.zip", "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(name, png(number))
    return place / "set.zip"


def as_folder(place: Path, names: list[str]) -> Path:
    for number, name in enumerate(names):
        path = place / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number))
    return place / "set"


def unflagged(place: Path, names: list[str], encoding: str, extra: bool = False) -> Path:
    """A zip as programs of Windows write it: names in bytes of a code page that it does not
    name."""
    place = place / f"{encoding}.zip"
    in_place = {
        f"~{number}".ljust(len(one.encode(encoding)), "~"): one for number, one in enumerate(names)
    }
    with zipfile.ZipFile(place, "w") as archive:
        for number, (standing, name) in enumerate(in_place.items()):
            info = zipfile.ZipInfo(standing)
            if extra:
                field = struct.pack("<BI", 1, zlib.crc32(name.encode(encoding))) + name.encode()
                info.extra = struct.pack("<HH", 0x7075, len(field)) + field
            archive.writestr(info, png(number))
    data = place.read_bytes()
    for standing, name in in_place.items():
        data = data.replace(standing.encode(), name.encode(encoding))
    place.write_bytes(data)
    return place


def read_again(source: Path, place: Path) -> sets.Catalogue:
    """What the engine reads from the pack of an import."""
    sets.pack(source, sets.catalogue(source).images, place / "pack.zip")
    return sets.catalogue(place / "pack.zip", verify=False)


LEGITIMATE = [
    "Screenshot 2024-01-01 at 9.41.00\u202fAM.png",
    "no\u00a0break.png",
    "wide\u3000space.png",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467.png",
    "soft\u00adhyphen.png",
    "line\nbreak.png",
    "\ufeffmark.png",
]


@pytest.mark.parametrize("make", [as_zip, as_folder])
def test_files_have_any_name_and_classes_most(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    classes = ["no\u00a0break", "wide\u3000space", "soft\u00adhyphen", "\U0001f469\u200d\U0001f467"]
    names = [f"{label}/{name}" for label in classes for name in LEGITIMATE]
    source = make(tmp_path, [*names, "cat/Icon\r"])
    found = sets.catalogue(source)
    assert found.counts() == dict.fromkeys(sorted(classes), len(LEGITIMATE))
    assert found.problems == ()
    assert found.ignored == {"Icon": 1}
    assert read_again(source, tmp_path).counts() == found.counts()


@pytest.mark.parametrize("make", [as_zip, as_folder])
def test_one_name_composed_in_two_ways_is_one_class(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    names = [f"caf{E_ACUTE}/1.png", f"caf{E_AND_ACUTE}/1.png", "dog/1.png"]
    found = sets.catalogue(make(tmp_path, names))
    assert found.counts() == {f"caf{E_ACUTE}": 2, "dog": 1}
    assert read_again(tmp_path / ("set.zip" if make is as_zip else "set"), tmp_path).classes == (
        f"caf{E_ACUTE}",
        "dog",
    )


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["cat/1.png", "cat\u200b/1.png"], "look_alike_classes"),
        (["red cat/1.png", "red\u00a0cat/1.png"], "look_alike_classes"),
        (["cat/1.png", "cat /1.png"], "look_alike_classes"),
        (["cat/1.png", "c\u00adat/1.png"], "look_alike_classes"),
        (["cat/1.png", "cat\ufe0f/1.png"], "look_alike_classes"),
        (
            ["cat/1.png", f"caf{E_ACUTE}/1.png", f"caf\u2060{E_AND_ACUTE}/1.png"],
            "look_alike_classes",
        ),
        (["a/" * 100 + "cat/1.png", "dog/1.png"], "unsafe_names"),
        (["cat/1.png", "do\ng/1.png"], "bad_class_name"),
        (["cat/1.png", "do\u2028g/1.png"], "bad_class_name"),
        (["cat/1.png", "do\x7fg/1.png"], "bad_class_name"),
        (["cat/1.png", "\u202edog/1.png"], "bad_class_name"),
        (["cat/1.png", "\u3000/1.png"], "bad_class_name"),
        (["cat/1.png", "\u200b/1.png"], "bad_class_name"),
        (["cat/1.png", "do\\g/1.png"], "backslash_names"),
        (["cat\\1.png", "dog\\1.png"], "backslash_names"),
    ],
)
def test_what_could_not_be_told_apart_or_read_again_is_refused_everywhere(
    names: list[str], code: str, tmp_path: Path
) -> None:
    for source in (as_zip(tmp_path, names), as_folder(tmp_path, names)):
        with pytest.raises(BadDataset) as refused:
            sets.catalogue(source)
        assert refused.value.code == code
        assert "\n" not in refused.value.message


LIKE_OTHER_THINGS = ["train", "public", "private", "labels.csv", "cat.png", "N", " cat", "a:b", "-"]


@settings(max_examples=60, deadline=None)
@given(label=st.text(min_size=1, max_size=12) | st.sampled_from(LIKE_OTHER_THINGS))
def test_whatever_class_is_imported_is_read_again(
    label: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("set")
    rows = io.BytesIO()
    with zipfile.ZipFile(rows, "w") as archive:
        for number in range(4):
            archive.writestr(f"{number}.png", png(number))
        quoted = label.replace('"', '""')
        table = "file,label\n" + "".join(
            f'{number}.png,"{quoted if number % 2 else "test"}"\n' for number in range(4)
        )
        archive.writestr("labels.csv", table.encode("utf-8", "surrogatepass"))
    (place / "set.zip").write_bytes(rows.getvalue())
    try:
        found = sets.catalogue(place / "set.zip")
    except BadDataset:
        return
    assert read_again(place / "set.zip", place).counts() == found.counts()


def test_names_that_look_different_are_different_classes(tmp_path: Path) -> None:
    classes = ["m2", "m²", "1", "①", "A", "\uff21", "new \U0001fadc"]
    names = [f"{label}/{n}.png" for label in classes for n in range(2)]
    for source in (as_zip(tmp_path, names), as_folder(tmp_path, names)):
        assert sets.catalogue(source).classes == tuple(sorted(classes))


WINDOWS = {
    "cp949": ["고양이", "강아지", "새"],
    "cp932": ["ガラス", "紙", "能面表ソ"],
    "gbk": ["玻璃", "塑料", "垃圾"],
    "big5": ["玻璃", "塑膠", "紙板"],
    "cp437": ["Äpfel", "Möhren", "Süßes"],
    "cp1251": ["кошка", "собака", "птица"],
    "cp866": ["Стекло", "бумага"],
    "utf-8": ["고양이", "犬", "Äpfel"],
}


@pytest.mark.parametrize(("encoding", "classes"), WINDOWS.items(), ids=WINDOWS)
def test_zips_of_windows_are_read_in_the_encoding_that_they_do_not_name(
    encoding: str, classes: list[str], tmp_path: Path
) -> None:
    names = [f"{label}/{label}_{number}.png" for label in classes for number in range(2)]
    found = sets.catalogue(unflagged(tmp_path, names, encoding))
    assert found.classes == tuple(sorted(classes))
    assert found.encoding == {"gbk": "gb18030"}.get(encoding, encoding)
    source = tmp_path / f"{encoding}.zip"
    sets.pack(source, found.images, tmp_path / "pack.zip", encoding=found.encoding)
    assert sets.catalogue(tmp_path / "pack.zip", verify=False).classes == found.classes


@pytest.mark.parametrize(
    ("encoding", "classes"),
    [
        ("cp1251", ["Стекло", "бумага"]),
        ("cp1251", ["Стекло", "plastic"]),
        ("cp949", ["꽃", "나무"]),
        ("cp949", ["쌀", "빵"]),
        ("cp949", ["캔", "병"]),
        ("cp437", ["Äpfel", "Müll", "Birnen"]),
    ],
)
def test_a_few_short_names_are_enough(encoding: str, classes: list[str], tmp_path: Path) -> None:
    source = unflagged(tmp_path, [f"{label}/1.png" for label in classes], encoding)
    assert sets.catalogue(source).classes == tuple(sorted(classes))


@pytest.mark.parametrize(
    "others", [[b".git/caf\xe9"], [b"__MACOSX/\xff\xfe"], ["강아지/".encode() + b"caf\xe9.png"]]
)
def test_one_name_that_is_not_utf8_costs_no_other_its_meaning(
    others: list[bytes], tmp_path: Path
) -> None:
    names = [f"{label}/{n}.png".encode() for label in ("고양이", "강아지") for n in range(3)]
    for number, name in enumerate([*names, *others]):
        path = os.path.join(os.fsencode(tmp_path), b"set", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).write_bytes(png(number))
    found = sets.catalogue(tmp_path / "set")
    assert found.classes == ("강아지", "고양이")
    sets.pack(tmp_path / "set", found.images, tmp_path / "pack.zip", encoding=found.encoding)
    packed = sets.catalogue(tmp_path / "pack.zip", verify=False)
    assert packed.counts() == found.counts()


def test_an_encoding_that_was_asked_for_is_used_or_refused(tmp_path: Path) -> None:
    source = unflagged(tmp_path, ["병/1.png", "캔/1.png"], "cp949")
    assert sets.catalogue(source, encoding="cp949").classes == ("병", "캔")
    assert sets.catalogue(source, encoding="gbk").classes != ("병", "캔")
    for encoding, code in (("utf-8", "wrong_encoding"), ("klingon", "unknown_encoding")):
        with pytest.raises(BadDataset) as refused:
            sets.catalogue(source, encoding=encoding)
        assert refused.value.code == code
        assert "cp949" in refused.value.message


def test_a_name_that_the_zip_also_gives_in_unicode_is_taken_from_there(tmp_path: Path) -> None:
    source = unflagged(tmp_path, ["병/1.png", "캔/1.png"], "cp949", extra=True)
    found = sets.catalogue(source)
    assert (found.classes, found.encoding) == (("병", "캔"), "utf-8")


def test_a_folder_with_names_of_another_encoding_follows_the_same_rule(tmp_path: Path) -> None:
    for number, label in enumerate(WINDOWS["cp949"]):
        path = os.path.join(os.fsencode(tmp_path), b"set", label.encode("cp949"), b"1.png")
        os.makedirs(os.path.dirname(path))
        Path(os.fsdecode(path)).write_bytes(png(number))
    found = sets.catalogue(tmp_path / "set")
    assert (found.classes, found.encoding) == (tuple(sorted(WINDOWS["cp949"])), "cp949")


def test_an_older_dataset_whose_classes_are_decomposed_is_still_read(tmp_path: Path) -> None:
    from scoring.images import albums

    label = unicodedata.normalize("NFD", "café")
    source = as_zip(tmp_path, [f"{label}/1.png", "dog/1.png"])
    assert albums.labelled(source, (label, "dog")).labels.tolist() == [0, 1]


@pytest.mark.parametrize("make", [as_zip, as_folder])
def test_what_tools_leave_is_passed_over_at_every_depth_and_counted(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    left = [
        ".ipynb_checkpoints/cat/1-checkpoint.png",
        "set/.ipynb_checkpoints/1.png",
        "set/cat/.ipynb_checkpoints/1-checkpoint.png",
        "set/cat/@eaDir/1.png/SYNOPHOTO_THUMB_M.jpg",
        "set/cat/.thumbnails/1.png",
        "set/.git/objects/1.png",
        "set/cat/Thumbs.db",
        "set/dog/desktop.ini",
        "__MACOSX/set/cat/._1.png",
        "set/.DS_Store",
        "set/dog/._1.png",
        "set/.cache/deep/er/1.png",
        "set/.hidden.png",
    ]
    found = sets.catalogue(make(tmp_path, ["set/cat/1.png", "set/dog/1.png", *left]))
    assert found.counts() == {"cat": 1, "dog": 1}
    assert found.problems == ()
    assert sum(found.ignored.values()) == len(left)
    assert found.ignored[".ipynb_checkpoints"] == 3


def test_files_that_macos_adds_are_counted_as_one_kind(tmp_path: Path) -> None:
    added = [f"cat/._{number}.png" for number in range(20)]
    found = sets.catalogue(as_zip(tmp_path, ["cat/1.png", "dog/1.png", *added]))
    assert found.ignored == {"._*": 20}


def test_names_of_tools_may_be_unsafe_and_others_begin_with_a_dot_and_a_slash(
    tmp_path: Path,
) -> None:
    source = as_zip(
        tmp_path, ["./cat/1.png", "cat/2.png", "././dog/1.png", ".git/a\\b", ".git/../c"]
    )
    assert sets.catalogue(source).counts() == {"cat": 2, "dog": 1}
    sets.pack(source, sets.catalogue(source).images, tmp_path / "pack.zip")
    twice = as_zip(tmp_path, ["./cat/1.png", "cat/1.png", "dog/1.png"])
    with pytest.raises(BadDataset, match="two files with the same name"):
        sets.catalogue(twice)
