"""Who organizes one competition, besides the operators of the site."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Role(models.Model):
    """What a person may do in one competition. It gives no right on the rest of the site."""

    class Kind(models.TextChoices):
        OWNER = "owner", _("Owner")
        ORGANIZER = "organizer", _("Organizer")
        VIEWER = "viewer", _("Viewer")

    ACTING = (Kind.OWNER, Kind.ORGANIZER)
    """The roles that may change something. A viewer reads."""

    competition = models.ForeignKey("Competition", models.CASCADE, related_name="roles")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="roles")
    kind = models.CharField(
        max_length=10,
        choices=Kind,
        help_text=_(
            "An owner also gives roles. An organizer runs the competition. A viewer sees what "
            "organizers see, and changes nothing."
        ),
    )
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", editable=False
    )
    given_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["competition", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["competition", "user"], name="one_role_per_person")
        ]

    def __str__(self) -> str:
        return str(self.user)
