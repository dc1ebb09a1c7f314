"""Says what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leaderboard.services import health
from leaderboard.services.health import Finding, Level

STYLES = {Level.OK: "SUCCESS", Level.WARNING: "WARNING", Level.ERROR: "ERROR"}


class Command(BaseCommand):
    help = (
        "Check the database, files, queue, workers, settings, mail, the front and the sandbox, "
        "and say what is wrong and what to do. Run it also where a worker runs. Exit code 0: no "
        "error; 1: an error, with --strict a warning, too; 2: wrong settings or options."
    )
    requires_system_checks = []  # a broken installation is what it is for

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print all findings as one JSON list"
        )
        parser.add_argument(
            "--strict", action="store_true", help="exit with 1 also if there is only a warning"
        )
        parser.add_argument("--only", nargs="+", choices=health.NAMES, default=health.NAMES)
        parser.add_argument("--without", nargs="+", choices=health.NAMES, default=())

    def handle(
        self,
        *,
        only: tuple[str, ...],
        without: tuple[str, ...],
        strict: bool,
        **options: Any,
    ) -> None:
        found = health.examine([name for name in only if name not in without])
        if options["json"]:
            self.stdout.write(json.dumps([dataclasses.asdict(one) for one in found], indent=2))
        else:
            for one in found:
                self.show(one)
        worst = health.worst(found)
        if worst == Level.ERROR or (strict and worst == Level.WARNING):
            raise SystemExit(1)

    def show(self, finding: Finding) -> None:
        style = getattr(self.style, STYLES[finding.level])
        line = f"{style(f'{finding.level:<8}')}{finding.check:<13}{finding.said}"
        self.stdout.write(line.rstrip())
        if finding.advice:
            self.stdout.write(f"{'':<21}{finding.advice}")
