"""What happened, until everybody concerned is told; and what a person was told."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leaderboard.models.competition import Competition
from leaderboard.models.evaluation import Evaluation
from leaderboard.models.team import Invitation, Team


class Happening(models.Model):
    """An event of which nobody was told yet.

    It is written in the transaction in which the event happens, so no crash loses it. It is deleted
    in the transaction that writes the notices.
    """

    event = models.CharField(max_length=30)
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="+")
    team = models.ForeignKey(Team, models.CASCADE, null=True, related_name="+")
    evaluation = models.ForeignKey(Evaluation, models.CASCADE, null=True, related_name="+")
    invitation = models.ForeignKey(Invitation, models.CASCADE, null=True, related_name="+")
    facts = models.JSONField(default=dict)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return f"{self.event} in {self.competition}"


class NoticeQuerySet(models.QuerySet["Notice"]):
    def unread(self) -> NoticeQuerySet:
        return self.filter(is_shown=True, read_at=None)


class Notice(models.Model):
    """One thing that one person is told, in the page, by mail or both."""

    class Kind(models.TextChoices):
        SCORED = "scored", _("A submission of my team is scored")
        FAILED = "failed", _("A submission of my team failed")
        OVERTAKEN = "overtaken", _("Another team overtakes my team")
        INVITED = "invited", _("Somebody invites me to a team")
        ANNOUNCEMENT = "announcement", _("The organizers announce something")
        ASKED = "asked", _("A participant asks a question about a competition that I organize")
        ANSWERED = "answered", _("The organizers answer a question of my team")
        QUOTA_BACK = "quota_back", _("My team gets an upload back, or can upload again")
        ENDS_SOON = "ends_soon", _("A competition ends in a day")
        RESCORED = "rescored", _("A new formula changes the scores")
        PUBLISHED = "published", _("A private board is published")
        VERIFICATION = "verification", _("Organizers verify what my team sent")
        APPLIED = "applied", _("Somebody applies to a competition that I organize")
        APPLICATION = "application", _("The organizers decide about my application")
        MERGE_ASKED = "merge_asked", _("Another team wants to merge with my team")
        TEAM_CHANGED = "team_changed", _("The organizers change something for my team")
        WEBHOOK_STOPPED = "webhook_stopped", _("A webhook of my team is stopped")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20, choices=Kind)
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="+")
    path = models.CharField(max_length=200, help_text="The page of this site that it leads to.")
    facts = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)
    is_shown = models.BooleanField(default=True, help_text="Whether the pages show it.")
    read_at = models.DateTimeField(null=True)
    mail_at = models.DateTimeField(
        null=True, help_text="When it is sent by mail next; empty if it is not to be sent."
    )
    mail_attempts = models.PositiveSmallIntegerField(default=0)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["user", "-id"], name="notices_of_a_person"),
            models.Index(
                fields=["user"], condition=Q(is_shown=True, read_at=None), name="unread_notices"
            ),
            models.Index(
                fields=["mail_at"], condition=Q(mail_at__isnull=False), name="notices_to_mail"
            ),
            models.Index(fields=["created_at"], name="notices_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.user}"
