"""Mails to addresses, about an account or an invitation to a team, until they are sent."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from leaderboard.models.team import Invitation, Team


class Letter(models.Model):
    """One mail about an account or an invitation, until it is sent.

    The link in it is a secret of the addressee. So the row is deleted as soon as the mail is sent
    or given up. The row of an invitation stays for a day without its address, because it is
    counted.
    """

    class Kind(models.TextChoices):
        CONFIRM = "confirm"
        RESET = "reset"
        EXISTS = "exists"
        UNKNOWN = "unknown"
        INVITED = "invited"

    kind = models.CharField(max_length=20, choices=Kind)
    address = models.EmailField(max_length=254, blank=True)
    account = models.CharField(max_length=150, blank=True, help_text="The user name it is about.")
    url = models.TextField(blank=True, help_text="The link.")
    invitation = models.ForeignKey(Invitation, models.SET_NULL, null=True, related_name="+")
    team = models.ForeignKey(Team, models.SET_NULL, null=True, related_name="+")
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    language = models.CharField(max_length=10)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    mail_at = models.DateTimeField(null=True, help_text="When it is sent next.")
    mail_attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["mail_at"], condition=Q(mail_at__isnull=False), name="letters_to_mail"
            ),
        ]

    def __str__(self) -> str:
        return f"letter {self.pk}"


class QuietAddress(models.Model):
    """An address whose owner wants no invitations to teams by mail."""

    mail_hash = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return self.mail_hash[:8]
