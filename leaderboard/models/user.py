"""People and their API tokens. An organizer is a user with `is_staff`."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken


class User(AbstractUser):  # type: ignore[django-manager-missing]  # of ApiToken
    """A person. A person competes as a member of a team."""

    language = models.CharField(
        max_length=10,
        blank=True,
        help_text="Language of pages and mails; empty: the browser's language.",
    )


class ApiToken(AbstractAuthToken):  # type: ignore[misc]  # knox has no types
    """A named, expiring token; only its hash is kept."""

    name = models.CharField(
        max_length=80, help_text=_("Where the token is used, for instance “GitHub CI”.")
    )

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.name} ({self.token_key}…)"
