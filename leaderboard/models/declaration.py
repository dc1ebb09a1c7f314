"""Teams declare that they belong to a track."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from leaderboard.models.team import Team


class Declaration(models.Model):
    """A team's word that it belongs to a track. Organizers may end it, with a reason."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    track = models.CharField(max_length=30)
    declared_at = models.DateTimeField(default=timezone.now)
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="The team reads it.")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["team", "track"], name="one_declaration_per_track")
        ]

    def __str__(self) -> str:
        return f"{self.team}: {self.track}"
