"""Who may no longer take part in a competition, and why."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from leaderboard.models.competition import Competition
from leaderboard.models.team import Team


class Ban(models.Model):
    """Of a team or of a person, in one competition. Lifting it deletes the row; the audit log keeps
    both acts."""

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="bans")
    team = models.OneToOneField(Team, models.CASCADE, null=True, related_name="ban")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="bans"
    )
    reason = models.CharField(max_length=300)
    banned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    banned_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(team__isnull=True) ^ Q(user__isnull=True),
                name="a_ban_is_of_a_team_or_a_person",
            ),
            models.UniqueConstraint(fields=["competition", "user"], name="one_ban_per_person"),
        ]

    def __str__(self) -> str:
        return str(self.team or self.user)
