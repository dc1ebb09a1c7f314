"""Bringing a backup into an empty installation."""

from __future__ import annotations

import gzip
import json
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import serializers
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.utils.translation import gettext

from leaderboard.errors import Conflict
from leaderboard.services import signing
from leaderboard.services.backups.making import address, pg_program
from leaderboard.services.backups.manifest import (
    SECRET,
    SIGNING,
    Manifest,
    tables,
    verified,
)

BATCH = 500
Tell = Callable[[str], None]


def restore(
    folder: Path, *, tell: Tell = lambda line: None, has_other_key: bool = False
) -> Manifest:
    """Check a backup, then bring its rows, files and signing key here, where nothing is yet.

    Raises `Conflict` if the backup is damaged, something is here, or SECRET_KEY is another one.
    `has_other_key`: go on with another SECRET_KEY; sign-ins end, and new divisions differ.
    """
    manifest = verified(folder)
    tell(gettext("The backup is complete: %(number)d parts.") % {"number": len(manifest.hashes)})
    if not has_other_key and (folder / SECRET).read_text() != settings.SECRET_KEY:
        raise Conflict(
            gettext(
                "SECRET_KEY is not the key of the backup. That key is in the file %(file)s "
                "of the backup. Set it, or add --other-key: then everybody must sign in "
                "again, and new data are divided differently."
            )
            % {"file": SECRET},
            code="other_key",
        )
    check_empty()
    bring_files(folder, manifest)
    bring_rows(folder / manifest.rows)
    call_command("migrate", verbosity=0, interactive=False)
    if (folder / SIGNING).is_file():
        signing.keep((folder / SIGNING).read_bytes())
    check_counts(manifest)
    tell(gettext("Restored: %(number)d rows.") % {"number": sum(manifest.counts.values())})
    return manifest


def check_empty() -> None:
    """Raises `Conflict` if a table has a row."""
    for model in tables():
        if model._base_manager.exists():
            raise Conflict(
                gettext(
                    "This installation is not empty: %(table)s has rows. Restore into a new "
                    "database and an empty FILES_DIR."
                )
                % {"table": model._meta.label},
                code="not_empty",
            )


def bring_files(folder: Path, manifest: Manifest) -> None:
    """Store each file under its old name. A file that a restore before brought stays."""
    for path in manifest.hashes:
        kind, _, name = path.partition("/")
        if kind != "files":
            continue
        with (folder / path).open("rb") as source:
            if default_storage.exists(name):
                default_storage.delete(name)
            default_storage.save(name, File(source))


def bring_rows(path: Path) -> None:
    vendor = connection.vendor
    wanted = {".dump": "postgresql", ".sqlite3": "sqlite"}.get(path.suffix, vendor)
    if wanted != vendor:
        raise Conflict(
            gettext(
                "These rows are for %(kind)s, and DATABASE_URL names another database. Make "
                "the backup with --portable."
            )
            % {"kind": wanted},
            code="other_database",
        )
    if path.suffix == ".dump":
        program = pg_program("pg_restore")
        if program is None:
            raise Conflict(
                gettext("pg_restore is missing here, or older than the server. Install it."),
                code="no_pg_restore",
            )
        options = ["--no-owner", "--no-privileges", "--clean", "--if-exists", "--exit-on-error"]
        command = [program, *options, "--single-transaction", "-d", address(), str(path)]
        connection.close()
        subprocess.run(command, check=True)
    elif path.suffix == ".sqlite3":
        connection.ensure_connection()
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as source:
            source.backup(connection.connection)
        connection.close()
    else:
        call_command("migrate", verbosity=0, interactive=False)
        load(path)


@transaction.atomic
def load(path: Path) -> None:
    """Insert rows that stand as JSON. The database checks references at the end."""
    with gzip.open(path, "rt") as lines:
        for model, rows in groupby(objects(lines), key=lambda one: type(one.object)):
            while some := [one.object for one in islice(rows, BATCH)]:
                model._base_manager.bulk_create(some)
    reset = connection.ops.sequence_reset_sql(no_style(), tables())
    with connection.cursor() as cursor:
        for statement in reset:
            cursor.execute(statement)


def objects(lines: Any) -> Iterator[Any]:
    for line in lines:
        yield from serializers.deserialize("python", [json.loads(line)])


def check_counts(manifest: Manifest) -> None:
    """Raises `Conflict` if a table has not as many rows as the backup says."""
    for model in tables():
        label = model._meta.label_lower
        if label in manifest.counts and model._base_manager.count() != manifest.counts[label]:
            raise Conflict(
                gettext(
                    "%(table)s does not have all rows of the backup. Do not use this installation."
                )
                % {"table": label},
                code="backup_damaged",
            )
