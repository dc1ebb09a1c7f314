"""A team asks another team to join it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from leaderboard.models.team import Team


class MergeOfferQuerySet(models.QuerySet["MergeOffer"]):
    def open(self) -> MergeOfferQuerySet:
        return self.filter(ended_at=None)


class MergeOffer(models.Model):
    """One team asks another to join it. The offer ends when it is accepted, declined or taken
    back."""

    by_team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    to_team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(
        null=True, help_text="When it was taken back or declined. It still counts for its day."
    )

    objects = MergeOfferQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["by_team", "to_team"],
                condition=Q(ended_at=None),
                name="one_offer_to_a_team",
            )
        ]

    def __str__(self) -> str:
        return f"{self.by_team} asks {self.to_team}"
