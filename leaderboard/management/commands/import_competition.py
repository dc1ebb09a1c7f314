"""Makes or changes a competition by a contest file."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext

from leaderboard.management import contest_files
from leaderboard.models import HardwareProfile
from leaderboard.services.contest_files import importing, reading
from leaderboard.services.contest_files.foreign import recognising
from leaderboard.services.contest_files.foreign.recognising import Foreign
from leaderboard.services.contest_files.planning import Plan
from leaderboard.services.contest_files.reading import ContestFile


class Command(contest_files.ContestCommand):
    help = (
        "Make a draft of a contest file, or change the competition of its slug. The same rules "
        "hold as in the panel. What the file does not name stays as it is. Exit code 0: done, or "
        "nothing to do; 1: refused, with the reason, and nothing is changed; 2: the file is wrong, "
        "each error with its line. The file may also be a folder or zip of Codabench, or a "
        "challenge_config.yaml of EvalAI: titles, texts, dates and quotas are imported, and "
        "what is not is listed with its line and the reason."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        contest_files.add_file(parser)
        contest_files.add_person(parser)
        parser.add_argument(
            "--write",
            type=Path,
            metavar="CONTEST_YAML",
            help="from a bundle of Codabench or a configuration of EvalAI, write a contest file to "
            "be finished, and make no draft",
        )
        parser.add_argument(
            "--profile",
            metavar="SLUG",
            help="the hardware profile of a draft from another service (default: the only one)",
        )
        super().add_arguments(parser)

    def act(self, *, file: Path, by: str | None, **options: Any) -> None:
        found = recognising.read(file)
        if options["write"]:
            self.write(file, found, **options)
            return
        person = contest_files.person(by)
        contest = drafted(found, options["profile"]) if found else contest_files.read(file)
        plan = importing.import_(contest, by=person, tell=self.tell)
        if options["json"]:
            told = contest_files.as_json(plan) | {"left": contest_files.left(found)}
            self.stdout.write(json.dumps(told, ensure_ascii=False))
            return
        self.show_plan(plan)
        self.show_left(found)

    def write(
        self, file: Path, found: Foreign | None, *, write: Path, profile: str | None, **options: Any
    ) -> None:
        """Write the contest file of a competition of another service."""
        if found is None:
            said = gettext("%(file)s is already a contest file. Import it without --write.")
            raise CommandError(said % {"file": file}, returncode=2)
        try:
            with write.open("x", encoding="utf-8") as target:
                target.write(found.text(profile=profile or only_profile() or "lab"))
        except FileExistsError as error:
            said = gettext("%(file)s already exists. Name another file.") % {"file": write}
            raise CommandError(said, returncode=1) from error
        if options["json"]:
            told = {"service": found.service, "left": contest_files.left(found)}
            self.stdout.write(json.dumps(told, ensure_ascii=False))
            return
        facts = {"file": write, "service": found.service}
        said = gettext("%(file)s was written from %(service)s. Complete it, then import it.")
        self.stdout.write(said % facts)
        self.show_left(found)

    def show_left(self, found: Foreign | None) -> None:
        if found and found.left:
            self.stdout.write(gettext("Not imported:"))
            for one in found.left:
                self.stdout.write(f"  {one}")

    def show_plan(self, plan: Plan) -> None:
        facts = {"slug": plan.competition.slug}
        if not plan.changes:
            self.stdout.write(
                gettext("%(slug)s already matches the file. Nothing changed.") % facts
            )
            return
        made, changed = gettext("%(slug)s was created as a draft:"), gettext("Changed in %(slug)s:")
        self.stdout.write((made if plan.is_new else changed) % facts)
        self.show(plan)


def drafted(found: Foreign, profile: str | None) -> ContestFile:
    """The contest file of a draft. Raises `CommandError` if no hardware profile can be chosen."""
    slug = profile or only_profile()
    if slug is None:
        raise CommandError(
            gettext("Name the hardware profile on which models run: --profile SLUG."), returncode=2
        )
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        path = Path(folder) / "contest.yaml"
        path.write_text(found.text(profile=slug), encoding="utf-8")
        return reading.read(path)


def only_profile() -> str | None:
    """The slug of the site's hardware profile, if there is one only."""
    slugs = list(HardwareProfile.objects.values_list("slug", flat=True)[:2])
    return slugs[0] if len(slugs) == 1 else None
