"""Addresses that a team has called when something happens, and the calls."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leaderboard.models.team import Team


class Webhook(models.Model):
    class Event(models.TextChoices):
        SCORED = "scored", _("A submission is scored")
        FAILED = "failed", _("A submission failed")
        RANK_CHANGED = "rank_changed", _("The public rank of the team changes")
        RESCORED = "rescored", _("The scores follow a new formula")
        PUBLISHED = "published", _("The private board is published")
        ANNOUNCED = "announced", _("The organizers announce something")

    team = models.ForeignKey(Team, models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=500)
    secret = models.CharField(max_length=80, help_text="Signs the calls. It is shown once.")
    events = models.JSONField(default=list)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        null=True,
        related_name="+",
        help_text="The webhook ends when this person leaves the team.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    last_rank = models.PositiveIntegerField(null=True, help_text="The rank that was told last.")
    failures = models.PositiveIntegerField(
        default=0, help_text="The number of failed calls since the last successful one."
    )
    stopped_at = models.DateTimeField(
        null=True, help_text="When the calls were stopped because too many had failed."
    )

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"webhook {self.pk} of {self.team}"


class Delivery(models.Model):
    """One event for one address. Each attempt sends the same body and the same identifier."""

    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    identifier = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    event = models.CharField(max_length=20)
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(
        null=True,
        default=timezone.now,
        help_text="When it is sent next. Empty if it is not sent again.",
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="The status of the last answer.")
    error = models.CharField(max_length=20, blank=True, help_text="Why there was no valid answer.")

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["webhook", "-id"], name="deliveries_of_a_webhook"),
            models.Index(
                fields=["due_at"], condition=Q(due_at__isnull=False), name="deliveries_to_send"
            ),
            models.Index(fields=["created_at"], name="deliveries_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.webhook}"
