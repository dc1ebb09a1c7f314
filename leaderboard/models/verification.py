"""The first teams of the private board show how their models were made."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from leaderboard.models.competition import Competition
from leaderboard.models.organizers import organized_by
from leaderboard.models.team import Team
from leaderboard.models.user import User


class VerificationQuerySet(models.QuerySet["Verification"]):
    def visible_to(self, user: User) -> VerificationQuerySet:
        """A team sees its own; organizers see those of their competitions."""
        of_own_teams = Q(team__memberships__user_id=user.pk)
        return self.filter(of_own_teams | organized_by(user, competition="competition")).distinct()


class Verification(models.Model):
    """What one team was asked to hand in, what it handed in, and what was decided."""

    class State(models.TextChoices):
        ASKED = "asked", pgettext_lazy("state of a verification", "asked")
        HANDED_IN = "handed_in", pgettext_lazy("state of a verification", "handed in")
        VERIFIED = "verified", pgettext_lazy("state of a verification", "verified")
        REFUSED = "refused", pgettext_lazy("state of a verification", "refused")
        MISSED = "missed", pgettext_lazy("state of a verification", "date missed")
        WITHDRAWN = "withdrawn", pgettext_lazy("state of a verification", "withdrawn by the team")

    TRANSITIONS = {
        State.ASKED: {State.HANDED_IN, State.VERIFIED, State.REFUSED, State.MISSED}
        | {State.WITHDRAWN},
        State.HANDED_IN: {State.HANDED_IN, State.VERIFIED, State.REFUSED, State.WITHDRAWN}
        | {State.ASKED},
        State.VERIFIED: {State.ASKED, State.REFUSED},
        State.REFUSED: {State.ASKED, State.VERIFIED},
        State.MISSED: {State.ASKED, State.VERIFIED},
        State.WITHDRAWN: {State.ASKED},
    }
    UNRANKED = frozenset({State.REFUSED, State.MISSED, State.WITHDRAWN})
    """In these states the team's row on the private board has no rank."""

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="verifications")
    team = models.OneToOneField(Team, models.CASCADE, related_name="verification")
    rank = models.PositiveIntegerField(help_text=_("On the private board when the team was asked."))
    wish = models.TextField(max_length=1000, help_text=_("What the team is asked to hand in."))
    asked_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.ASKED)
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text=_("Everybody reads it."))

    file = models.FileField(max_length=200, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    size_bytes = models.BigIntegerField(default=0)
    link = models.URLField(max_length=500, blank=True, help_text=_("Of a repository."))
    note = models.CharField(max_length=1000, blank=True)
    handed_in_at = models.DateTimeField(null=True, blank=True)
    handed_in_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = VerificationQuerySet.as_manager()

    class Meta:
        ordering = ["rank", "pk"]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="asked"), name="verifications_by_end")
        ]

    def __str__(self) -> str:
        return gettext("verification of %(team)s") % {"team": self.team}

    @property
    def is_ranked(self) -> bool:
        """Whether its state lets the team's row have a rank."""
        return self.state not in self.UNRANKED

    @property
    def takes_files(self) -> bool:
        """Whether the team may hand in now."""
        is_waiting = self.state in (self.State.ASKED, self.State.HANDED_IN)
        return is_waiting and timezone.now() < self.due_at


class RankNote(models.Model):
    """A dated note beside the private board: a team lost its rank, or has it again."""

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="rank_notes")
    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=Verification.State)
    is_ranked = models.BooleanField(help_text="Whether the row has its rank after this.")
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.team}: {self.state}"
