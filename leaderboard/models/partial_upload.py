"""A file that comes in parts, before it is checked.

The parts lie on the disk of TMPDIR, or in the bucket.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from leaderboard.models.competition import Competition
from leaderboard.models.submission import Submission
from leaderboard.models.team import Team
from leaderboard.models.trial import Trial
from leaderboard.models.user import User


class PartialUploadQuerySet(models.QuerySet["PartialUpload"]):
    def visible_to(self, user: User) -> PartialUploadQuerySet:
        """The partial uploads of the teams of a person. No organizer sees them."""
        return self.filter(team__memberships__user_id=user.pk)

    def of(self, team: Team) -> PartialUploadQuerySet:
        return self.filter(team=team)

    def unexpired(self) -> PartialUploadQuerySet:
        return self.filter(expires_at__gt=timezone.now())

    def under_way(self) -> PartialUploadQuerySet:
        """Those that became neither a submission nor a trial, and still may, the oldest first."""
        return self.unexpired().filter(submission=None, trial=None).order_by("pk")


class PartialUpload(models.Model):
    key = models.CharField(max_length=43, unique=True)
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    begun_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    file_name = models.CharField(max_length=200)
    size_bytes = models.BigIntegerField(
        help_text="The size of the whole file, as its sender announced it."
    )
    multipart_id = models.CharField(
        max_length=1024,
        blank=True,
        help_text="The key of its parts in the bucket; empty if they lie on a disk.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    # What it became. The row stays until it expires, so that a lost answer can be given again.
    submission = models.ForeignKey(Submission, models.CASCADE, null=True, related_name="+")
    trial = models.ForeignKey(Trial, models.CASCADE, null=True, related_name="+")

    objects = PartialUploadQuerySet.as_manager()

    parts_come: list[int] | None = None
    """Numbers of the parts in the bucket, once they were asked for. They are not stored."""

    def __str__(self) -> str:
        return f"partial upload {self.pk}"
