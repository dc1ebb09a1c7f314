"""A command that waits for its person to sign it in by a browser (RFC 8628)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from leaderboard.models.user import Scope


class Device(models.Model):
    """A command that asked for a token. The row is deleted when it gets one, or when it expires."""

    class State(models.TextChoices):
        WAITING = "waiting"
        CONFIRMED = "confirmed"
        REFUSED = "refused"

    secret_sha256 = models.CharField(
        max_length=64, unique=True, help_text="Of the code that the command alone knows."
    )
    code = models.CharField(max_length=8, unique=True, help_text="What the person types.")
    name = models.CharField(max_length=80, help_text="Of the token that it gets.")
    scope = models.CharField(max_length=10, choices=Scope)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    polled_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.spelled})"

    @property
    def spelled(self) -> str:
        """The code in two groups, as screens show it."""
        return f"{self.code[:4]}-{self.code[4:]}"
