"""A reference model that a worker trains on the sample for the organizers of a draft."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leaderboard.models.competition import Competition
from scoring import formats

ARCHITECTURES = ("small_resnet", "tiny_cnn", "wide_cnn")
"""Networks that every worker can build. A worker with timm builds those of timm, too."""
MOST_SECONDS = 600
"""A worker measures nothing while it trains, so a training is short."""


def usual_form() -> str:
    """The first row of the table of formats."""
    return formats.forms()[0]


class TrainingQuerySet(models.QuerySet["Training"]):
    def unfinished(self) -> TrainingQuerySet:
        return self.filter(state__in=[Training.State.QUEUED, Training.State.RUNNING])


class Training(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        TRAINED = "trained", _("Trained")
        FAILED = "failed", _("Failed")
        ERROR = "error", _("Error")
        CANCELLED = "cancelled", _("Cancelled")

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="trainings")
    architecture = models.CharField(
        max_length=100, validators=[RegexValidator(r"\A[a-z0-9_.]+\Z")], default=ARCHITECTURES[0]
    )
    form = models.CharField(max_length=30, default=usual_form)
    seconds = models.PositiveSmallIntegerField(
        default=120, validators=[MinValueValidator(10), MaxValueValidator(MOST_SECONDS)]
    )
    seed = models.PositiveIntegerField(default=0)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    claimed_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    said = models.CharField(max_length=500, blank=True, help_text="Why the command failed.")
    quality = models.FloatField(null=True, help_text="Macro-F1 on images that were held out.")
    model = models.BinaryField(
        null=True, help_text="The file, until the site has stored it. Workers only read files."
    )

    objects = TrainingQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["competition"],
                condition=models.Q(state__in=["queued", "running"]),
                name="one_training_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"training {self.pk}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in (Training.State.QUEUED, Training.State.RUNNING)

    @property
    def percent(self) -> float:
        """How much of its time has passed, at most 99 before its end."""
        if self.claimed_at is None:
            return 0.0
        passed = (timezone.now() - self.claimed_at).total_seconds()
        return min(99.0, 100 * passed / self.seconds)
