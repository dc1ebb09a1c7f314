"""Makes the first superuser of the environment, once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from leaderboard.models import User
from leaderboard.services import people


class Command(BaseCommand):
    help = (
        "Make the superuser of FIRST_SUPERUSER, unless there is a superuser. A later change of the "
        "variables changes nothing. Exit code 0: there is one, or none is wanted; 1: refused."
    )

    def handle(self, **options: Any) -> None:
        name, password = settings.FIRST_SUPERUSER, settings.FIRST_SUPERUSER_PASSWORD
        if User.objects.filter(is_superuser=True).exists():
            self.stdout.write("There is already a superuser.")
            return
        if not name:
            self.stdout.write("FIRST_SUPERUSER is not set, and there is no superuser.")
            return
        try:
            validate_password(password)
            people.make_superuser(
                name=name, password=password, email=settings.FIRST_SUPERUSER_EMAIL
            )
        except ValidationError as error:
            raise CommandError(f"FIRST_SUPERUSER: {' '.join(error.messages)}") from error
        self.stdout.write(self.style.SUCCESS(f"{name} can sign in and open the panel."))
