"""Further uploads that organizers give one team, beyond what the competition allows."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone

from leaderboard.models.team import Team


class Extra(models.Model):
    """Some further uploads of a team until a time. A submission names the extra that it uses."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="extras")
    uploads = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    until = models.DateTimeField()
    reason = models.CharField(max_length=300)
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    given_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["until", "pk"]

    def __str__(self) -> str:
        return f"{self.uploads} for {self.team}"
