"""Checks of what is kept: the database, its tables and clock, the files, and the room for them."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.models import HardwareProfile
from leaderboard.services import privileges
from leaderboard.services.health.findings import Findings, error, warning

MOST_SKEW_SECONDS = 5
"""Leases and deadlines are compared with two clocks: the database's, and this process's."""
LEAST_FREE_BYTES = 1 << 30
LEAST_FREE_SHARE = 0.05

migrated: set[str] = set()
"""Names of databases that were seen with all tables: no process of this version undoes that."""


def database() -> Findings:
    """The database answers. `health.examine` reports an error that this raises."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    if connection.vendor == "sqlite" and settings.REDIS_URL:
        yield warning(
            gettext("The database is SQLite, and a broker is set."),
            gettext("Set DATABASE_URL to PostgreSQL. Several processes need it."),
        )


def migrations() -> Findings:
    """All migrations of this version are applied."""
    name = str(connection.settings_dict["NAME"])
    if name in migrated:
        return
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not missing:
        migrated.add(name)
        return
    yield error(
        gettext("Migrations that are not applied: %(number)d, first %(name)s.")
        % {"number": len(missing), "name": missing[0][0]},
        gettext("Run manage.py migrate, then manage.py grant_worker."),
    )


def clock() -> Findings:
    """This machine and the database agree about the time."""
    there: Any = HardwareProfile.objects.values_list(Now()).first()
    if there is None:
        return
    skew = abs((timezone.now() - there[0]).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        yield error(
            gettext("The clocks of this machine and of the database differ by %(seconds)d s.")
            % {"seconds": skew},
            gettext(
                "Let both set their clocks with NTP. Leases and deadlines depend on the clocks."
            ),
        )


def storage() -> Findings:
    """Files can be written and read. A worker may only read, so nothing is written there."""
    name, content = f"health/{uuid4().hex}", b"Featherweight"
    try:
        if not privileges.may_update(HardwareProfile):
            default_storage.exists(name)
            return
        saved = default_storage.save(name, ContentFile(content))
        try:
            with default_storage.open(saved) as file:
                is_kept = file.read() == content
        finally:
            default_storage.delete(saved)
    except OSError as problem:
        advice = gettext(
            "Make room in FILES_DIR, and allow the user of this process to write there."
        )
        if settings.BUCKET:
            advice = gettext("Check S3_BUCKET, S3_ENDPOINT, and what S3_ACCESS_KEY may do there.")
        yield error(gettext("Files cannot be written: %(error)s.") % {"error": problem}, advice)
        return
    if not is_kept:
        yield error(
            gettext("A file had other bytes when it was read back than when it was written."),
            gettext("Check the disk below FILES_DIR, or the object storage."),
        )


def room() -> Findings:
    """The disks of files, cache and temporary files are not nearly full."""
    for name, folder in disks():
        usage = shutil.disk_usage(folder)
        if usage.free >= min(LEAST_FREE_BYTES, LEAST_FREE_SHARE * usage.total):
            continue
        yield error(
            gettext("%(name)s has %(free)s MB left, of %(total)s MB.")
            % {"name": name, "free": usage.free // 1_000_000, "total": usage.total // 1_000_000},
            gettext("Make room with manage.py tidy, or use a larger disk."),
            about=name,
        )


def disks() -> Iterator[tuple[str, Path]]:
    """The folders that fill up, by the names of their settings; those that are there."""
    folders = {
        "FILES_DIR": Path(settings.FILES_DIR),
        "CACHE_DIR": Path(settings.CACHE_DIR),
        "TMPDIR": Path(tempfile.gettempdir()),
    }
    for name, folder in folders.items():
        with contextlib.suppress(OSError):
            if os.access(folder, os.R_OK):
                yield name, folder
