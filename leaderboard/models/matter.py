"""What operators were told, so that each matter is told once."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Matter(models.Model):
    """Something that a check of `services.health` found. The row is deleted when the matter is
    over."""

    check_name = models.CharField(max_length=30)
    about = models.CharField(
        max_length=120, blank=True, help_text="Of several things that the check looks at, which."
    )
    since = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["check_name", "about"], name="one_row_per_matter")
        ]

    def __str__(self) -> str:
        return f"{self.check_name} {self.about}".strip()
