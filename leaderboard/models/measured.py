"""What all time ratios of a competition are measured against, and since when."""

from __future__ import annotations

from django.db import models


class Measured(models.Model):
    reference = models.ForeignKey(
        "leaderboard.ReferenceModel",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    calibration = models.ForeignKey(
        "leaderboard.Evaluation",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    measured_since = models.ForeignKey(
        "leaderboard.Rescore",
        models.RESTRICT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        help_text="The last rescore that measured again; empty: all is measured since the opening.",
    )

    class Meta:
        abstract = True
