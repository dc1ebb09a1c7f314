"""Copies of objects on the disk of this machine, for those who read files by a path.

A copy is named like its object, so by its SHA-256, and is checked against it before it gets this
name. Processes of a machine share the copies. The least recently used ones go above S3_CACHE_BYTES,
but none that a process holds.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, cast

from django.conf import settings
from django.core.files.storage import default_storage

from leaderboard.storage import Bucket
from scoring import EngineError
from scoring.sentences import say

if TYPE_CHECKING:
    from leaderboard.services.objects import ObjectStorage

JUST_USED_SECONDS = 600.0
"""Who asked for a path opens it soon; a worker, which opens it later, holds the copy."""
ABANDONED_SECONDS = 3600.0
"""A part of a copy is older only if its writer was killed."""
holder: ContextVar[ExitStack | None] = ContextVar("holder", default=None)


@contextmanager
def held() -> Iterator[None]:
    """Copies that the body asks for stay until its end."""
    with ExitStack() as stack:
        token = holder.set(stack)
        try:
            yield
        finally:
            holder.reset(token)


def path_of(name: str, bucket: Bucket) -> Path:
    """The path of a copy of an object, which is fetched if it is not here.

    Raises `EngineError`: a missing object, an altered one and a full disk are no fault of a team.
    """
    path = folder() / name
    while not use(path):
        fetch(name, path, bucket.cache_bytes)
    return path


def use(path: Path) -> bool:
    """Mark a copy as used now, and hold it. False if it is not here."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return False
    with ExitStack() as stack:
        stack.enter_context(file)
        fcntl.flock(file, fcntl.LOCK_SH)
        if not os.fstat(file.fileno()).st_nlink:  # it was evicted in this moment
            return False
        os.utime(path)
        if outer := holder.get():
            outer.enter_context(stack.pop_all())
    return True


def fetch(name: str, path: Path, most_bytes: int) -> None:
    """Bring an object here. Two processes may bring the same one: the first copy stays."""
    size = 0
    try:
        size = default_storage.size(name)
        evict(most_bytes - size)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part") as part:
            storage().fetch(name, part)
            part.flush()
            os.fsync(part.fileno())
            check(name, Path(part.name))
            with suppress(FileExistsError):
                os.link(part.name, path)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise EngineError(
                "storage_failed",
                say(
                    "The stored file %(name)s cannot be read: %(error)s",
                    name=name,
                    error=str(error),
                ),
            ) from error
        raise EngineError(
            "cache_failed",
            say("The disk has no room for a copy of a stored file. Make room under CACHE_DIR."),
            wanted_bytes=size,
        ) from error


def storage() -> ObjectStorage:
    """The storage of the settings, which is a bucket."""
    return cast("ObjectStorage", default_storage)


def check(name: str, path: Path) -> None:
    """Raises `EngineError` for bytes that are not those of the name."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != Path(name).name.partition(".")[0]:
        raise EngineError(
            "storage_failed",
            say("The stored file %(name)s is damaged: its bytes have another SHA-256.", name=name),
        )


def evict(most_bytes: int) -> None:
    """Remove the least recently used copies above so many bytes, and parts of killed writers."""
    found = []
    for path in folder().rglob("*"):
        with suppress(FileNotFoundError):  # another process evicts, too
            about = path.stat()
            if stat.S_ISREG(about.st_mode):
                found.append((about.st_mtime, about.st_size, path))
    total = sum(size for _, size, _ in found)
    for used_at, size, path in sorted(found):
        age = time.time() - used_at
        is_part = path.suffix == ".part"
        if age > (ABANDONED_SECONDS if is_part else JUST_USED_SECONDS) and (
            is_part or total > most_bytes
        ):
            total -= size if removed(path) else 0


def removed(path: Path) -> bool:
    """Remove a copy that no process holds. Returns whether it is gone."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.unlink()
    return True


def folder() -> Path:
    return Path(settings.CACHE_DIR) / "copies"
