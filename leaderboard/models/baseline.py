"""A named model of the organizers that stands on the boards without a rank."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from leaderboard.models.competition import Competition
from leaderboard.models.reference import OrganizersModel


class Baseline(OrganizersModel):
    """It is measured like a submission. It has no team, no quota and no entry."""

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="baselines")
    name = models.CharField(
        max_length=120, help_text=_("For example MobileNetV3, ImageNet weights.")
    )
    is_released = models.BooleanField(
        default=False, help_text=_("Everybody who sees the board can download its file.")
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["competition", "name"], name="one_baseline_of_a_name")
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return f"/competitions/{self.competition.slug}/baselines/{self.pk}/"
