"""Tells what an import of a contest file would change, before it does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext

from leaderboard.errors import Refused
from leaderboard.management import contest_files
from leaderboard.services.contest_files import planning


class Command(contest_files.ContestCommand):
    help = (
        "Show what import_competition would change, and change nothing. Exit code 0: nothing "
        "would change; 1: something would change; 2: the file is wrong, or the import would be "
        "refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "slug", help="slug of the competition; if it does not exist, everything is new"
        )
        contest_files.add_file(parser)
        super().add_arguments(parser)

    def act(self, *, slug: str, file: Path, **options: Any) -> None:
        read = contest_files.read(file)
        if read.contest.slug != slug:
            said = gettext("The file is of %(other)s. An import would not touch %(slug)s.")
            raise CommandError(said % {"other": read.contest.slug, "slug": slug}, returncode=2)
        plan = planning.planned(read)
        if options["json"]:
            self.stdout.write(json.dumps(contest_files.as_json(plan), ensure_ascii=False))
        elif plan.changes:
            self.show(plan)
        else:
            self.stdout.write(gettext("Nothing would change."))
        if plan.refusals:
            told = "\n".join(f"{one.detail} ({one.code})" for one in plan.refusals)
            raise CommandError(told, returncode=2)
        if plan.changes:
            raise SystemExit(1)

    def refuse(self, error: Refused, *, is_json: bool) -> None:
        try:
            super().refuse(error, is_json=is_json)
        except CommandError as refused:
            refused.returncode = 2
            raise
