"""Brings a backup into an empty installation."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leaderboard.errors import Refused
from leaderboard.services import backups


class Command(BaseCommand):
    help = (
        "Check a backup of manage.py backup and restore it into an empty database and an empty "
        "FILES_DIR. Exit code 0: done; 1: refused, with the reason."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument(
            "--check", action="store_true", help="check the backup and restore nothing"
        )
        parser.add_argument(
            "--other-key", action="store_true", help="continue with another SECRET_KEY"
        )

    def handle(self, *, folder: Path, check: bool, other_key: bool, **options: Any) -> None:
        try:
            if check:
                found = backups.verified(folder)
                self.stdout.write(
                    f"Complete: {len(found.hashes)} parts, made at {found.created_at}."
                )
                return
            backups.restore(folder, tell=self.stdout.write, has_other_key=other_key)
        except Refused as refusal:
            raise CommandError(refusal.detail) from refusal
        except (OSError, subprocess.CalledProcessError) as error:
            raise CommandError(f"The backup could not be restored: {error}") from error
