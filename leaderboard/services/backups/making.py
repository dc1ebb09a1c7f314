"""Making a backup while the site runs."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import serializers
from django.core.files.storage import default_storage
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict
from leaderboard.services import files, signing
from leaderboard.services.backups.manifest import SECRET, SIGNING, Manifest, stored_files, tables

Tell = Callable[[str], None]


def backup(folder: Path, *, is_portable: bool = False, tell: Tell = lambda line: None) -> Manifest:
    """Write a whole backup into a folder that is new or empty.

    Rows come first. Files never change, so each row finds its file among those copied afterwards.
    `is_portable`: rows as JSON, which any database can read.
    """
    make_folder(folder)
    with one_view():
        counts = {one._meta.label_lower: one._base_manager.count() for one in tables()}
        named = dict(stored_files())
        rows = keep_rows(folder, is_portable=is_portable)
    tell(gettext("Rows: %(number)d, in %(name)s.") % {"number": sum(counts.values()), "name": rows})
    hashes = {rows: files.sha256_of(folder / rows)}
    missing = []
    for name, sha256 in named.items():
        if default_storage.exists(name):
            hashes[f"files/{name}"] = keep_file(folder / "files" / name, name, sha256)
        else:
            missing.append(name)
    tell(
        gettext("Files: %(number)d, missing: %(missing)d.")
        % {"number": len(named) - len(missing), "missing": len(missing)}
    )
    hashes |= keep_keys(folder)
    applied = MigrationRecorder(connection).applied_migrations()
    manifest = Manifest(
        created_at=timezone.now().isoformat(),
        rows=rows,
        migration=max(name for app, name in applied if app == "leaderboard"),
        counts=counts,
        hashes=hashes,
        missing=tuple(missing),
    )
    manifest.write(folder)
    return manifest


def make_folder(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(
            gettext("%(folder)s is not empty. Name a new folder.") % {"folder": folder},
            code="not_empty",
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "keys").mkdir(mode=0o700)


@contextmanager
def one_view() -> Iterator[None]:
    """All reads in the body see the same rows."""
    with transaction.atomic():
        if connection.vendor == "postgresql" and len(connection.savepoint_ids) == 0:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def keep_rows(folder: Path, *, is_portable: bool) -> str:
    """Write all rows in the best way that there is; returns the name of the file."""
    if not is_portable and connection.vendor == "sqlite":
        with sqlite3.connect(folder / "rows.sqlite3") as target:
            # By another connection, because this one is in a transaction.
            path = f"file:{connection.settings_dict['NAME']}?mode=ro"
            with sqlite3.connect(path, uri=True) as source:
                source.backup(target)
        return "rows.sqlite3"
    if not is_portable and connection.vendor == "postgresql" and (program := pg_program("pg_dump")):
        snapshot = exported_snapshot()
        command = [program, "-Fc", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        target_file = folder / "rows.dump"
        subprocess.run([*command, "-f", target_file, address()], check=True)
        return target_file.name
    with gzip.open(folder / "rows.jsonl.gz", "wt", compresslevel=5) as target_text:
        for model in tables():
            rows = model._base_manager.order_by("pk").iterator(chunk_size=500)
            serializers.serialize("jsonl", rows, stream=target_text, cls=Exact)
    return "rows.jsonl.gz"


class Exact(DjangoJSONEncoder):
    """Times with their microseconds, which Django's JSON leaves out.

    Equal scores are ordered by the earlier upload, so the microseconds count.
    """

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


def exported_snapshot() -> str:
    """The name by which pg_dump sees the rows that this transaction sees."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        return str(cursor.fetchone()[0])


def pg_program(name: str) -> str | None:
    """The path of a program of PostgreSQL, if it is not older than the server."""
    path = shutil.which(name)
    if path is None:
        return None
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)(?:\.\d+)*", said)
    server = connection.cursor().connection.info.server_version // 10000
    return path if found and int(found[1]) >= server else None


def address() -> str:
    """The database, in the words of the programs of PostgreSQL."""
    given = connection.get_connection_params()
    names = {"dbname", "user", "password", "host", "port"}
    pairs = {name: str(value) for name, value in given.items() if name in names and value}
    quoted = {
        name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in pairs.items()
    }
    return " ".join(f"{name}='{value}'" for name, value in quoted.items())


def keep_file(target: Path, name: str, sha256: str) -> str:
    """Copy a stored file; returns its hash. Raises `Conflict` if it is not what its name says."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with default_storage.open(name) as source, target.open("wb") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
    found = files.sha256_of(target)
    if sha256 and found != sha256:
        raise Conflict(
            gettext("The stored file %(name)s is damaged: its bytes have another SHA-256.")
            % {"name": name},
            code="file_damaged",
        )
    return found


def keep_keys(folder: Path) -> dict[str, str]:
    """Write the keys, readable for their owner alone. Returns the hash of each file."""
    keys = {SECRET: settings.SECRET_KEY.encode()}
    if signing.place().is_file() and os.access(signing.place(), os.R_OK):
        keys[SIGNING] = signing.place().read_bytes()
    for name, content in keys.items():
        with os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(content)
    return {name: files.sha256_of(folder / name) for name in keys}
