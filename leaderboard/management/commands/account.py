"""Do for a person what the profile does: hand out a copy of the account, or delete it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leaderboard.errors import Refused
from leaderboard.models import User
from leaderboard.services import accounts, audit


class Command(BaseCommand):
    help = (
        "Write a copy of an account as a zip, or delete the account. Exit code 0: done; 1: there "
        "is no such account, or a rule forbids it, which the error names by its code."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        export = acts.add_parser("export", help="write a copy of the account as a zip")
        export.add_argument("username")
        export.add_argument("--output", type=Path, required=True, help="the zip to write")
        delete = acts.add_parser("delete", help="delete the account permanently")
        delete.add_argument("username")
        delete.add_argument("--yes", action="store_true", help="do not ask")
        for one in (export, delete):
            one.add_argument("--json", action="store_true", help="print what was done as JSON")

    def handle(self, *, act: str, username: str, json: bool, **options: Any) -> None:
        person = User.objects.filter(username=username).first()
        if person is None:
            raise CommandError(f"There is no account {username}.")
        done = self.export(person, **options) if act == "export" else self.delete(person, **options)
        self.stdout.write(as_json(done) if json else f"{username}: {done['done']}")

    def export(self, person: User, *, output: Path, **options: Any) -> dict[str, str]:
        with output.open("wb") as target:
            target.writelines(accounts.copy(person))
        return {"username": person.username, "done": "exported", "file": str(output)}

    def delete(self, person: User, *, yes: bool, **options: Any) -> dict[str, str]:
        name = person.username
        if not yes and input(f"Type {name} to delete this account for good: ") != name:
            raise CommandError("Nothing was deleted.")
        try:
            accounts.delete(person, by=audit.CONSOLE)
        except Refused as refusal:
            raise CommandError(f"{refusal.detail} [{refusal.code}]") from refusal
        return {"username": name, "done": "deleted"}


def as_json(done: dict[str, str]) -> str:
    return json.dumps(done)
