"""Labels in a table beside the images: `file,label`, as Kaggle gives them.

A table is a CSV (or TSV) file of which one column names images of the source. Names may lack
their folder or suffix. A table is told by what is in it, so other CSV files do no harm.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from scoring.errors import BadDataset
from scoring.imagesets import names
from scoring.imagesets.records import SPLITS, Problem
from scoring.imagesets.sources import Source

SUFFIXES = (".csv", ".tsv")
LABEL_COLUMNS = ("label", "labels", "class", "class_name", "classname", "category", "target")
"""Headers that mean the class, the surest first; the other one of two columns does too."""
DELIMITERS = (",", ";", "\t", "|")
FOLDERS = "folders"
"""Asked for instead of a table: the classes are the folders, whatever tables say."""
SHOWN = 5


@dataclass(frozen=True)
class Labels:
    """Which class each image has, by tables."""

    tables: tuple[str, ...]
    by_image: Mapping[str, str]
    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class Table:
    """Rows of one file, and in which column they name images."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    column: int
    images: Mapping[str, tuple[str, ...]]
    """Images by each name that a row may call them."""


def found(source: Source, images: Sequence[str], wanted: str | None) -> Labels | None:
    """Labels of the `wanted` table, or of the only one there is; None: folders are the classes.

    Each of the folders sample, public and private may have one. Raises `BadDataset`.
    """
    if wanted == FOLDERS:
        return None
    candidates = [name for name in sorted(source.sizes) if name.lower().endswith(SUFFIXES)]
    if wanted:
        if wanted not in candidates:
            there = f"There are: {', '.join(candidates[:SHOWN])}." if candidates else ""
            raise BadDataset("no_such_table", f"There is no table {wanted}. {there}".rstrip())
        candidates = [wanted]
    tables = [table for name in candidates if (table := read(source, name, images))]
    if wanted and not tables:
        raise BadDataset(
            "bad_table", f"No column of {wanted} names images of this source. {WHAT_A_TABLE_IS}"
        )
    if not tables:
        return None
    refuse_rivals(tables)
    if not wanted and len({PurePosixPath(image).parent for image in images}) > len(tables):
        refuse_unclear(tables)
    by_image: dict[str, str] = {}
    problems: list[Problem] = []
    for table in tables:
        problems += gather(table, by_image)
    listed = {table.name for table in tables}
    problems += [
        Problem(name, "unlabelled", f"No row of {', '.join(sorted(listed))} names this image.")
        for name in images
        if name not in by_image and name not in {problem.name for problem in problems}
    ]
    return Labels(tuple(sorted(listed)), by_image, tuple(problems))


WHAT_A_TABLE_IS = "A table has a header like `file,label` and one row for each image."


def read(source: Source, name: str, images: Sequence[str]) -> Table | None:
    """A table, if one of its columns names images."""
    try:
        rows = parsed(text(source.read(name)))
    except (csv.Error, ValueError) as error:
        raise BadDataset("bad_table", f"{names.shown(name)} cannot be read: {error}.") from error
    if not rows or max(map(len, rows)) < 2:
        return None
    called = by_any_name(images, str(PurePosixPath(name).parent))
    hits = [
        sum(len(row) > column and bool(called_so(called, row[column])) for row in rows)
        for column in range(max(map(len, rows)))
    ]
    column = hits.index(max(hits))
    if not hits[column]:
        return None
    has_header = not (len(rows[0]) > column and called_so(called, rows[0][column]))
    header = rows[0] if has_header else ("",) * len(rows[0])
    return Table(name, header, tuple(rows[has_header:]), column, called)


def text(data: bytes) -> str:
    """The text of a table, whatever program of Windows or Excel wrote it."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    return names.decoded([data.removeprefix(b"\xef\xbb\xbf")], None).names[0]


def parsed(content: str) -> list[tuple[str, ...]]:
    """Rows that are not empty. The delimiter is the one that the first line has most of."""
    first = content.lstrip().split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    lines = io.StringIO(content, newline="")
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    cells = (tuple(cell.strip() for cell in row) for row in rows)
    return [row for row in cells if any(row)]


def by_any_name(images: Iterable[str], folder: str) -> dict[str, tuple[str, ...]]:
    """Images by path from the top or from the table's folder, by file name, each with and
    without its suffix."""
    called: dict[str, list[str]] = {}
    inside = "" if folder == "." else f"{folder}/"
    for image in images:
        if not image.startswith(inside):
            continue
        path = PurePosixPath(image)
        spellings = {image, image.removeprefix(inside), path.name}
        spellings |= {one.removesuffix(path.suffix) for one in spellings}
        for one in {key(one) for one in spellings}:
            called.setdefault(one, []).append(image)
            called.setdefault(in_any_case(one), []).append(image)
    return {one: tuple(found) for one, found in called.items()}


def called_so(called: Mapping[str, tuple[str, ...]], name: str) -> tuple[str, ...]:
    """Images of a name; where there is none, of that name in another case."""
    return called.get(key(name)) or called.get(in_any_case(key(name))) or ()


def in_any_case(name: str) -> str:
    """A key that no name has."""
    return f"\0{name.casefold()}"


def key(name: str) -> str:
    """A name as tables and sources are compared by."""
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/").removeprefix("./"))


def refuse_rivals(tables: Sequence[Table]) -> None:
    """Raises `BadDataset` for several tables, unless each is of a split folder of its own."""
    folders = [PurePosixPath(table.name).parent.name for table in tables]
    if len(tables) > 1 and not (set(folders) <= set(SPLITS) and len(set(folders)) == len(folders)):
        raise BadDataset(
            "several_tables",
            f"Several tables name images: {', '.join(table.name for table in tables[:SHOWN])}. "
            "Say which one has the labels (--labels, or the field Table of labels).",
        )


def refuse_unclear(tables: Sequence[Table]) -> None:
    """Raises `BadDataset` where images lie in several folders, which may be their classes, and a
    table does not say that it has the classes."""
    for table in tables:
        if not named_columns(table):
            raise BadDataset(
                "unclear_labels",
                f"{names.shown(table.name)} names images, which lie in several folders, too. If "
                "it has the classes, call its column `label`; if the folders are the classes, "
                f"write `{FOLDERS}` for the table of labels (--labels), or remove it.",
            )


def gather(table: Table, by_image: dict[str, str]) -> list[Problem]:
    """Add the labels of a table's rows; rows that name no file, or no class, are problems."""
    column = label_column(table)
    problems = []
    for row in table.rows:
        name = row[table.column] if len(row) > table.column else ""
        images = called_so(table.images, name)
        label = row[column] if len(row) > column else ""
        if len(images) > 1:
            raise BadDataset(
                "bad_table",
                f"{table.name} names {names.shown(name)}, and there are several: "
                f"{', '.join(map(names.shown, images[:SHOWN]))}. Write the folder, too.",
            )
        if not images:
            text = f"{table.name} names this file, and there is none."
            problems.append(Problem(names.shown(name) or "(no name)", "missing_file", text))
        elif not label:
            text = f"Its row in {table.name} has no label."
            problems.append(Problem(images[0], "unlabelled", text))
        elif by_image.setdefault(images[0], names.label(label)) != names.label(label):
            raise BadDataset(
                "bad_table",
                f"{names.shown(images[0])} has two labels in the tables: "
                f"{names.shown(by_image[images[0]])} and {names.shown(label)}. Keep one row.",
            )
    return problems


def label_column(table: Table) -> int:
    """Which column holds the class. Raises `BadDataset` where that is not clear."""
    others = [column for column in range(len(table.header)) if column != table.column]
    if named := named_columns(table):
        return named[0]
    if len(others) == 1:
        return others[0]
    raise BadDataset(
        "bad_table",
        f"It is not clear which column of {table.name} holds the class: "
        f"{', '.join(names.shown(header) for header in table.header)}. Call it `label`.",
    )


def named_columns(table: Table) -> list[int]:
    """Columns whose header means the class, the surest first."""
    headers = [header.casefold().replace(" ", "_") for header in table.header]
    found = [headers.index(name) for name in LABEL_COLUMNS if name in headers]
    return [column for column in found if column != table.column]
