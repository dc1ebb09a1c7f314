"""Writes rows of a competition as CSV, JSON or Parquet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leaderboard.errors import Refused
from leaderboard.models import Competition
from leaderboard.services import competitions, exports


class Command(BaseCommand):
    help = (
        "Write all rows of a competition, with private figures, to standard output or a file. Exit "
        "code 0: done; 1: refused, with the reason."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("competition", help="slug of the competition")
        parser.add_argument("kind", choices=sorted(exports.KINDS))
        parser.add_argument("--as", dest="form", choices=sorted(exports.FORMS), default="csv")
        parser.add_argument(
            "--output", type=Path, help="the file to write (default: standard output)"
        )

    def handle(self, *, competition: str, kind: str, form: str, **options: Any) -> None:
        try:
            found = competitions.named(competition, among=Competition.objects.all())
            made = exports.export(competition=found, kind=kind, form=form, by=None)
        except Refused as refusal:
            raise CommandError(f"{refusal.detail} ({refusal.code})") from refusal
        if options["output"] is None:
            for part in made.parts:
                sys.stdout.buffer.write(part)
            return
        with options["output"].open("wb") as target:
            target.writelines(made.parts)
