"""Files are stored by their SHA-256: the same bytes once, and never changed."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.apps import apps
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db.models import FileField, Model
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext

from leaderboard.errors import TooLarge
from leaderboard.services import copies


@dataclass(frozen=True)
class Received:
    """An upload on this machine's disk, before it is stored."""

    path: Path
    name: str
    sha256: str
    size_bytes: int
    stored: str = ""
    """The name of the same bytes in the storage, if they lie there already."""


class Gathered(File):  # type: ignore[type-arg]  # which the class cannot take when it runs
    """A file on this machine's disk that came in parts. `stored`: its name in the storage, where
    it came first."""

    def __init__(self, file: IO[bytes], name: str, stored: str = "") -> None:
        super().__init__(file, name)
        self.stored = stored

    def temporary_file_path(self) -> str:
        assert self.file
        return str(self.file.name)


@contextmanager
def received(upload: File[bytes], *, max_bytes: int) -> Iterator[Received]:
    """An upload as a file on this machine, and its hash. A file that a form spooled, or that came
    in parts, is read in place.

    Raises `TooLarge` as soon as the size is known, and reads no further.
    """
    if upload.size is not None and upload.size > max_bytes:
        raise too_large(upload.size, max_bytes)
    name = Path(upload.name or "upload").name
    if isinstance(upload, TemporaryUploadedFile | Gathered):
        upload.flush()
        path = Path(upload.temporary_file_path())
        stored = getattr(upload, "stored", "")
        yield Received(path, name, sha256_of(path), path.stat().st_size, stored)
        return
    digest = hashlib.sha256()
    size = 0
    with tempfile.NamedTemporaryFile(prefix="featherweight-") as target:
        for chunk in upload.chunks():
            size += len(chunk)
            if size > max_bytes:
                raise too_large(size, max_bytes)
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        yield Received(Path(target.name), name, digest.hexdigest(), size)


def keep(file: Received, *, folder: str, suffix: str) -> str:
    """Store a received file; returns its name in the storage."""
    return keep_path(
        file.path, sha256=file.sha256, folder=folder, suffix=suffix, stored=file.stored
    )


def keep_path(path: Path, *, sha256: str, folder: str, suffix: str, stored: str = "") -> str:
    name = f"{folder}/{sha256[:2]}/{sha256}{suffix}"
    size = path.stat().st_size
    if default_storage.exists(name) and default_storage.size(name) == size:
        return name
    if stored:
        copies.storage().copy(stored, name)
        return name
    default_storage.delete(name)  # a crash or a full disk may have left a part of it
    try:
        with path.open("rb") as source:
            saved = default_storage.save(name, File(source))
    except OSError:
        default_storage.delete(name)  # half a file would fill the disk that is full
        raise
    if saved != name:  # another request stored the same bytes in this moment
        default_storage.delete(saved)
    return name


def columns() -> Iterator[tuple[type[Model], str]]:
    """Each column that names stored files, of every model."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if model._meta.managed and isinstance(field, FileField):
                yield model, field.name


def drop_unused(names: Iterable[str]) -> None:
    """Delete files that no row names any more. Equal bytes are stored once, so another row may name
    them."""
    for name in names:
        rows = (model._default_manager.filter(**{column: name}) for model, column in columns())
        if not any(one.exists() for one in rows):
            default_storage.delete(name)


def sha256_of(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def local_path(file: FieldFile) -> Path:
    """The path at which this machine reads a stored file: of a copy, if it lies in a bucket."""
    if settings.BUCKET:
        return copies.path_of(str(file.name), settings.BUCKET)
    return Path(file.path)


def pieces(file: FieldFile) -> Iterator[bytes]:
    """The bytes of a stored file. It is opened when the first piece is asked for."""
    with file.open("rb") as source:
        yield from source.chunks()


def too_large(size: int, limit: int) -> TooLarge:
    sentence = gettext(
        "The file is larger than this competition accepts: %(size)s MB were sent, and the "
        "limit is %(limit)s MB. Upload a smaller model."
    )
    return TooLarge(sentence % {"limit": f"{limit / 1e6:g}", "size": f"{size / 1e6:.1f}"})
