"""Who may no longer take part in a competition, and why."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext

from leaderboard.models.competition import Competition
from leaderboard.models.team import Team
from leaderboard.models.user import User


class BanQuerySet(models.QuerySet["Ban"]):
    def against(
        self, person: User, competition: Competition, team: Team | None = None
    ) -> Ban | None:
        """What keeps a person out of a competition: a ban of the person, of the person's mail
        address, or of the team."""
        whom = Q(user=person.pk)
        if person.email:
            whom |= Q(mail_hash=hash_of(person.email))
        whom &= Q(competition=competition)
        return self.filter(whom | Q(team=team.pk) if team else whom).first()


class Ban(models.Model):
    """A ban of a team, of a person, or of an address whose account was deleted, in one competition.

    To lift it deletes the row. The audit log keeps both acts.
    """

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="bans")
    team = models.OneToOneField(Team, models.CASCADE, null=True, related_name="ban")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="bans"
    )
    mail_hash = models.CharField(
        max_length=64,
        null=True,
        help_text="Of the mail address of a banned person who deleted the account.",
    )
    reason = models.CharField(max_length=300)
    banned_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    banned_at = models.DateTimeField(default=timezone.now)

    objects = BanQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(team__isnull=False, user__isnull=True, mail_hash__isnull=True)
                | Q(team__isnull=True, user__isnull=False, mail_hash__isnull=True)
                | Q(team__isnull=True, user__isnull=True, mail_hash__isnull=False),
                name="a_ban_is_of_a_team_or_a_person",
            ),
            models.UniqueConstraint(fields=["competition", "user"], name="one_ban_per_person"),
            models.UniqueConstraint(fields=["competition", "mail_hash"], name="one_ban_per_mail"),
        ]

    def __str__(self) -> str:
        if self.mail_hash:
            return gettext("deleted account %(hash)s") % {"hash": self.mail_hash[:8]}
        return str(self.team or self.user)


def hash_of(address: str) -> str:
    """A keyed hash of a mail address. Nobody can test addresses against it without SECRET_KEY."""
    plain = address.strip().casefold()
    return salted_hmac("leaderboard.bans", plain, algorithm="sha256").hexdigest()
