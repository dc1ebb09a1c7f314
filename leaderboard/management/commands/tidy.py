"""Deletes files that no row names, expired sign-ins, and what is kept no longer."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leaderboard.services import tidying


class Command(BaseCommand):
    help = (
        "Delete files that no row names and that are older than a day, expired sign-ins, the "
        "reports of competitions that were published more than KEEP_REPORTS_DAYS ago, and what "
        "competitions no longer keep: see their tab Result. Make a backup first. Exit code 0: done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count, and delete nothing")
        parser.add_argument("--json", action="store_true")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        found = tidying.tidy(is_dry=dry_run)
        if options["json"]:
            self.stdout.write(json.dumps(dataclasses.asdict(found)))
            return
        self.stdout.write(
            f"{'Would delete' if dry_run else 'Deleted'}: {found.files} files "
            f"({found.bytes / 1e6:.1f} MB), {found.reports} reports, {found.sessions} sessions."
        )
        for one in found.terms:
            waits = " It waits until the result is signed." if one.is_waiting else ""
            self.stdout.write(
                f"{one.competition}, {one.scope}, since {one.since}: {one.submissions} "
                f"submissions ({one.bytes / 1e6:.1f} MB), {one.reports} reports.{waits}"
            )
