"""A model file that is only tried on the sample: no score, no rank, and no upload is used."""

from __future__ import annotations

from functools import cached_property

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leaderboard.models.competition import Competition
from leaderboard.models.team import Team
from leaderboard.models.user import User
from scoring import formats
from scoring.job import Trial as Found


class TrialQuerySet(models.QuerySet["Trial"]):
    def visible_to(self, user: User) -> TrialQuerySet:
        """The trials of the teams of a person. No organizer sees them."""
        return self.filter(team__memberships__user_id=user.pk)

    def unfinished(self) -> TrialQuerySet:
        return self.filter(state__in=[Trial.State.QUEUED, Trial.State.RUNNING])


class Trial(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Failed")
        ERROR = "error", _("Error")

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="trials")
    team = models.ForeignKey(Team, models.CASCADE, related_name="trials")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    file = models.FileField(max_length=200)
    file_name = models.CharField(max_length=200)
    format = models.CharField(max_length=20)
    size_bytes = models.BigIntegerField()
    uploaded_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    found = models.JSONField(null=True, help_text="What the engine found, as JSON.")

    objects = TrialQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["competition", "id"],
                condition=models.Q(state="queued"),
                name="trials_that_wait",
            ),
            models.Index(fields=["team", "uploaded_at"], name="trials_of_a_team"),
        ]

    def __str__(self) -> str:
        return f"trial {self.pk}"

    def get_absolute_url(self) -> str:
        return f"/trials/{self.pk}/"

    @property
    def is_finished(self) -> bool:
        return self.state not in (Trial.State.QUEUED, Trial.State.RUNNING)

    @property
    def format_title(self) -> str:
        return formats.title(self.format)

    @cached_property
    def told(self) -> Found | None:
        """What the engine found. None before the end, and after a fault of ours."""
        return Found.from_json(self.found) if self.found else None
