"""People who ask to take part in a competition, and people whom its organizers invite."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leaderboard.models.competition import Competition


class Application(models.Model):
    """One person asks to take part in one competition. The organizers decide."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        ACCEPTED = "accepted", _("Accepted")
        REFUSED = "refused", _("Refused")

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="applications")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="applications")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    answers = models.JSONField(
        default=list, help_text="Each question of that time with its answer."
    )
    applied_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=300, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["competition", "user"], name="one_application_per_person"
            )
        ]
        indexes = [models.Index(fields=["competition", "state"], name="applications_by_state")]

    def __str__(self) -> str:
        return str(self.user)


class Guest(models.Model):
    """A person whom organizers invite to a competition by a mail address. The code of the link lets
    one account take part."""

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="guests")
    address = models.EmailField(max_length=254)
    code = models.CharField(max_length=43, unique=True)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    invited_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+"
    )
    accepted_at = models.DateTimeField(null=True)
    language = models.CharField(max_length=10, help_text="Of the mail.")
    mail_at = models.DateTimeField(
        null=True, help_text="When it is sent by mail next; empty if it is not to be sent."
    )
    mail_attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint("competition", Lower("address"), name="one_guest_per_address")
        ]
        indexes = [
            models.Index(
                fields=["mail_at"], condition=Q(mail_at__isnull=False), name="guests_to_mail"
            ),
            models.Index(fields=["accepted_by", "competition"], name="guests_by_person"),
        ]

    def __str__(self) -> str:
        return self.address

    def get_absolute_url(self) -> str:
        return f"{self.competition.get_absolute_url()}invitations/{self.code}/"

    @property
    def is_usable(self) -> bool:
        return self.accepted_at is None and timezone.now() < self.expires_at
