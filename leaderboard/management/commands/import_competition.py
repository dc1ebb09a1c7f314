"""Makes or changes a competition by a contest file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext

from leaderboard.management import contest_files
from leaderboard.services.contest_files import importing


class Command(contest_files.ContestCommand):
    help = (
        "Make a draft of a contest file, or change the competition of its slug. The same rules "
        "hold as in the panel. What the file does not name stays as it is. Exit code 0: done, or "
        "nothing to do; 1: refused, with the reason, and nothing is changed; 2: the file is wrong, "
        "each slip with its line."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        contest_files.add_file(parser)
        contest_files.add_person(parser)
        super().add_arguments(parser)

    def act(self, *, file: Path, by: str | None, **options: Any) -> None:
        person = contest_files.person(by)
        plan = importing.import_(contest_files.read(file), by=person, tell=self.tell)
        if options["json"]:
            self.stdout.write(json.dumps(contest_files.as_json(plan), ensure_ascii=False))
            return
        facts = {"slug": plan.competition.slug}
        if not plan.changes:
            self.stdout.write(gettext("%(slug)s is as the file says. Nothing changed.") % facts)
            return
        made, changed = gettext("%(slug)s is made, as a draft:"), gettext("Changed in %(slug)s:")
        self.stdout.write((made if plan.is_new else changed) % facts)
        self.show(plan)
