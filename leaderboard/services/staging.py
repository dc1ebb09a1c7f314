"""Uploaded images wait here until their organizer decides. Abandoned ones are deleted."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext

from leaderboard.errors import BadDataset, NotFound
from leaderboard.models import User
from leaderboard.services import datasets, divisions, organizers
from scoring.images.sets import Catalogue

if TYPE_CHECKING:
    from scoring.images.kinship import Kinship

ABANDONED_SECONDS = 24 * 3600
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

    @property
    def token(self) -> str:
        return self.folder.name

    @property
    def source(self) -> Path:
        return self.folder / "images.zip"

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
    """Take over an upload and read it. Raises `BadDataset`, and keeps nothing then.

    An organizer has one upload at a time: the upload before is deleted.
    """
    organizers.check_organizer(by)
    sweep()
    folders = folder_of(by)
    shutil.rmtree(folders, ignore_errors=True)
    folder = folders / secrets.token_urlsafe(32)
    folder.mkdir(parents=True)
    seed = secrets.randbits(63)
    staged = Staged(folder, file_name, name, licence, seed, encoding, table)
    try:
        shutil.move(upload, staged.source)
        write(staged)
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


def write(staged: Staged) -> None:
    """Read and compare the images of an upload, and store the results. Raises `BadDataset`."""
    try:
        catalogue = datasets.read(staged.source, encoding=staged.encoding, table=staged.table)
    except BadDataset as error:  # the organizer knows the file by its own name
        text = error.detail.replace(staged.source.name, staged.file_name)
        raise BadDataset(text, code=error.code) from error
    about = {key: value for key, value in vars(staged).items() if key != "folder"}
    (staged.folder / "about.json").write_text(json.dumps(about))
    (staged.folder / "catalogue.json").write_text(catalogue.to_json())
    (staged.folder / "kinship.json").write_text(divisions.kinship_of(catalogue).to_json())


def find(token: str, *, by: User) -> Staged:
    """An organizer's own upload. Raises `NotFound` if it is no longer kept."""
    folder = folder_of(by) / token
    if not TOKEN.fullmatch(token) or not (folder / "kinship.json").exists():
        raise NotFound(gettext("This upload is no longer kept. Send the images again."))
    return Staged(folder=folder, **json.loads((folder / "about.json").read_text()))


def forget(staged: Staged) -> None:
    shutil.rmtree(staged.folder, ignore_errors=True)


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
