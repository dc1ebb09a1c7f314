"""Small pictures of what is wrong with an upload. They lie in its folder and go with it.

They may show what becomes hidden, so only the organizer of the upload sees them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from scoring.images import layout, sets

if TYPE_CHECKING:  # it needs NumPy and SciPy, which only imports need
    from scoring.images.kinship import Group, Kinship

MOST = 24
OF_A_KIND = 8
"""Of each kind, as long as another kind has more."""
OF_A_GROUP = 4
SIDE = 128
"""Pixels of the longer side at most."""
KINDS = ("conflicts", "near", "problems")


@dataclass(frozen=True)
class Picture:
    kind: str
    """One of `KINDS`."""
    name: str
    label: str
    """Its class; empty if it has none."""


def make(
    folder: Path, source: Path, catalogue: sets.Catalogue, kin: Kinship, encoding: str | None
) -> None:
    """Write the pictures and their list into a folder, in place of those before. What cannot be
    opened has no picture."""
    shown: list[Picture] = []
    with sets.opened(source, encoding) as files:
        for picture in chosen(catalogue, kin):
            if data := small(files, picture.name):
                path_of(folder, len(shown)).write_bytes(data)
                shown.append(picture)
    (folder / "pictures.json").write_text(json.dumps([asdict(one) for one in shown]))


def small(files: sets.Source, name: str) -> bytes:
    """A JPEG of an image; empty if the image cannot be opened."""
    target = io.BytesIO()
    try:
        image = sets.rgb(sets.open_image(files.read(name)))
        image.thumbnail((SIDE, SIDE))
        image.save(target, "JPEG", quality=80)
    except Exception:  # Pillow raises nearly anything
        return b""
    return target.getvalue()


def of(folder: Path) -> list[Picture]:
    """The pictures of an upload, in the order of their numbers."""
    try:
        return [Picture(**one) for one in json.loads((folder / "pictures.json").read_text())]
    except FileNotFoundError:
        return []


def path_of(folder: Path, number: int) -> Path:
    return folder / f"picture-{number:02d}.jpg"


def chosen(catalogue: sets.Catalogue, kin: Kinship) -> list[Picture]:
    """At most `MOST` pictures, of each kind some."""
    files = (one.name for one in catalogue.problems if layout.suffix(one.name) in layout.SUFFIXES)
    kinds = [
        list(islice(grouped("conflicts", kin.conflicts), MOST)),
        list(islice(grouped("near", kin.near), MOST)),
        [Picture("problems", name, "") for name in islice(files, MOST)],
    ]
    first = [one[:OF_A_KIND] for one in kinds]
    more = islice(chain(*(one[OF_A_KIND:] for one in kinds)), MOST - sum(map(len, first)))
    return sorted(chain(*first, more), key=lambda one: KINDS.index(one.kind))


def grouped(kind: str, groups: Iterable[Group]) -> Iterator[Picture]:
    """The first pictures of each group, those of different classes first."""
    for group in groups:
        firsts = {image.label: image for image in reversed(group)}
        rest = [image for image in group if firsts[image.label] is not image]
        in_order: Sequence[sets.Image] = [*(firsts[label] for label in sorted(firsts)), *rest]
        for image in in_order[:OF_A_GROUP]:
            yield Picture(kind, image.name, image.label)
