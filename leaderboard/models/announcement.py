"""What organizers announce to everybody who takes part in a competition."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leaderboard.models.competition import Competition


class Announcement(models.Model):
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="announcements")
    title = models.CharField(max_length=120)
    text = models.TextField(help_text=_("Markdown."))
    is_pinned = models.BooleanField(
        default=False, help_text=_("Pinned announcements come first on the overview.")
    )
    announced_at = models.DateTimeField(default=timezone.now, editable=False)
    edited_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-is_pinned", "-announced_at", "-pk"]
        indexes = [
            models.Index(
                fields=["competition", "-is_pinned", "-announced_at", "-id"],
                name="announcements_in_order",
            )
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"{self.competition.get_absolute_url()}announcements/{self.pk}/"
