"""Writes a competition as a contest file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext

from leaderboard.management import contest_files
from leaderboard.services.contest_files import schema, writing


class Command(contest_files.ContestCommand):
    help = (
        "Print a competition as a contest file. With --folder, write it with the images, the "
        "reference model and the schema, so that another site can import it; keep that folder "
        "secret. With --schema, print the JSON schema for editors. Exit code 0: done; 1: there is "
        "no such competition; 2: wrong usage."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", nargs="?", help="slug of the competition")
        parser.add_argument("--folder", type=Path, help="new or empty folder to write")
        parser.add_argument("--schema", action="store_true", help="print the schema of the file")
        super().add_arguments(parser)

    def act(self, *, slug: str | None, folder: Path | None, **options: Any) -> None:
        if options["schema"]:
            self.stdout.write(json.dumps(schema.json_schema(), indent=2, ensure_ascii=False))
            return
        if slug is None:
            raise CommandError(gettext("Name a competition by its slug."), returncode=2)
        competition = contest_files.competition(slug)
        if folder:
            self.write(slug, folder, is_json=options["json"])
        elif options["json"]:
            content = writing.content_of(competition, with_files=False)
            self.stdout.write(json.dumps(content, ensure_ascii=False))
        else:
            self.stdout.write(writing.text_of(competition), ending="")

    def write(self, slug: str, folder: Path, *, is_json: bool) -> None:
        if folder.exists() and any(folder.iterdir()):
            said = gettext("%(folder)s is not empty. Name a new folder.") % {"folder": folder}
            raise CommandError(said, returncode=2)
        path = writing.write(contest_files.competition(slug), folder)
        if is_json:
            self.stdout.write(json.dumps({"file": str(path)}))
            return
        said = gettext("Written: %(path)s. The folder holds the hidden images. Keep it secret.")
        self.stdout.write(said % {"path": path})
