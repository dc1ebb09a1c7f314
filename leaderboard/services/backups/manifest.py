"""What a backup holds, and whether it still holds it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from django.apps import apps
from django.db import connection, models
from django.utils.translation import gettext

from leaderboard.errors import Conflict
from leaderboard.services import files

NAME = "manifest.json"
VERSION = 1
SECRET, SIGNING = "keys/secret_key", "keys/signing.pem"
LEFT_OUT = {"contenttypes.contenttype", "auth.permission", "sessions.session", "admin.logentry"}
"""Tables that Django fills itself, sign-ins, and the panel's own history, which refers to the first
ones. The audit log is not among them."""


@dataclass(frozen=True)
class Manifest:
    created_at: str
    rows: str
    """The file that holds the rows."""
    migration: str
    """The last migration that the database had."""
    counts: dict[str, int]
    """The number of rows of each table."""
    hashes: dict[str, str] = field(default_factory=dict)
    """SHA-256 of each part, by its path in the backup."""
    missing: tuple[str, ...] = ()
    """Files that rows name and the storage did not have."""
    version: int = VERSION

    def write(self, folder: Path) -> None:
        (folder / NAME).write_text(json.dumps(asdict(self), indent=1) + "\n")


def verified(folder: Path) -> Manifest:
    """The manifest of a backup, each of whose parts has the bytes it had. Raises `Conflict`."""
    try:
        told = json.loads((folder / NAME).read_text())
        manifest = Manifest(**told | {"missing": tuple(told["missing"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Conflict(
            gettext("%(folder)s does not hold a complete backup: %(error)s. Use another backup.")
            % {"folder": folder, "error": error},
            code="no_backup",
        ) from error
    if manifest.version != VERSION:
        raise Conflict(
            gettext(
                "This backup has the format %(version)s. Restore it with the release that made it."
            )
            % {"version": manifest.version},
            code="no_backup",
        )
    for name, sha256 in manifest.hashes.items():
        path = folder / name
        if not path.is_file() or files.sha256_of(path) != sha256:
            raise Conflict(
                gettext("%(name)s of the backup is missing or damaged. Use another backup.")
                % {"name": name},
                code="backup_damaged",
            )
    return manifest


def tables() -> list[type[models.Model]]:
    """The models whose rows are kept. A model may come before one that it refers to."""
    there = set(connection.introspection.table_names())
    return [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed
        and model._meta.db_table in there
        and model._meta.label_lower not in LEFT_OUT
    ]


def stored_files() -> Iterator[tuple[str, str]]:
    """The names of all files that rows name, with their SHA-256 if the name tells it."""
    for model, column in files.columns():
        names = model._default_manager.order_by().values_list(column, flat=True)
        for name in names.exclude(**{column: ""}).distinct().iterator():
            stem = Path(name).name.partition(".")[0]
            yield name, stem if len(stem) == 64 else ""
