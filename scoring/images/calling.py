"""Images by every name that a row of a table may use for them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

ENDING = re.compile(r"\.[A-Za-z]+$")


@dataclass(frozen=True)
class Called:
    """Images by every name that a row may use for them."""

    images: Mapping[str, tuple[str, ...]]
    whole: frozenset[str]
    """The names with a suffix."""

    def find(self, name: str) -> tuple[str, ...]:
        """Images of a name; if none, of that name in another case or with another suffix."""
        stem = ENDING.sub("", name)
        spellings = (key(one) for one in (name, stem))
        keys = (found for one in spellings for found in (one, in_any_case(one)))
        return next((self.images[one] for one in keys if one in self.images), ())

    def has_whole(self, name: str) -> bool:
        """Whether a name, suffix included, is that of an image."""
        return key(name) in self.whole or in_any_case(key(name)) in self.whole


def by_any_name(images: Iterable[str], folder: str) -> Called:
    """Images by all their names.

    These are the path from the top, the path from the table's folder, and the file name; each with
    its suffix and without.
    """
    called: dict[str, list[str]] = {}
    whole: set[str] = set()
    inside = "" if folder == "." else f"{folder}/"
    for image in images:
        if not image.startswith(inside):
            continue
        path = PurePosixPath(image)
        spellings = {image, image.removeprefix(inside), path.name}
        keys = {key(one) for one in spellings}
        whole |= keys | {in_any_case(one) for one in keys}
        for one in keys | {key(one.removesuffix(path.suffix)) for one in spellings}:
            called.setdefault(one, []).append(image)
            called.setdefault(in_any_case(one), []).append(image)
    return Called({one: tuple(found) for one, found in called.items()}, frozenset(whole))


def in_any_case(name: str) -> str:
    """A key for a name in any case. No name can be equal to it."""
    return f"\0{name.casefold()}"


def key(name: str) -> str:
    """The form in which names of tables and sources are compared."""
    return unicodedata.normalize("NFC", name.strip().replace("\\", "/").removeprefix("./"))
