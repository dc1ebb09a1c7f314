"""Signed files of results, and the keys that they are signed with."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.models.competition import Competition


class SigningKey(models.Model):
    """The public half of a key. The private half of the present one is in a file of the site."""

    public = models.CharField(max_length=64, unique=True, help_text="32 bytes in hex.")
    made_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(
        null=True, help_text="When another key took its place; empty for the present key."
    )

    class Meta:
        ordering = ["-made_at", "-pk"]

    def __str__(self) -> str:
        return self.public


class Snapshot(models.Model):
    """A result as a signed file: made after a publication, as a draft for organizers, or as a
    provisional result of the public board."""

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="snapshots")
    is_final = models.BooleanField(
        default=False, help_text="Of a published board. A draft is for organizers."
    )
    is_provisional = models.BooleanField(
        default=False,
        help_text="Of the public board alone, before the publication. Everybody may have it.",
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    begun_at = models.DateTimeField(null=True, help_text="When a process began to make it.")
    made_at = models.DateTimeField(null=True)
    broke = models.BooleanField(default=False, help_text="It could not be made; see the log.")
    versions = models.CharField(
        max_length=80, blank=True, help_text="Of both boards, for which it is made."
    )
    key = models.ForeignKey(SigningKey, models.PROTECT, null=True, related_name="+")
    file = models.FileField(max_length=200)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the signed contents.")
    size_bytes = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_final=False) | Q(is_provisional=False),
                name="a_provisional_result_is_not_final",
            ),
            models.UniqueConstraint(
                fields=["competition", "versions"],
                condition=Q(is_final=True),
                name="one_snapshot_of_each_result",
            ),
        ]
        indexes = [
            models.Index(
                fields=["asked_at"], condition=Q(made_at=None, broke=False), name="to_be_made"
            )
        ]

    def __str__(self) -> str:
        facts = {"competition": self.competition, "number": self.pk}
        if self.is_final:
            return gettext("Snapshot %(number)d of %(competition)s") % facts
        if self.is_provisional:
            return gettext("Provisional result %(number)d of %(competition)s") % facts
        return gettext("Draft %(number)d of a snapshot of %(competition)s") % facts
