"""Kinds of machines, and the processes that measure on them."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leaderboard import sentences
from scoring import job

LEAST_WEIGHT, MOST_WEIGHT = 0.1, 10.0
"""Bounds of the weight of a competition in a queue. With wider bounds one could wait for ever."""


class HardwareProfile(models.Model):
    """A kind of machine, its queue, and how precisely time is measured there."""

    class Device(models.TextChoices):
        CPU = "cpu", "CPU"
        CUDA = "cuda", "NVIDIA GPU"

    class Published(models.TextChoices):
        PLAIN = "plain", _("Plain")
        CORRECTED = "corrected", _("Corrected")

    slug = models.SlugField(unique=True, help_text=_("Also the name of the Celery queue."))
    name = models.CharField(max_length=80)
    description = models.TextField(
        blank=True, help_text=_("Shown to participants: processor, cores.")
    )
    device = models.CharField(max_length=8, choices=Device, default=Device.CPU)
    threads = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("Equal for every model. At most the number of cores minus one."),
    )
    min_segments = models.PositiveSmallIntegerField(
        default=3,
        validators=[MinValueValidator(1)],
        help_text=_("The fewest segments. Each segment starts a new pair of processes."),
    )
    min_quads = models.PositiveSmallIntegerField(
        default=16,
        validators=[MinValueValidator(2)],
        help_text=_("The fewest comparisons (quads)."),
    )
    target_half_width = models.FloatField(
        default=0.015,
        validators=[MinValueValidator(0.0)],
        help_text=_("Measuring stops once the 95 % interval is at most ± this share."),
    )
    max_half_width = models.FloatField(
        default=0.03,
        validators=[MinValueValidator(0.0)],
        help_text=_(
            "A wider interval is measured again, unless it is at most ± 0.001 as a time "
            "ratio. 0: every interval is published."
        ),
    )
    max_seconds = models.FloatField(
        default=60,
        validators=[MinValueValidator(1.0)],
        help_text=_("The most seconds of paired measuring."),
    )
    published = models.CharField(
        "published ratio",
        max_length=9,
        choices=Published,
        default=Published.CORRECTED,
        help_text=_("Corrected: the ratio at the calibrated speed of the reference model."),
    )
    canary_every_minutes = models.PositiveIntegerField(
        default=60,
        help_text=_(
            "Minutes between two measurements of the reference model against itself. A "
            "worker also measures at its start. 0: never."
        ),
    )
    canary_band = models.FloatField(
        default=0.02,
        validators=[MinValueValidator(0.0)],
        help_text=_(
            "A worker accepts no work if its canary differs from 1 by more than this share "
            "and by more than three standard errors."
        ),
    )
    max_foreign_load = models.FloatField(
        default=0.5,
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0)],
        help_text=_(
            "A worker accepts no work while other programs use more cores than this. Empty: "
            "no limit."
        ),
    )

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_wide(self) -> bool:
        """Whether this profile also publishes a time with a wide interval. That of the demo
        does."""
        return self.max_half_width == 0

    def plan(self) -> job.Plan:
        return job.Plan(
            device="cuda" if self.device == self.Device.CUDA else "cpu",
            threads=self.threads,
            min_quads=self.min_quads,
            min_segments=self.min_segments,
            target_half_width=self.target_half_width,
            max_half_width=self.max_half_width,
            max_seconds=self.max_seconds,
            published="plain" if self.published == self.Published.PLAIN else "corrected",
        )


class Worker(models.Model):
    """One process on one machine. It runs one evaluation at a time."""

    class State(models.TextChoices):
        READY = "ready", _("Ready")
        SIDELINED = "sidelined", _("Sidelined")

    name = models.CharField(max_length=120, unique=True)
    profile = models.ForeignKey(HardwareProfile, models.CASCADE, related_name="workers")
    fingerprint = models.JSONField(default=dict, blank=True)
    versions = models.JSONField(default=dict, blank=True)
    host = models.JSONField(
        default=dict,
        blank=True,
        help_text="Numbers of its host, measured at its start. Empty: not yet.",
    )
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.READY)
    reason_said = models.JSONField(
        default=list, blank=True, help_text="Sentences: why the worker takes no work."
    )
    canary_due_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("Time of the next self-check. Empty: before the next work."),
    )
    drained_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_(
            "Since when the worker accepts no new work. This ends when somebody resumes the "
            "worker, or when the worker starts again."
        ),
    )

    last_error_at = models.DateTimeField(null=True, blank=True)
    last_error_said = models.JSONField(
        default=list, blank=True, help_text="Sentences: of the last evaluation that broke there."
    )

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def numbers(self) -> job.HostNumbers:
        """The numbers of its host; the defaults before they are measured."""
        try:
            return job.HostNumbers.from_json(self.host)
        except ValueError:  # a worker of another version wrote them
            return job.HostNumbers()

    @property
    def reason(self) -> str:
        """Why the worker takes no work, in the reader's language; empty if it does."""
        return sentences.message(self.reason_said)

    @property
    def last_error(self) -> str:
        """Why the last evaluation on this worker failed by our fault, in the reader's language."""
        return sentences.message(self.last_error_said)


class Canary(models.Model):
    """A worker's measurement of the reference against itself. The expected time ratio is 1."""

    worker = models.ForeignKey(Worker, models.CASCADE, related_name="canaries")
    measured_at = models.DateTimeField()
    time_ratio = models.FloatField(null=True, blank=True)
    half_width = models.FloatField(
        null=True, blank=True, help_text=_("Of the time ratio's 95 % interval.")
    )
    within_error = models.FloatField(
        null=True,
        blank=True,
        help_text="Relative standard error of the time ratio by the canary's own quads.",
    )
    foreign_load = models.FloatField(
        null=True, blank=True, help_text=_("Cores that other programs used during the check.")
    )
    passed = models.BooleanField()
    reason_said = models.JSONField(
        default=list, blank=True, help_text="Sentences: why the canary did not pass."
    )

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "canaries"
        indexes = [
            models.Index(fields=["worker", "-id"], name="canaries_of_a_worker"),
            models.Index(fields=["measured_at"], name="canaries_by_time"),
        ]

    def __str__(self) -> str:
        return gettext("canary %(number)s of %(worker)s") % {
            "number": self.pk,
            "worker": self.worker,
        }

    @property
    def reason(self) -> str:
        """Why the canary did not pass, in the reader's language; empty if it did."""
        return sentences.message(self.reason_said)


class QueueShare(models.Model):
    """How much of a profile's workers a competition gets; without such a row its weight is 1."""

    competition = models.OneToOneField(
        "leaderboard.Competition", models.CASCADE, related_name="share"
    )
    weight = models.FloatField(
        default=1.0, validators=[MinValueValidator(LEAST_WEIGHT), MaxValueValidator(MOST_WEIGHT)]
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(weight__gte=LEAST_WEIGHT, weight__lte=MOST_WEIGHT),
                name="a_share_has_a_sane_weight",
            )
        ]

    def __str__(self) -> str:
        return f"{self.competition}: {self.weight:g}"
