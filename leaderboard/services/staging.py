"""Uploaded images wait here until their organizer decides. Abandoned ones are deleted."""

from __future__ import annotations

import fcntl
import json
import re
import secrets
import shutil
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import get_language, gettext

from leaderboard.errors import BadDataset, NotFound
from leaderboard.models import User
from leaderboard.services import datasets, divisions, organizers, thumbnails
from scoring.images.sets import Catalogue, Count

if TYPE_CHECKING:
    from scoring.images.kinship import Kinship

ABANDONED_SECONDS = 24 * 3600
AT_ONCE_BYTES = 20 << 20
AT_ONCE_FILES = 1000
"""Most files of an upload that is read while its organizer waits. It takes some seconds."""
TOKEN = re.compile(r"[\w-]{43}", re.ASCII)


@dataclass(frozen=True)
class Staged:
    """One upload, its organizer's first answers, and the stored results of reading it."""

    folder: Path
    file_name: str
    name: str
    licence: str
    seed: int
    encoding: str | None
    table: str | None
    language: str = ""
    """The language of sentences that are made later, without a request."""

    @property
    def token(self) -> str:
        return self.folder.name

    @property
    def source(self) -> Path:
        return self.folder / "images.zip"

    @property
    def is_read(self) -> bool:
        return (self.folder / "kinship.json").exists()

    @property
    def is_small(self) -> bool:
        """Whether it can be read while somebody waits. What is no zip is refused at once."""
        if self.source.stat().st_size > AT_ONCE_BYTES:
            return False
        try:
            with zipfile.ZipFile(self.source) as archive:
                return len(archive.infolist()) <= AT_ONCE_FILES
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
            return True

    @property
    def catalogue(self) -> Catalogue:
        return Catalogue.from_json((self.folder / "catalogue.json").read_text())

    @property
    def kinship(self) -> Kinship:
        from scoring.images.kinship import Kinship  # with NumPy and SciPy

        text = (self.folder / "kinship.json").read_text()
        return Kinship.from_json(text, self.catalogue.images)


def keep(
    upload: Path,
    *,
    file_name: str,
    name: str,
    licence: str,
    encoding: str | None,
    table: str | None,
    by: User,
) -> Staged:
    """Take over an upload, and read it if it is small. Raises `BadDataset`, and keeps nothing then.

    `importing.begin` reads a large one. An organizer has one upload at a time: the upload before is
    deleted.
    """
    organizers.check_organizer(by)
    sweep()
    folders = folder_of(by)
    for before in of(by):
        forget(before)
    shutil.rmtree(folders, ignore_errors=True)
    folder = folders / secrets.token_urlsafe(32)
    folder.mkdir(parents=True)
    seed = secrets.randbits(63)
    language = get_language() or ""
    staged = Staged(folder, file_name, name, licence, seed, encoding, table, language)
    try:
        shutil.move(upload, staged.source)
        if staged.is_small:
            write(staged)
        else:
            note(staged)
    except BaseException:
        forget(staged)
        raise
    return staged


def read_again(staged: Staged, *, encoding: str | None, table: str | None) -> Staged:
    """The same upload, read with another encoding or table of labels. Raises `BadDataset`."""
    if (encoding, table) == (staged.encoding, staged.table):
        return staged
    changed = replace(staged, encoding=encoding, table=table)
    write(changed)
    return changed


def unread(staged: Staged, *, encoding: str | None, table: str | None) -> Staged:
    """The same upload, to be read with another encoding or table of labels."""
    changed = replace(staged, encoding=encoding, table=table)
    (staged.folder / "kinship.json").unlink(missing_ok=True)
    note(changed)
    return changed


def write(
    staged: Staged, count: Callable[[str], Count] = lambda phase: lambda done, total: None
) -> None:
    """Read and compare the images of an upload, and store the results. Raises `BadDataset`.

    `count` gets the phase, `read` or `compared`, and returns what is called with its progress.
    """
    try:
        catalogue = datasets.read(
            staged.source, encoding=staged.encoding, table=staged.table, count=count("read")
        )
    except BadDataset as error:  # the organizer knows the file by its own name
        text = error.detail.replace(staged.source.name, staged.file_name)
        raise BadDataset(text, code=error.code) from error
    kin = divisions.kinship_of(catalogue, count("compared"))
    thumbnails.make(staged.folder, staged.source, catalogue, kin, catalogue.encoding)
    (staged.folder / "catalogue.json").write_text(catalogue.to_json())
    (staged.folder / "kinship.json").write_text(kin.to_json())
    note(staged)


def note(staged: Staged) -> None:
    """Write down what an upload is. From now on `find` knows it."""
    about = {key: value for key, value in vars(staged).items() if key != "folder"}
    put(staged, "about", about)


def put(staged: Staged, name: str, facts: object) -> None:
    """Write a small file of an upload at once. Raises `FileNotFoundError` if it was deleted."""
    part = staged.folder / f"{name}.part"
    part.write_text(json.dumps(facts))
    part.replace(staged.folder / f"{name}.json")


def find(token: str, *, by: User) -> Staged:
    """An organizer's own upload. Raises `NotFound` if it is no longer kept."""
    with suppress(FileNotFoundError):
        if TOKEN.fullmatch(token):
            return loaded(folder_of(by) / token)
    raise NotFound(gettext("This upload is no longer kept. Send the images again."))


def of(by: User) -> list[Staged]:
    """An organizer's uploads that are kept."""
    return list(kept(folder_of(by).glob("*/about.json")))


def every() -> Iterator[Staged]:
    """The uploads of all organizers."""
    return kept(root().glob("*/*/about.json"))


def kept(paths: Iterable[Path]) -> Iterator[Staged]:
    for path in paths:
        with suppress(FileNotFoundError):  # it may be swept or imported in this moment
            if TOKEN.fullmatch(path.parent.name):
                yield loaded(path.parent)


def loaded(folder: Path) -> Staged:
    return Staged(folder=folder, **json.loads((folder / "about.json").read_text()))


def forget(staged: Staged, *, unless: str = "") -> bool:
    """Delete an upload, unless it has a small file of this name. Returns whether it is gone.

    Whoever works on it finds no folder any more, and ends.
    """
    gone = staged.folder.with_name(f"{staged.token}.gone")
    with suppress(FileNotFoundError), closing(staged):
        if unless and (staged.folder / f"{unless}.json").exists():
            return False
        staged.folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
    return True


@contextmanager
def closing(staged: Staged) -> Iterator[None]:
    """No other process deletes the upload, or makes a dataset of it, before the body ends.

    Raises `FileNotFoundError` if it was deleted.
    """
    with (staged.folder / "closing").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if not staged.folder.exists():
            raise FileNotFoundError(staged.folder)
        yield


def sweep() -> None:
    """Delete uploads that were abandoned for a day."""
    for folder in root().glob("*/*"):
        with suppress(FileNotFoundError):  # it may be swept or imported in this moment
            if time.time() - folder.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def folder_of(by: User) -> Path:
    return root() / str(by.pk)


def root() -> Path:
    return Path(settings.FILES_DIR) / "staging"
