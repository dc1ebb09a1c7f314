"""Grants the worker's database role its rights. Run it after every migration with a new table."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from leaderboard.services import roles


class Command(BaseCommand):
    help = (
        "Make or renew the PostgreSQL role `worker`, with the password in WORKER_PASSWORD and the "
        "rights that a worker needs. Exit code 0: done; 1: refused, with the reason."
    )

    def handle(self, **options: Any) -> None:
        if connection.vendor != "postgresql":
            raise CommandError("Roles are for PostgreSQL; DATABASE_URL names another database.")
        if not settings.WORKER_PASSWORD:
            raise CommandError("WORKER_PASSWORD must be set; see docs/configuration.md.")
        roles.grant_worker(password=settings.WORKER_PASSWORD)
        self.stdout.write(f"The role {roles.NAME} can do what a worker does.")
