"""What the commands of contest files share: arguments, the person, and how a plan is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation
from django.utils.translation import gettext

from leaderboard.cli import languages
from leaderboard.errors import Refused
from leaderboard.models import Competition, User
from leaderboard.services.contest_files import reading
from leaderboard.services.contest_files.foreign.recognising import Foreign
from leaderboard.services.contest_files.planning import Change, Plan
from leaderboard.services.contest_files.reading import BadContestFile, ContestFile

LONGEST = 60
"""Most characters of a value that is told. JSON has all of it."""


class ContestCommand(BaseCommand):
    """A command that speaks the language of the terminal and tells refusals with their codes."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, **options: Any) -> None:
        with translation.override(languages.code):
            try:
                self.act(**options)
            except Refused as error:
                self.refuse(error, is_json=options["json"])

    def act(self, *arguments: Any, **options: Any) -> None:
        raise NotImplementedError

    def refuse(self, error: Refused, *, is_json: bool) -> None:
        """End the command: with 2 if the file itself is wrong, with 1 if the site refuses it."""
        if is_json:
            self.stdout.write(json.dumps(refusal(error), ensure_ascii=False))
        code = 2 if isinstance(error, BadContestFile) else 1
        raise CommandError(f"{error.detail} ({error.code})", returncode=code)

    def tell(self, stage: str) -> None:
        self.stderr.write(f"{stage} …", self.style.NOTICE)

    def show(self, plan: Plan) -> None:
        """Print each change on a line of its own."""
        for change in plan.changes:
            self.stdout.write(line_of(change))


def refusal(error: Refused) -> dict[str, Any]:
    found: dict[str, Any] = {"code": error.code, "detail": error.detail}
    if isinstance(error, BadContestFile):
        slips = [{"line": one.line, "path": one.path, "detail": one.said} for one in error.slips]
        found["slips"] = slips
    return found


def left(found: Foreign | None) -> list[dict[str, Any]]:
    """What was not taken over of a competition of another service."""
    slips = found.left if found else ()
    return [{"line": one.line, "path": one.path, "detail": one.said} for one in slips]


def add_file(parser: CommandParser) -> None:
    parser.add_argument("file", type=Path, help="the contest file, for example contest.yaml")


def add_person(parser: CommandParser) -> None:
    parser.add_argument(
        "--by",
        metavar="USER",
        help="user name of the organizer who acts (default: the only superuser)",
    )


def person(name: str | None) -> User:
    """Who acts. Raises `CommandError` unless one person is meant."""
    people = User.objects.filter(is_active=True)
    found = people.filter(username=name) if name else people.filter(is_superuser=True)
    first = list(found[:2])
    if len(first) == 1:
        return first[0]
    if name:
        said = gettext("There is no active user called %(name)s.") % {"name": name}
    elif first:
        said = gettext("There are several superusers. Name the one who acts: --by USER.")
    else:
        said = gettext("There is no superuser yet. Make one: manage.py createsuperuser.")
    raise CommandError(said, returncode=2)


def read(path: Path) -> ContestFile:
    return reading.read(path)


def competition(slug: str) -> Competition:
    """Any competition, also a draft. Raises `CommandError`."""
    found = Competition.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(
            gettext("There is no competition called %(slug)s.") % {"slug": slug}, returncode=1
        )
    return found


def line_of(change: Change) -> str:
    before = "" if change.before is None else f"{short(change.before)} → "
    return f"  {change.path}: {before}{short(change.after)}"


def short(value: object) -> str:
    """A value on one line."""
    text = "–" if value in (None, "") else " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def as_json(plan: Plan) -> dict[str, Any]:
    changes = [{"path": one.path, "before": one.before, "after": one.after} for one in plan.changes]
    return {
        "competition": plan.competition.slug,
        "is_new": plan.is_new,
        "changes": changes,
        "refusals": [refusal(one) for one in plan.refusals],
    }
