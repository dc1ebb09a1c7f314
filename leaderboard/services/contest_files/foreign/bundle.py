"""A folder or a zip of another service. Single texts are read from it; nothing is unpacked."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext

from leaderboard.services.contest_files.reading import MOST_BYTES, BadContestFile, one_slip

MOST_FILES = 100_000
"""A zip with more names is refused."""
IS_ENCRYPTED = 0x1


@dataclass(frozen=True)
class Bundle:
    """Texts by their paths from the folder of the configuration."""

    root: Path
    archive: zipfile.ZipFile | None
    folder: str = ""
    """Of the configuration within the zip."""

    def text(self, name: str) -> str:
        """A text in UTF-8. Raises `KeyError` if there is none of this name in the bundle, and
        `ValueError` for what is no text or too long."""
        content = self.unpacked(name) if self.archive else self.beside(name)
        if len(content) > MOST_BYTES:
            raise ValueError(name)
        return content.decode("utf-8-sig").replace("\r\n", "\n")

    def beside(self, name: str) -> bytes:
        """A file below the folder, and never one that a link or “..” leads to elsewhere."""
        found = (self.root / name).resolve()
        if not found.is_relative_to(self.root.resolve()) or not found.is_file():
            raise KeyError(name)
        with found.open("rb") as file:
            return file.read(MOST_BYTES + 1)

    def unpacked(self, name: str) -> bytes:
        """At most so many bytes of a file in the zip, whatever its size is said to be."""
        assert self.archive
        path = posixpath.normpath(posixpath.join(self.folder, name))
        info = self.archive.getinfo(path)  # a name of the list; none of them leads to the disk
        if info.flag_bits & IS_ENCRYPTED:
            raise ValueError(name)
        try:
            with self.archive.open(info) as file:
                return file.read(MOST_BYTES + 1)
        except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError) as error:
            raise ValueError(name) from error


@contextmanager
def opened(path: Path, names: tuple[str, ...]) -> Iterator[tuple[Bundle, str] | None]:
    """A folder or zip that holds a file of one of these names, and that name.

    The file nearest to the top counts. None if there is no such file. Raises `BadContestFile` for a
    zip that cannot be read.
    """
    if path.is_dir():
        found = next((one for one in names if (path / one).is_file()), None)
        yield (Bundle(path, None), found) if found else None
        return
    if not zipfile.is_zipfile(path):
        yield None
        return
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise unreadable() from error
    with archive:
        listed = archive.namelist()
        if len(listed) > MOST_FILES:
            raise one_slip(1, gettext("The zip holds too many files."))
        inside = [one for one in listed if posixpath.basename(one) in names]
        nearest = min(inside, key=lambda one: (one.count("/"), one), default=None)
        if nearest is None:
            yield None
        else:
            folder, name = posixpath.split(nearest)
            yield Bundle(path, archive, folder), name


def unreadable() -> BadContestFile:
    return one_slip(1, gettext("The zip cannot be read. Pack the folder again."))
