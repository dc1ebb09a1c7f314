"""Who competes. A person alone is a team of one."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from leaderboard.models.competition import Competition
from leaderboard.models.hardware import HardwareProfile
from leaderboard.models.organizers import organized_by
from leaderboard.models.user import User


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: User) -> TeamQuerySet:
        """A person sees the teams that the person is in. Organizers see those of their
        competitions."""
        own = Q(pk__in=Membership.objects.filter(user=user.pk).values("team"))
        return self.filter(own | organized_by(user, competition="competition"))


class Team(models.Model):
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="teams")
    name = models.CharField(max_length=60)
    skeleton = models.CharField(
        max_length=300,
        null=True,
        editable=False,
        help_text="The same for all names that look alike. Empty for teams that had such names "
        "before this was looked at.",
    )
    created_at = models.DateTimeField(default=timezone.now)
    # What the team has sent, so that no list counts it; `services.submissions` writes it.
    sent = models.PositiveIntegerField(default=0, editable=False)
    last_sent_at = models.DateTimeField(null=True, blank=True, editable=False)
    # The team's place among those that wait for workers; `services.turns` writes it.
    queue = models.ForeignKey(
        HardwareProfile,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text="For whose workers its uploads wait; empty while none waits.",
    )
    waiting = models.PositiveIntegerField(default=0, editable=False)
    waiting_since = models.DateTimeField(null=True, blank=True, editable=False)
    running = models.PositiveIntegerField(default=0, editable=False)
    turn = models.FloatField(
        default=0.0,
        editable=False,
        help_text="Rises with what was measured lately; the lower is measured first.",
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="teams"
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                "competition", Lower("name"), name="one_team_of_a_name_in_a_competition"
            ),
            models.UniqueConstraint(
                fields=["competition", "skeleton"], name="one_team_of_a_look_in_a_competition"
            ),
        ]
        indexes = [
            # For boards that are sorted by them.
            models.Index(fields=["competition", "sent"], name="teams_by_uploads"),
            models.Index(fields=["competition", "last_sent_at"], name="teams_by_last_upload"),
            models.Index(
                fields=["queue", "running", "turn", "waiting_since"],
                condition=Q(queue__isnull=False),
                name="turns",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def has_member(self, person: User) -> bool:
        return self.memberships.filter(user_id=person.pk).exists()


class NamePart(models.Model):
    """A team's name from the beginning of one of its words on, so that an index finds each word."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="name_parts")
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="+")
    text = models.CharField(max_length=60, help_text="In small letters.")

    class Meta:
        indexes = [
            models.Index(
                fields=["competition", "text", "team"],
                # So that LIKE 'begin%' finds its rows, whatever the language of the database.
                opclasses=["int8_ops", "varchar_pattern_ops", "int8_ops"],
                name="teams_by_part_of_name",
            )
        ]

    def __str__(self) -> str:
        return self.text


class Membership(models.Model):
    """One person in one team.

    The competition is repeated here, so that the database can promise one team for each person in a
    competition.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="+")
    joined_at = models.DateTimeField(default=timezone.now)
    is_captain = models.BooleanField(default=False)
    rules_sha256 = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="Of the rules that the person accepted by joining; empty if there were none.",
    )
    is_shown = models.BooleanField(
        default=False, help_text="Whether the team's public page names this member."
    )

    class Meta:
        ordering = ["joined_at"]
        constraints = [
            models.UniqueConstraint(fields=["competition", "user"], name="one_team_per_person"),
            models.UniqueConstraint(
                fields=["team"], condition=Q(is_captain=True), name="one_captain_per_team"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


class FormerName(models.Model):
    """A name that a team had before."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="former_names")
    name = models.CharField(max_length=60)
    until = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """A link that lets one person join.

    After its use it stays as a record. It is deleted if it is revoked, or if its maker leaves the
    team.
    """

    team = models.ForeignKey(Team, models.CASCADE, related_name="invitations")
    code = models.CharField(max_length=43, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    sent_to = models.CharField(
        max_length=254, blank=True, help_text="The user name or address that it was made for."
    )
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
        is_open = self.accepted_at is None and timezone.now() < self.expires_at
        return is_open and self.invited_by.is_active
