"""A CSV file beside images gives their classes as folders would."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from PIL import Image

from scoring.errors import BadDataset
from scoring.images import sets

TRUTH = {"a.png": "cat", "b.png": "dog", "c.png": "cat", "d.png": "dog"}
PLAIN = "".join(f"{name},{label}\n" for name, label in TRUTH.items())


def png(shade: int) -> bytes:
    data = io.BytesIO()
    Image.new("L", (4, 4), shade).save(data, "PNG")
    return data.getvalue()


def source(place: Path, tables: Mapping[str, str | bytes], images: list[str] | None = None) -> Path:
    with zipfile.ZipFile(place / "set.zip", "w") as archive:
        for number, name in enumerate(images or list(TRUTH)):
            archive.writestr(name, png(number))
        for name, text in tables.items():
            archive.writestr(name, text)
    return place / "set.zip"


def found(place: Path) -> dict[str, str]:
    return {image.name.rpartition("/")[2]: image.label for image in sets.catalogue(place).images}


TABLES: dict[str, str | bytes] = {
    "plain": "file,label\n" + PLAIN,
    "kaggle": "id,breed\n" + PLAIN.replace(".png", ""),
    "other names": "image_id,width,class\n"
    + "".join(f"{name},4,{label}\n" for name, label in TRUTH.items()),
    "label first": "label,image\n" + "".join(f"{two},{one}\n" for one, two in TRUTH.items()),
    "no header": PLAIN,
    "semicolon": "file;label\n" + PLAIN.replace(",", ";"),
    "tab": "file\tlabel\n" + PLAIN.replace(",", "\t"),
    "quotes and blanks": 'file, label\n"a.png", "cat"\n"b.png","dog"\n\n"c.png" ,cat \nd.png,dog\n',
    "windows lines": ("file,label\n" + PLAIN).replace("\n", "\r\n"),
    "byte order mark": b"\xef\xbb\xbf" + ("file,label\n" + PLAIN).encode(),
    "excel's unicode text": ("file\tlabel\n" + PLAIN.replace(",", "\t")).encode("utf-16"),
    "a row twice": "file,label\n" + PLAIN + "a.png,cat\n",
    "another case": "file,label\n" + PLAIN.replace(".png", ".PNG"),
    "dot slash": "file,label\n" + "".join(f"./{n},{label}\n" for n, label in TRUTH.items()),
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_tables_of_every_program_are_understood(table: str | bytes, tmp_path: Path) -> None:
    assert found(source(tmp_path, {"labels.csv": table})) == TRUTH


DIGITS = [7, 3, 0, 1, 2, 4, 5, 6, 8, 9]
OF_DIGITS = {f"{n}.png": str(n % 2) for n in DIGITS}
WITH_NUMBERS = {
    "pandas' row numbers": ",file,label\n"
    + "".join(f"{row},{n}.png,{n % 2}\n" for row, n in enumerate(DIGITS)),
    "row numbers without suffixes": ",id,label\n"
    + "".join(f"{row},{n},{n % 2}\n" for row, n in enumerate(DIGITS)),
    "row numbers called id": "id,image,label\n"
    + "".join(f"{row},{n},{n % 2}\n" for row, n in enumerate(DIGITS)),
    "row numbers and no header that helps": "row,what,class\n"
    + "".join(f"{row},{n}.png,{n % 2}\n" for row, n in enumerate(DIGITS)),
    "classes first": "label,file\n" + "".join(f"{n % 2},{n}.png\n" for n in DIGITS),
    "classes first and no header": "".join(f"{n % 2},{n}.png\n" for n in DIGITS),
    "classes first, without suffixes": "class,what\n" + "".join(f"{n % 2},{n}\n" for n in DIGITS),
    "another suffix": "file,label\n" + "".join(f"{n}.jpg,{n % 2}\n" for n in DIGITS),
    "two columns of names": "path,file,label\n"
    + "".join(f"./{n}.png,{n}.png,{n % 2}\n" for n in DIGITS),
}


@pytest.mark.parametrize("table", WITH_NUMBERS.values(), ids=WITH_NUMBERS)
def test_numbers_that_could_name_images_are_not_taken_for_names(table: str, tmp_path: Path) -> None:
    assert found(source(tmp_path, {"labels.csv": table}, list(OF_DIGITS))) == OF_DIGITS


def test_two_columns_that_name_images_as_well_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"{row},{n},{n % 2}\n" for row, n in enumerate(DIGITS))
    with pytest.raises(BadDataset, match=r"names the images: row, number\.") as refused:
        sets.catalogue(
            source(tmp_path, {"labels.csv": "row,number,label\n" + rows}, list(OF_DIGITS))
        )
    assert refused.value.code == "bad_table"
    gone = "file,label\n" + "".join(f"gone{n},{n}\n" for n in DIGITS)
    with pytest.raises(BadDataset, match=r"not named in: labels\.csv"):
        sets.catalogue(source(tmp_path, {"labels.csv": gone}, list(OF_DIGITS)))


UNREADABLE = {
    "a cell of 200 KB": b"author,text\nme," + b"x" * 200_000,
    "half a letter": b"\xff\xfea",
    "a NUL": b"author,text\nme,\0\n",
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_csv_stops_nothing_unless_it_is_wanted_or_names_images(
    data: bytes, tmp_path: Path
) -> None:
    images = [f"{label}/{name}" for name, label in TRUTH.items()]
    beside = source(tmp_path, {"notes.csv": data}, images)
    assert sets.catalogue(beside).counts() == {"cat": 2, "dog": 2}
    with pytest.raises(BadDataset) as refused:
        sets.catalogue(beside, table="notes.csv")
    assert refused.value.code == "bad_table"
    if len(data) > 1000:
        with pytest.raises(BadDataset, match="cannot be read"):
            sets.catalogue(source(tmp_path, {"notes.csv": b"a.png,cat\n" + data}, images))


@pytest.mark.parametrize(
    "tops",
    [
        ("Sample", "Public", "Private"),
        ("train", "val", "test"),
        ("sample", "public", "other"),
        ("sample", "other"),
        ("training_set", "test_set"),
        ("train2017", "val2017"),
    ],
)
def test_wrong_split_folders_beside_a_table_are_not_divided_anew_in_silence(
    tops: tuple[str, ...], tmp_path: Path
) -> None:
    images = [f"{tops[n % len(tops)]}/{n}.png" for n in DIGITS]
    table = "file,label\n" + "".join(f"{n}.png,{n % 3 % 2}\n" for n in DIGITS)
    with pytest.raises(BadDataset, match="sample, public and private") as refused:
        sets.catalogue(source(tmp_path, {"labels.csv": table}, images))
    assert refused.value.code == "unknown_split"


def test_a_column_split_divides_or_is_refused(tmp_path: Path) -> None:
    def of(*splits: str) -> Path:
        rows = [f"{n}.png,{n // 3 % 2},{splits[n % 3]}\n" for n in range(12)]
        table = "file,label,Split\n" + "".join(rows)
        return source(tmp_path, {"labels.csv": table}, [f"{n}.png" for n in range(12)])

    catalogue = sets.catalogue(of("sample", "Public", "private"))
    assert {(one.name, one.split) for one in catalogue.images} == {
        (f"{n}.png", sets.SPLITS[n % 3]) for n in range(12)
    }
    for splits in (("train", "val", "test"), ("sample", "public", "")):
        with pytest.raises(BadDataset, match="remove the column") as refused:
            sets.catalogue(of(*splits))
        assert refused.value.code == "unknown_split"


def test_a_table_in_the_code_page_of_korean_excel(tmp_path: Path) -> None:
    rows = "파일,분류\na.png,고양이\nb.png,강아지\nc.png,고양이\nd.png,강아지\n".encode("cp949")
    assert set(found(source(tmp_path, {"labels.csv": rows})).values()) == {"고양이", "강아지"}


@pytest.mark.parametrize(
    "images",
    [
        [f"train/{name}" for name in TRUTH],
        [f"set/images/{name[0]}/{name}" for name in TRUTH],
        [f"set/{name}" for name in TRUTH],
    ],
)
def test_images_lie_where_they_like(images: list[str], tmp_path: Path) -> None:
    name = "set/train.csv" if "set" in images[0] else "train.csv"
    assert found(source(tmp_path, {name: TABLES["plain"]}, images)) == TRUTH


def test_folders_and_a_table_that_may_both_be_the_classes_are_told_apart(tmp_path: Path) -> None:
    images = [f"{label}/{name}" for name, label in TRUTH.items()]
    several = source(tmp_path, {"when.csv": "file,year\n" + PLAIN.replace("cat", "2020")}, images)
    with pytest.raises(BadDataset, match="folders") as refused:
        sets.catalogue(several)
    assert refused.value.code == "unclear_labels"
    assert sets.catalogue(several, table="folders").counts() == {"cat": 2, "dog": 2}
    assert sets.catalogue(several, table="when.csv").classes == ("2020", "dog")


def test_a_table_that_disagrees_with_the_folders_asks_which_one_holds(tmp_path: Path) -> None:
    images = [f"{label}/{name}" for name, label in TRUTH.items()]
    where = PLAIN.replace("cat", "indoor").replace("dog", "outdoor")
    several = source(tmp_path, {"meta.csv": "file,category\n" + where}, images)
    with pytest.raises(BadDataset, match="another class than their folder") as refused:
        sets.catalogue(several)
    assert refused.value.code == "unclear_labels"
    assert sets.catalogue(several, table="folders").counts() == {"cat": 2, "dog": 2}
    assert sets.catalogue(several, table="meta.csv").classes == ("indoor", "outdoor")
    agreeing = source(tmp_path, {"labels.csv": TABLES["plain"]}, images)
    assert found(agreeing) == TRUTH


def test_splits_may_have_tables_of_their_own_or_one_together(tmp_path: Path) -> None:
    images = [f"{split}/{name}" for split in sets.SPLITS for name in TRUTH]
    own = {f"{split}/labels.csv": "file,label\n" + PLAIN for split in sets.SPLITS}
    one = {
        "labels.csv": "file,label\n" + "".join(f"{name},{TRUTH[name[-5:]]}\n" for name in images)
    }
    for tables in (own, one):
        catalogue = sets.catalogue(source(tmp_path, tables, images))
        assert [len(catalogue.of(split)) for split in sets.SPLITS] == [4, 4, 4]
        assert catalogue.counts() == {"cat": 6, "dog": 6}


def test_what_a_table_misses_is_named(tmp_path: Path) -> None:
    images = [*TRUTH, "extra.png"]
    table = "file,label\n" + PLAIN.replace("d.png,dog", "d.png,") + "gone.png,dog\n"
    catalogue = sets.catalogue(source(tmp_path, {"labels.csv": table}, images))
    assert {one.name: one.code for one in catalogue.problems} == {
        "gone.png": "missing_file",
        "d.png": "unlabelled",
        "extra.png": "unlabelled",
    }
    assert len(catalogue.images) == 3


@pytest.mark.parametrize(
    ("tables", "images", "code", "says"),
    [
        ({"labels.csv": PLAIN + "a.png,dog\n"}, None, "bad_table", "a.png has two labels"),
        (
            {"labels.csv": "file,x,y\n" + PLAIN.replace(",", ",1,")},
            None,
            "bad_table",
            "Call it `label`",
        ),
        (
            {"labels.csv": TABLES["plain"]},
            ["x/a.png", "y/a.png", "x/b.png"],
            "bad_table",
            "there are several",
        ),
        ({"train.csv": PLAIN, "test.csv": PLAIN}, None, "several_tables", "--labels"),
        ({"labels.csv": PLAIN.replace("cat", "c/t")}, None, "bad_class_name", "slash"),
        ({"labels.csv": PLAIN.replace("cat", ".cat")}, None, "bad_class_name", "Rename"),
        ({"labels.csv": PLAIN.replace("cat", "고" * 90)}, None, "bad_class_name", "255 bytes"),
    ],
)
def test_a_table_that_is_not_clear_is_refused(
    tables: Mapping[str, str | bytes],
    images: list[str] | None,
    code: str,
    says: str,
    tmp_path: Path,
) -> None:
    with pytest.raises(BadDataset, match=says) as refused:
        sets.catalogue(source(tmp_path, tables, images))
    assert refused.value.code == code


def test_of_several_tables_one_is_named(tmp_path: Path) -> None:
    several = source(tmp_path, {"train.csv": PLAIN, "submission.csv": PLAIN.replace("cat", "x")})
    catalogue = sets.catalogue(several, table="train.csv")
    assert {image.name: image.label for image in catalogue.images} == TRUTH
    assert catalogue.tables == ("train.csv",)
    with pytest.raises(BadDataset, match="The tables are: submission") as refused:
        sets.catalogue(several, table="labels.csv")
    assert refused.value.code == "no_such_table"


def test_another_csv_beside_class_folders_does_no_harm(tmp_path: Path) -> None:
    images = ["cat/1.png", "dog/1.png"]
    catalogue = sets.catalogue(source(tmp_path, {"notes.csv": "author,year\nme,2020\n"}, images))
    assert catalogue.counts() == {"cat": 1, "dog": 1}
    assert [one.code for one in catalogue.problems] == ["not_an_image"]


def test_flat_images_without_a_table_are_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"labels\.csv") as refused:
        sets.catalogue(source(tmp_path, {}))
    assert refused.value.code == "no_images"
    with pytest.raises(BadDataset, match=r"not named in: others\.csv"):
        sets.catalogue(source(tmp_path, {"others.csv": "file,label\nz.png,cat\n"}))
