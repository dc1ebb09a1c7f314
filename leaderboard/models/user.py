"""People and their API tokens. Who organizes what stands in `organizers`."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken


def quiet_by_mail() -> list[str]:
    """The kinds of notices that come often, and that few people want by mail."""
    return ["scored", "quota_back"]


class User(AbstractUser):  # type: ignore[django-manager-missing]  # of ApiToken
    """A person. A person competes as a member of a team."""

    language = models.CharField(
        max_length=10,
        blank=True,
        help_text="Language of pages and mails; empty: the browser's language.",
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        help_text="Zone of the times on pages; empty: that of the competition.",
    )
    theme = models.CharField(
        max_length=5, blank=True, help_text="light or dark; empty: as the browser has it."
    )
    seen_language = models.CharField(
        max_length=10,
        blank=True,
        editable=False,
        help_text="The last language of the browser: that of mails while none is chosen.",
    )
    quiet_on_pages = models.JSONField(
        default=list, editable=False, help_text="Kinds of notices that the pages do not show."
    )
    quiet_by_mail = models.JSONField(
        default=quiet_by_mail, editable=False, help_text="Kinds of notices that no mail brings."
    )

    @property
    def language_of_mails(self) -> str:
        return self.language or self.seen_language or settings.LANGUAGE_CODE


class Scope(models.TextChoices):
    """What a token may do. Each scope includes those before it."""

    READ = "read", _("read")
    SUBMIT = "submit", _("read and submit")
    MANAGE = "manage", _("read, submit and manage")

    def includes(self, other: Scope) -> bool:
        order = list(Scope)
        return order.index(self) >= order.index(other)


class ApiToken(AbstractAuthToken):  # type: ignore[misc]  # knox has no types
    """A named, expiring token; only its hash is kept."""

    name = models.CharField(
        max_length=80, help_text=_("Where the token is used, for example “GitHub CI”.")
    )
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.MANAGE)
    competition = models.ForeignKey(
        "leaderboard.Competition",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The only one that the token is for; empty: all.",
    )
    used_at = models.DateTimeField(
        null=True, editable=False, help_text="Of the last request, to the minute."
    )

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return f"{self.name} ({self.token_key}…)"
