"""The result of an evaluation, in the columns that lists and boards read."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from django.db import models

from leaderboard import sentences
from leaderboard.rounding import QUALITY_DECIMALS


@dataclass(frozen=True)
class Figures:
    """The figures of a scored evaluation; seconds are per image."""

    quality_public: float
    quality_private: float
    time_ratio: float
    half_width: float
    submission_seconds: float
    reference_seconds: float
    score_public: float
    score_private: float


CONCEALED = (
    *(one.name for one in dataclasses.fields(Figures)),
    *("quality_ref", "gain", "f1_by_class", "remaining_seconds"),
)
"""What tells how good or how fast a model is, and how long its measuring still takes."""


class Result(models.Model):
    """Figures of a scored evaluation, reasons for a missing score, and the isolation."""

    quality_public = models.FloatField(null=True, blank=True)
    quality_private = models.FloatField(null=True, blank=True)
    quality_ref = models.FloatField(null=True, blank=True)
    time_ratio = models.FloatField(null=True, blank=True)
    half_width = models.FloatField(
        null=True, blank=True, help_text="Half-width of the time ratio's 95 % interval."
    )
    submission_seconds = models.FloatField(
        null=True, blank=True, help_text="Per image, as measured."
    )
    reference_seconds = models.FloatField(
        null=True,
        blank=True,
        help_text="Per image, as measured. All times are shown relative to the calibration's "
        "value.",
    )
    score_public = models.FloatField(null=True, blank=True)
    score_private = models.FloatField(null=True, blank=True)
    macs = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="Multiplications with additions for one image; empty where they are not counted.",
    )
    memory_bytes = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="The most memory that the model added to its process in the dry run.",
    )
    gain = models.FloatField(
        null=True,
        blank=True,
        help_text="How far the public score was better than the team's entry, in standard errors "
        "of the difference; empty where there was no entry. For organizers only.",
    )
    f1_by_class = models.JSONField(
        null=True, blank=True, help_text="F1 of each class on the public split."
    )
    isolation = models.JSONField(
        null=True, blank=True, help_text="The layers of the sandbox in force."
    )
    failure_code = models.CharField(max_length=40, blank=True)
    failure_said = models.JSONField(
        default=list, blank=True, help_text="Sentences for the team: templates and facts."
    )
    error_code = models.CharField(max_length=40, blank=True)
    error_said = models.JSONField(
        default=list, blank=True, help_text="Sentences for organizers only."
    )

    class Meta:
        abstract = True

    @property
    def failure_message(self) -> str:
        """Why the model failed, in the reader's language; for its team."""
        return sentences.message(self.failure_said)

    @property
    def error_message(self) -> str:
        """The service's error, in the reader's language; for organizers only."""
        return sentences.message(self.error_said)

    @property
    def is_weakly_isolated(self) -> bool:
        """Whether the models ran with less isolation than a real competition requires."""
        return bool(self.isolation and self.isolation["is_weak"])

    @property
    def calibrated_quality(self) -> float | None:
        """The reference's quality that a calibration found, in the decimals that are told."""
        return None if self.quality_ref is None else round(self.quality_ref, QUALITY_DECIMALS)

    def conceal(self) -> None:
        """Forget the figures, in memory alone.

        For readers who may know only that the model was measured. The row must not be saved
        afterwards.
        """
        for name in CONCEALED:
            setattr(self, name, None)

    def figures(self) -> Figures:
        """The figures of a scored evaluation. Raises `ValueError` for any other."""
        measured = [getattr(self, one.name) for one in dataclasses.fields(Figures)]
        if None in measured:
            raise ValueError(f"{self} has no figures.")
        return Figures(*measured)
