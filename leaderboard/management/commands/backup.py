"""Writes a backup of rows, files and keys into a folder."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leaderboard.errors import Refused
from leaderboard.services import backups


class Command(BaseCommand):
    help = (
        "Write all rows, files and keys into a new folder, with a SHA-256 of each part, while the "
        "site runs. Keep it as secret as the hidden images. Exit code 0: done; 1: refused, or a "
        "file that a row names is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, help="a new or empty folder")
        parser.add_argument(
            "--portable",
            action="store_true",
            help="write rows as JSON, which any database can read",
        )

    def handle(self, *, folder: Path, portable: bool, **options: Any) -> None:
        try:
            made = backups.backup(folder, is_portable=portable, tell=self.stdout.write)
        except Refused as refusal:
            raise CommandError(refusal.detail) from refusal
        except (OSError, subprocess.CalledProcessError) as error:
            raise CommandError(f"The backup could not be written: {error}") from error
        if made.missing:
            raise CommandError(f"Files are missing in the storage: {', '.join(made.missing[:5])}.")
        self.stdout.write(self.style.SUCCESS(f"{folder} is a complete backup."))
