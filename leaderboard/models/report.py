"""What one attempt at an evaluation found, apart from the rows that lists read."""

from __future__ import annotations

import logging

from django.db import models

from leaderboard.models.evaluation import Evaluation
from scoring.job import Report

logger = logging.getLogger(__name__)


class StoredReport(models.Model):
    """A `scoring.job.Report` as JSON, for organizers only. Pages read the evaluation's columns."""

    evaluation = models.ForeignKey(Evaluation, models.CASCADE, related_name="reports")
    attempt = models.PositiveSmallIntegerField()
    is_noisy = models.BooleanField(
        default=False, help_text="Too noisy to count; its quads count on."
    )
    measurement_key = models.CharField(
        max_length=64, blank=True, help_text="Of the protocol and the plan it was measured under."
    )
    found = models.JSONField()

    class Meta:
        ordering = ["evaluation_id", "attempt"]
        verbose_name = "report"
        constraints = [
            models.UniqueConstraint(fields=["evaluation", "attempt"], name="one_report_per_attempt")
        ]

    def __str__(self) -> str:
        return f"report of attempt {self.attempt} at evaluation {self.evaluation_id}"

    def read(self) -> Report | None:
        """The report. None if another version of the service wrote it in a form that this version
        cannot read."""
        try:
            return Report.from_json(self.found)
        except ValueError as error:
            logger.warning("The %s cannot be read: %s", self, error)
            return None
