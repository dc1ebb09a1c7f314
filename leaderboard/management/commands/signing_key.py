"""Shows the key that signs results, or takes a new one."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from leaderboard.services import signing
from leaderboard.services.audit import CONSOLE
from scoring.snapshots.signing import public_pem


class Command(BaseCommand):
    help = (
        "Print the public key that signs results. If there is no key, it is made. Exit code 0: "
        "done; 1: KEYS_DIR cannot be read or written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--pem", action="store_true", help="print the key as PEM")
        parser.add_argument(
            "--rotate",
            action="store_true",
            help="make a new key and delete the private half of the old one; files that the old "
            "one signed stay valid",
        )

    def handle(self, *, rotate: bool, pem: bool, **options: Any) -> None:
        try:
            key = signing.rotate() if rotate else signing.current(by=CONSOLE)[0]
        except (OSError, ValueError) as error:
            raise CommandError(f"The key cannot be used: {error}") from error
        self.stdout.write(public_pem(key.public).strip() if pem else key.public)
