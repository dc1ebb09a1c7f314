"""One accepted upload: a fact that never changes, plus dated decisions about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from leaderboard.models.competition import Competition
from leaderboard.models.team import Team

if TYPE_CHECKING:
    from leaderboard.models.evaluation import Evaluation
    from leaderboard.models.user import User


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def visible_to(self, user: User) -> SubmissionQuerySet:
        """A team sees its own; organizers see all."""
        return self if user.is_staff else self.filter(team__memberships__user_id=user.pk)

    def in_the_running(self) -> SubmissionQuerySet:
        """Neither withdrawn nor disqualified."""
        return self.filter(withdrawn_at=None, disqualified_at=None)


class Submission(models.Model):
    class Door(models.TextChoices):
        WEB = "web", "web form"
        API = "api", "API"

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="submissions")
    team = models.ForeignKey(Team, models.PROTECT, related_name="submissions")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="submissions"
    )
    door = models.CharField(max_length=3, choices=Door)
    note = models.CharField(max_length=200, blank=True)
    file = models.FileField(max_length=200)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    content_sha256 = models.CharField(
        max_length=64,
        help_text="Of the archive's records without debug records: the same model, the same hash.",
    )
    size_bytes = models.BigIntegerField()
    static = models.JSONField(
        default=dict, help_text="The static report: parameters, operators, input."
    )
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)
    uploaded_at = models.DateTimeField()

    selected_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    disqualified_at = models.DateTimeField(null=True, blank=True)
    disqualified_reason = models.CharField(max_length=300, blank=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="one_submission_a_key",
            )
        ]
        indexes = [
            models.Index(fields=["team", "uploaded_at"]),
            models.Index(fields=["competition", "content_sha256"]),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} by {self.team}"

    def get_absolute_url(self) -> str:
        return f"/submissions/{self.pk}/"

    @property
    def is_in_the_running(self) -> bool:
        return self.withdrawn_at is None and self.disqualified_at is None

    @property
    def evaluation(self) -> Evaluation:
        """The one that counts: the latest scored, else the latest that we did not end."""
        evaluations = sorted(self.evaluations.all(), key=lambda one: one.pk)
        scored = [one for one in evaluations if one.state == one.State.SCORED]
        theirs = [
            one for one in evaluations if one.state not in (one.State.ERROR, one.State.CANCELLED)
        ]
        return (scored or theirs or evaluations)[-1]

    @property
    def latest_evaluation(self) -> Evaluation:
        return max(self.evaluations.all(), key=lambda one: one.pk)
