"""Who competes. A person alone is a team of one."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from leaderboard.models.competition import Competition


class Team(models.Model):
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="teams")
    name = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=timezone.now)
    turn = models.FloatField(
        default=0.0, help_text="Rises with what was measured lately; the lower is measured first."
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="teams"
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "competition", Lower("name"), name="one_team_of_a_name_in_a_competition"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person in one team; the competition is repeated so that the database keeps it to one."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="+")
    joined_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["joined_at"]
        constraints = [
            models.UniqueConstraint(fields=["competition", "user"], name="one_team_a_person")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class Invitation(models.Model):
    """A link that lets one person join; used once, then kept as a record."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="invitations")
    code = models.CharField(max_length=43, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"invitation to {self.team}"

    @property
    def is_usable(self) -> bool:
        return self.accepted_at is None and timezone.now() < self.expires_at
