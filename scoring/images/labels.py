"""Labels in a table beside the images: `file,label`, as Kaggle gives them.

A table is a CSV (or TSV) file with a column that names images of the source. Names may lack their
folder or their suffix. Only the content makes a file a table, so other CSV files do no harm.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from scoring.errors import BadDataset
from scoring.images import names
from scoring.images.calling import Called, by_any_name
from scoring.images.records import SPLITS, Image, Problem
from scoring.images.sources import Source
from scoring.sentences import Sentence, say

SUFFIXES = (".csv", ".tsv")
LABEL_COLUMNS = ("label", "labels", "class", "class_name", "classname", "category", "target")
"""Headers that mean the class, the surest first. Of two columns the other one is the class too."""
FILE_COLUMNS = re.compile(
    r"(file|image|img)(s|name|path|file|id)?|(rel)?path|picture|photo|파일명?|이미지"
)
NUMBER_COLUMNS = frozenset(("id", "name", "key", "uuid", "guid"))
"""Headers that mean the image if no header of `FILE_COLUMNS` is there.

Both are compared in lower case, with letters and digits only.
"""
SPLIT_COLUMN = "split"
DELIMITERS = (",", ";", "\t", "|")
FOLDERS = "folders"
"""Given instead of a table's name: the folders are the classes, and no table is read."""
SHOWN = 5


@dataclass(frozen=True)
class Labels:
    """The class of each image by its tables."""

    tables: tuple[str, ...]
    by_image: Mapping[str, str]
    problems: tuple[Problem, ...]
    splits: Mapping[str, str]
    """The split of each image, if a table has a column `split`."""
    classes: frozenset[str]
    """All classes in the rows, also those of images that are not there."""


@dataclass(frozen=True)
class Table:
    """The rows of one file, and the column in which they name images."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    column: int
    called: Called


def found(source: Source, images: Sequence[str], wanted: str | None) -> Labels | None:
    """Labels of the `wanted` table, or of the tables there are. None: folders are the classes.

    Each of the folders sample, public and private may have a table of its own. `images`: names of
    the files that may be images. Raises `BadDataset`.
    """
    if wanted == FOLDERS:
        return None
    tables = tables_among(source, images, wanted)
    if not tables:
        return None
    refuse_rivals(tables)
    if not wanted and len({PurePosixPath(image).parent for image in images}) > len(tables):
        refuse_unclear(tables)
    return gathered(tables, images)


def tables_among(source: Source, images: Sequence[str], wanted: str | None) -> list[Table]:
    """The `wanted` table, or all files that are tables. Raises `BadDataset`."""
    candidates = [name for name in sorted(source.sizes) if name.lower().endswith(SUFFIXES)]
    if wanted:
        if wanted not in candidates:
            some = ", ".join(candidates[:SHOWN])
            there = [say("The tables are: %(tables)s.", tables=some)] if candidates else []
            none = say("There is no table %(name)s.", name=wanted)
            raise BadDataset("no_such_table", none, *there)
        candidates = [wanted]
    tables = [table for name in candidates if (table := read(source, name, images, bool(wanted)))]
    if wanted and not tables:
        raise BadDataset(
            "bad_table",
            say("No column of %(wanted)s names images of this source.", wanted=wanted),
            WHAT_A_TABLE_IS,
        )
    return tables


def gathered(tables: Sequence[Table], images: Sequence[str]) -> Labels:
    """The labels of several tables in one. Raises `BadDataset`."""
    by_image: dict[str, str] = {}
    splits: dict[str, str] = {}
    classes: set[str] = set()
    problems: list[Problem] = []
    for table in tables:
        problems += gather(table, by_image, splits, classes)
    listed = sorted(table.name for table in tables)
    if splits and len(splits) < len(by_image):
        raise BadDataset(
            "bad_table",
            say(
                "Only some of %(tables)s have a column %(column)s. Give it to all tables, or "
                "to none.",
                tables=", ".join(map(names.shown, listed)),
                column=SPLIT_COLUMN,
            ),
        )
    known = {*by_image, *(problem.name for problem in problems)}
    problems += [
        Problem(
            name,
            "unlabelled",
            (say("No row of %(tables)s names this image.", tables=", ".join(listed)),),
        )
        for name in images
        if name not in known
    ]
    return Labels(tuple(listed), by_image, tuple(problems), splits, frozenset(classes))


WHAT_A_TABLE_IS = say("A table has a header like `file,label` and one row for each image.")


def read(source: Source, name: str, images: Sequence[str], is_wanted: bool) -> Table | None:
    """A table, or None if no column names images.

    Raises `BadDataset` for an unreadable file that is wanted or that names images.
    """
    data = source.read(name)
    try:
        rows = parsed(text(data))
    except (csv.Error, ValueError) as error:
        if not is_wanted and not mentions(data, images):
            return None
        raise BadDataset(
            "bad_table",
            say("%(name)s cannot be read: %(error)s.", name=names.shown(name), error=str(error)),
        ) from error
    if not rows or max(map(len, rows)) < 2:
        return None
    called = by_any_name(images, str(PurePosixPath(name).parent))
    column = image_column(name, rows, called)
    if column is None:
        return None
    has_header = not (len(rows[0]) > column and called.find(rows[0][column]))
    header = rows[0] if has_header else ("",) * len(rows[0])
    return Table(name, header, tuple(rows[has_header:]), column, called)


def mentions(data: bytes, images: Iterable[str]) -> bool:
    """Whether an unreadable table has a cell that is the file name of an image."""
    cells = re.split(r"""[,;|/\\"'\s]+""", data.replace(b"\0", b"").decode(errors="replace"))
    return not {PurePosixPath(image).name for image in images}.isdisjoint(cells)


def image_column(name: str, rows: Sequence[Sequence[str]], called: Called) -> int | None:
    """The column that names images, or None. Raises `BadDataset` for a tie.

    Row numbers, and classes that are numbers, may look like names without a suffix. So columns are
    compared by header, then by names with a suffix, then by all names, then by how many different
    images these are.
    """
    found = {
        column: [called.find(row[column]) if len(row) > column else () for row in rows]
        for column in range(max(map(len, rows)))
    }
    hits = {column: sum(map(bool, images)) for column, images in found.items()}
    most = max(hits.values())
    if not most:
        return None

    def rank(column: int) -> tuple[int, ...]:
        cells = [row[column] for row in rows if len(row) > column]
        header = meaning(rows[0][column]) if len(rows[0]) > column else 0
        return (
            header if 2 * hits[column] >= most else 0,
            sum(map(called.has_whole, cells)),
            hits[column],
            len(set(found[column])),
        )

    ranks = {column: rank(column) for column in found}
    best = [column for column in found if ranks[column] == max(ranks.values())]
    is_sure = any(ranks[best[0]][:2])
    if not is_sure and any(meaning(header) > 1 for header in rows[0]):
        return None  # the column of files names no image here, and numbers hit by chance
    if any(found[column] != found[best[0]] for column in best):
        columns = ", ".join(names.shown(rows[0][column]) or f"#{column + 1}" for column in best)
        raise BadDataset("bad_table", TWO_COLUMNS.about(name=names.shown(name), columns=columns))
    return best[0]


TWO_COLUMNS = say(
    "It is not clear which column of %(name)s names the images: %(columns)s. Call it `file`. If "
    "the folders are the classes, write `%(folders)s` for the table of labels (--labels).",
    folders=FOLDERS,
)


def meaning(header: str) -> int:
    """How surely a header means the image: 2, 1 or 0."""
    word = "".join(letter for letter in header.casefold() if letter.isalnum())
    return 2 * bool(FILE_COLUMNS.fullmatch(word)) or int(word in NUMBER_COLUMNS)


def text(data: bytes) -> str:
    """The text of a table in the encoding of any usual program, Excel included."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    return names.decoded([data.removeprefix(b"\xef\xbb\xbf")], None).names[0]


def parsed(content: str) -> list[tuple[str, ...]]:
    """Rows that are not empty. The delimiter is the most frequent one of the first line."""
    first = content.lstrip().split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    lines = io.StringIO(content, newline="")
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    cells = (tuple(cell.strip() for cell in row) for row in rows)
    return [row for row in cells if any(row)]


def refuse_rivals(tables: Sequence[Table]) -> None:
    """Raises `BadDataset` for several tables, unless each lies in a split's folder of its own."""
    folders = [PurePosixPath(table.name).parent.name for table in tables]
    if len(tables) > 1 and not (set(folders) <= set(SPLITS) and len(set(folders)) == len(folders)):
        raise BadDataset(
            "several_tables",
            say(
                "Several tables name images: %(tables)s. Name the one that has the labels "
                "(--labels, or the field Table of labels).",
                tables=", ".join(table.name for table in tables[:SHOWN]),
            ),
        )


def refuse_unclear(tables: Sequence[Table]) -> None:
    """Raises `BadDataset` for a table without a column of classes by its header.

    It is asked for if images lie in several folders, because then these may be the classes.
    """
    for table in tables:
        if not named_columns(table):
            raise BadDataset(
                "unclear_labels",
                say(
                    "%(name)s names images, but the images are also in several folders. If "
                    "the table has the classes, call its column `label`. If the folders are "
                    "the classes, write `%(folders)s` for the table of labels (--labels), or "
                    "remove the table.",
                    name=names.shown(table.name),
                    folders=FOLDERS,
                ),
            )


def refuse_disagreement(images: Sequence[Image], tables: Sequence[str]) -> None:
    """Raises `BadDataset` if folders look like classes and tables give most images another class.

    Folders look like classes if there are two or more, with two images or more on average.
    """
    folders = {image.name: PurePosixPath(image.name).parent.name for image in images}
    others = [image for image in images if image.label != folders[image.name]]
    if 2 <= len(set(folders.values())) <= len(images) / 2 < len(others):
        table, other = names.shown(tables[0]), others[0]
        raise BadDataset(
            "unclear_labels",
            say(
                "%(table)s gives most images another class than their folder: %(name)s is "
                "%(label)s. Choose one of the two: write %(table)s or `%(folders)s` for the "
                "table of labels (--labels).",
                table=table,
                name=names.shown(other.name),
                label=names.shown(other.label),
                folders=FOLDERS,
            ),
        )


def gather(
    table: Table, by_image: dict[str, str], splits: dict[str, str], classes: set[str]
) -> list[Problem]:
    """Add the labels, splits and classes of a table's rows to the given collections.

    Returns rows without a file or without a class as problems. Raises `BadDataset`.
    """
    column = label_column(table)
    split_column = split_of(table)
    problems = []
    for row in table.rows:
        name = row[table.column] if len(row) > table.column else ""
        images = table.called.find(name)
        label = row[column] if len(row) > column else ""
        if label:
            classes.add(names.label(label))
        if len(images) > 1:
            raise BadDataset(
                "bad_table",
                say(
                    "%(table)s names %(name)s, but there are several files with this name: "
                    "%(images)s. Write the folder, too.",
                    table=table.name,
                    name=names.shown(name),
                    images=", ".join(map(names.shown, images[:SHOWN])),
                ),
            )
        if not images:
            none = say("%(table)s names this file, but the file does not exist.", table=table.name)
            problems.append(Problem(names.shown(name) or "–", "missing_file", (none,)))
        elif not label:
            none = say("Its row in %(table)s has no label.", table=table.name)
            problems.append(Problem(images[0], "unlabelled", (none,)))
        elif by_image.setdefault(images[0], names.label(label)) != names.label(label):
            raise two_values(TWO_LABELS, images[0], by_image[images[0]], label)
        elif split_column is not None:
            split = checked_split(table, row[split_column] if len(row) > split_column else "")
            if splits.setdefault(images[0], split) != split:
                raise two_values(TWO_SPLITS, images[0], splits[images[0]], split)
    return problems


TWO_LABELS = say("%(image)s has two labels in the tables: %(one)s and %(other)s. Keep one row.")
TWO_SPLITS = say("%(image)s has two splits in the tables: %(one)s and %(other)s. Keep one row.")


def two_values(said: Sentence, image: str, one: str, other: str) -> BadDataset:
    """The refusal of an image that rows give two labels or splits."""
    facts = {"image": image, "one": one, "other": other}
    shown = {name: names.shown(text) for name, text in facts.items()}
    return BadDataset("bad_table", said.about(**shown))


def split_of(table: Table) -> int | None:
    """The column that names splits, if any."""
    headers = [header.casefold() for header in table.header]
    return headers.index(SPLIT_COLUMN) if SPLIT_COLUMN in headers else None


def checked_split(table: Table, text: str) -> str:
    """The split that a cell names. Raises `BadDataset` for any other word."""
    if text.casefold() in SPLITS:
        return text.casefold()
    said = say(
        "The column %(column)s of %(table)s has the value %(value)s.", value=names.shown(text)
    )
    if not text:
        said = say("The column %(column)s of %(table)s is empty for some images.")
    raise BadDataset(
        "unknown_split",
        said.about(column=SPLIT_COLUMN, table=names.shown(table.name)),
        say(
            "Splits are called sample, public and private. To have the images divided here, "
            "remove the column."
        ),
    )


def label_column(table: Table) -> int:
    """The column that holds the class. Raises `BadDataset` if that is not clear."""
    taken = (table.column, split_of(table))
    others = [column for column in range(len(table.header)) if column not in taken]
    if named := named_columns(table):
        return named[0]
    if len(others) == 1:
        return others[0]
    raise BadDataset(
        "bad_table",
        say(
            "It is not clear which column of %(name)s holds the class: %(columns)s. "
            "Call it `label`.",
            name=table.name,
            columns=", ".join(names.shown(header) for header in table.header),
        ),
    )


def named_columns(table: Table) -> list[int]:
    """The columns whose header means the class, the surest first."""
    headers = [header.casefold().replace(" ", "_") for header in table.header]
    found = [headers.index(name) for name in LABEL_COLUMNS if name in headers]
    return [column for column in found if column != table.column]
