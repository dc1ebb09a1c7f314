"""The class and the split of each file: by its folders, or by a table of labels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from scoring.errors import BadDataset
from scoring.images import kinds, names
from scoring.images.labels import SUFFIXES as TABLES
from scoring.images.labels import Labels
from scoring.images.records import SPLITS, Image, Problem
from scoring.sentences import Sentence, say

ONE_SPELLING = {
    ".jpeg": ".jpg",
    ".jpe": ".jpg",
    ".jif": ".jpg",
    ".jfif": ".jpg",
    ".pjpeg": ".jpg",
    ".pjp": ".jpg",
    ".tiff": ".tif",
    ".dib": ".bmp",
}
SUFFIXES = frozenset(
    (".jpg", ".png", ".bmp", ".gif", ".webp", ".tif", ".ppm", ".pgm", ".pbm", ".pnm")
)
ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
LIKE_SPLITS = re.compile(
    r"(train|training|learn|learning|test|testing|val|valid|validation|dev|development|eval|"
    r"evaluation|hold[\W_]*out|held[\W_]*out|hidden|unseen|sample|public|private|"
    r"학습|훈련|검증|시험|테스트|평가|표본|공개|비공개)s?"
    r"[\W_]*(data)?(set|split|image|img|data)?s?[\W_]*(\d{4})?",
    re.IGNORECASE,
)
"""Names of top folders that mean splits to other tools, and other spellings of our names."""
SHOWN = 5
NO_FOLDERS = say(
    "There are no readable images in class folders. Put the images of each class into a folder of "
    "its own, or add a table labels.csv with the columns file,label."
)
CALLED_SO = say("Splits are called sample, public and private, in small letters.")

Path = tuple[str, ...]


def sort_out(files: Iterable[str], labels: Labels | None) -> tuple[list[Image], list[Problem]]:
    """Images with their class and split, and files that are no images. Raises `BadDataset`."""
    files = [name for name in files if not labels or name not in labels.tables]
    images, problems = images_among(files)
    if labels:
        found = by_table(images, labels)
        problems += labels.problems
    else:
        found = by_folder(images)
        placed = {image.name for image in found}
        said = (say("This image is not in a class folder. Move it into one, or remove it."),)
        problems += [Problem(name, "outside_class", said) for name in images if name not in placed]
        if images and not found:
            tables = [name for name in files if name.lower().endswith(TABLES)]
            raise BadDataset("no_images", NO_FOLDERS, *names_none(tables))
    return found, problems


def names_none(tables: Sequence[str]) -> tuple[Sentence, ...]:
    """A sentence about tables that name no image; empty without tables."""
    if not tables:
        return ()
    some = ", ".join(map(names.shown, tables[:SHOWN]))
    return (say("The images are not named in: %(tables)s.", tables=some),)


def by_folder(images: Sequence[str]) -> list[Image]:
    """Images whose folder is their class. Raises `BadDataset`."""
    paths = below_common_top(images)
    is_split = has_splits(paths.values())
    if is_split:
        refuse_other_tops({path[0] for path in paths.values() if len(path) > 1})
    refuse_nested(paths, is_split)
    depth = 3 if is_split else 2
    return [
        Image(name, names.label(path[-2]), path[0] if is_split else None)
        for name, path in paths.items()
        if len(path) == depth
    ]


def by_table(images: Sequence[str], labels: Labels) -> list[Image]:
    """Images that a table names, in any folder. Raises `BadDataset`.

    Splits are the top folders, or a column of the table.
    """
    by_image = labels.by_image
    if labels.splits:
        return [Image(one, by_image[one], labels.splits[one]) for one in images if one in by_image]
    paths = below_common_top([name for name in images if name in by_image], is_class=False)
    tops = {path[0] if len(path) > 1 else "" for path in paths.values()}
    if tops & set(SPLITS):
        refuse_other_tops(tops)
    elif like_splits(tops):
        raise BadDataset(
            "unknown_split",
            look_like_splits(tops),
            CALLED_SO,
            say("Or put all images into one folder to have them divided here."),
        )
    is_split = bool(tops) and tops <= set(SPLITS)
    return [
        Image(name, by_image[name], path[0] if is_split else None) for name, path in paths.items()
    ]


def images_among(files: Iterable[str]) -> tuple[list[str], list[Problem]]:
    """Files with the suffix of an image, sorted, and the others as problems."""
    images, problems = [], []
    for name in sorted(files):
        if suffix(name) in SUFFIXES:
            images.append(name)
        else:
            problems.append(Problem(name, "not_an_image", what_it_is(name)))
    return images, problems


def what_it_is(name: str) -> tuple[Sentence, ...]:
    """What a file is that is no image, and what to do."""
    ending = PurePosixPath(name).suffix.lower()
    if kind := kinds.BY_SUFFIX.get(ending):
        return kind, kinds.CONVERT
    if ending in ARCHIVES:
        return (say("This is an archive inside the source. Unpack it in its place."),)
    if ending in TABLES:
        return (say("This table gives no labels here, and it is not an image file."),)
    return (say("This is not an image file."),)


def below_common_top(images: Sequence[str], is_class: bool = True) -> dict[str, Path]:
    """Paths below the folders that hold (nearly) everything. A split's folder always stays.

    `is_class`: the only folder stays as a class, unless most images lie deeper.
    """
    paths = {name: tuple(name.split("/")) for name in images}
    while True:
        inside = [path for path in paths.values() if len(path) > 1]
        tops = {path[0] for path in inside}
        deeper = sum(len(path) > 2 for path in inside)
        if len(tops) != 1 or tops & set(SPLITS) or (is_class and 2 * deeper <= len(inside)):
            return paths
        if not is_class and len(inside) < len(paths):
            return paths
        paths = {name: path[1:] if len(path) > 1 else path for name, path in paths.items()}


def has_splits(paths: Iterable[Path]) -> bool:
    """Whether top folders are splits: most images below such names lie in subfolders."""
    deep = [len(path) > 2 for path in paths if len(path) > 1 and path[0] in SPLITS]
    return 2 * sum(deep) > len(deep)


def classes_beside(images: Iterable[Image], problems: Iterable[Problem]) -> set[str]:
    """Classes by folders of pictures whose formats are not taken."""
    above = {above_folder(image.name) for image in images}
    return {
        names.label(one.name.split("/")[-2])
        for one in problems
        if PurePosixPath(one.name).suffix.lower() in kinds.BY_SUFFIX
        and "/" in one.name
        and above_folder(one.name) in above
    }


def above_folder(name: str) -> str:
    """The path of the folder above a file's folder."""
    return "/".join(name.split("/")[:-2])


def refuse_other_tops(tops: set[str]) -> None:
    """Raises `BadDataset` for top folders beside splits that are no splits."""
    splits = ", ".join(sorted(tops & set(SPLITS)))
    unknown = sorted(tops - set(SPLITS))
    said = []
    if folders := [names.shown(top) for top in unknown if top][:SHOWN]:
        said.append(
            say(
                "Folders next to %(splits)s must be splits, too: %(folders)s.",
                splits=splits,
                folders=", ".join(folders),
            )
        )
    if "" in unknown:
        said.append(
            say("There are images next to %(splits)s that belong to no split.", splits=splits)
        )
    if said:
        called_so = say("Splits are called sample, public and private.")
        raise BadDataset("unknown_split", *said, called_so)


def refuse_nested(paths: Mapping[str, Path], is_split: bool) -> None:
    """Raises `BadDataset` for images below their class folder, or folders that look like splits."""
    deep = {name: path for name, path in paths.items() if len(path) > (3 if is_split else 2)}
    if not deep:
        return
    tops = {path[0] for path in deep.values()}
    if not is_split and (like_splits(tops) or is_one_like_a_split(deep.values())):
        raise BadDataset(
            "unknown_split",
            look_like_splits(tops),
            CALLED_SO,
            say(
                "All three are needed. To have the images divided here, put the class folders on "
                "top."
            ),
        )
    nested = sorted({"/".join(name.split("/")[:-1]) for name in deep})
    raise BadDataset(
        "nested_folders",
        say(
            "Images must be directly in their class folder, not in: %(folders)s. Move them "
            "up, or list them in a table labels.csv with the columns file,label.",
            folders=", ".join(map(names.shown, nested[:SHOWN])),
        ),
    )


def refuse_splits_for_classes(classes: Collection[str]) -> None:
    """Raises `BadDataset` if all class folders have names like splits."""
    if like_splits(classes):
        raise BadDataset(
            "unknown_split",
            say(
                "The folders %(classes)s look like splits, but they contain no class "
                "folders. Put class folders into folders called sample, public and private, "
                "or add a table labels.csv with the columns file,label.",
                classes=", ".join(classes),
            ),
        )


def like_splits(tops: Collection[str]) -> bool:
    """Whether all folders have names like splits."""
    return bool(tops) and all(LIKE_SPLITS.fullmatch(top) for top in tops)


def is_one_like_a_split(paths: Iterable[Path]) -> bool:
    """Whether a top folder has a name like a split, and all of them have a folder in common."""
    inside: defaultdict[str, set[str]] = defaultdict(set)
    for path in paths:
        inside[path[0]].add(path[1])
    is_called_so = any(LIKE_SPLITS.fullmatch(top) for top in inside)
    return is_called_so and len(inside) > 1 and bool(set.intersection(*inside.values()))


def look_like_splits(tops: Iterable[str]) -> Sentence:
    """A sentence that names top folders like splits."""
    shown = ", ".join(map(names.shown, sorted(tops)[:SHOWN]))
    return say("The top folders %(folders)s look like splits.", folders=shown)


def refuse_lacking_classes(classes: tuple[str, ...], images: Iterable[Image]) -> None:
    """Raises `BadDataset` for fewer than two classes, and for a class that a split lacks.

    The F1 of a class without images is 0 for every model.
    """
    if not classes:
        raise BadDataset(
            "no_images", say("No images are left. Put the images of each class into a folder.")
        )
    if len(classes) < 2:
        raise BadDataset(
            "one_class",
            say(
                "There is only one class, %(name)s. Put each class in a folder of its own.",
                name=classes[0],
            ),
        )
    present: defaultdict[str | None, set[str]] = defaultdict(set)
    for image in images:
        present[image.split].add(image.label)
    for split in SPLITS:
        if split in present and (lacking := sorted(set(classes) - present[split])):
            raise BadDataset(
                "missing_class",
                say(
                    "The split %(split)s has no images of: %(lacking)s.",
                    split=split,
                    lacking=", ".join(lacking[:SHOWN]),
                ),
            )


def suffix(name: str) -> str:
    """The suffix of a file name in lower case, in one spelling for each format."""
    ending = PurePosixPath(name).suffix.lower()
    return ONE_SPELLING.get(ending, ending)
