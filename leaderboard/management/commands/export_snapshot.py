"""Writes the signed file of a published result."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext

from leaderboard.management import contest_files
from leaderboard.services import snapshots


class Command(contest_files.ContestCommand):
    help = (
        "Write the newest signed file of a published result, as everybody downloads it. The "
        "process that sends mail makes it, or manage.py work. featherweight verify checks it. "
        "--provisional: the newest signed public board of a running competition. Exit code 0: "
        "done; 1: there is none yet, with the reason; 2: wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="slug of the competition")
        parser.add_argument("--output", type=Path, required=True, help="the file to write")
        parser.add_argument(
            "--provisional", action="store_true", help="write the newest signed public board"
        )
        super().add_arguments(parser)

    def act(self, *, slug: str, output: Path, provisional: bool, **options: Any) -> None:
        find = snapshots.find_provisional if provisional else snapshots.find
        made = find(contest_files.competition(slug))
        with made.file.open("rb") as source, output.open("wb") as target:
            shutil.copyfileobj(source, target)
        if options["json"]:
            told = {"file": str(output), "sha256": made.sha256, "bytes": made.size_bytes}
            self.stdout.write(json.dumps(told))
            return
        self.stdout.write(gettext("Written: %(path)s.") % {"path": output})
