"""A mail to an address about an account, until it is sent."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone


class Letter(models.Model):
    """What stands behind its link is a secret of the addressee, so the row goes as soon as the mail
    is sent or given up."""

    class Kind(models.TextChoices):
        CONFIRM = "confirm"
        RESET = "reset"
        EXISTS = "exists"
        UNKNOWN = "unknown"

    kind = models.CharField(max_length=20, choices=Kind)
    address = models.EmailField(max_length=254)
    account = models.CharField(max_length=150, blank=True, help_text="The user name it is about.")
    url = models.TextField(help_text="The link.")
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
