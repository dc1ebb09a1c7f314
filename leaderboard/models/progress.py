"""How far a worker is with an evaluation, as far as anybody may know."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

ALMOST_DONE = 99.0
"""Most per cent that are shown before the end."""


class Progress(models.Model):
    """What a worker writes about its progress now and then.

    Between two writes the percentage follows the clock alone, because the pace of a model on hidden
    images must not be visible.
    """

    stage = models.CharField(max_length=40, blank=True)
    percent = models.FloatField(default=0)
    remaining_seconds = models.FloatField(null=True, blank=True)
    noted_at = models.DateTimeField(
        null=True, blank=True, help_text="When the stage's progress was written."
    )

    class Meta:
        abstract = True

    @property
    def percent_by_now(self) -> float:
        """Per cent that are done, by the clock since the last write."""
        if not self.noted_at or not self.remaining_seconds:
            return self.percent
        share = min(1.0, self._seconds_since_noted / self.remaining_seconds)
        return self.percent + share * max(0.0, ALMOST_DONE - self.percent)

    @property
    def remaining_by_now(self) -> float | None:
        """Seconds that are left, by the clock; None once it takes longer than expected."""
        if not self.noted_at or self.remaining_seconds is None:
            return self.remaining_seconds
        left = self.remaining_seconds - self._seconds_since_noted
        return left if left > 0 else None

    @property
    def _seconds_since_noted(self) -> float:
        assert self.noted_at
        return (timezone.now() - self.noted_at).total_seconds()
