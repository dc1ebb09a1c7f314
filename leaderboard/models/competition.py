"""A competition: task, formula, dates, limits, and the reference model of all time ratios."""

from __future__ import annotations

import hashlib

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from leaderboard.models.admitting import Admitting
from leaderboard.models.board_rules import BoardRules
from leaderboard.models.dataset import Dataset
from leaderboard.models.dates import Dates
from leaderboard.models.fields import (
    check_above_zero,
    check_formats,
    check_three_numbers,
    every_format,
    imagenet_mean,
    imagenet_std,
)
from leaderboard.models.hardware import HardwareProfile
from leaderboard.models.late import Late
from leaderboard.models.measured import Measured
from leaderboard.models.organizers import organized_by
from leaderboard.models.releases import Released
from leaderboard.models.texts import Texts
from leaderboard.models.tracks import Tracked
from leaderboard.models.user import User
from leaderboard.sentences import said_later
from scoring import formats, formula, job
from scoring.formula import Score
from scoring.quality import metrics

MOST_TIME_WEIGHT = 100.0
"""Boards keep scores below a million. So a model may take 10,000 times as long as the reference."""
TIME_WEIGHTS = [MinValueValidator(0.0), MaxValueValidator(MOST_TIME_WEIGHT)]


class CompetitionQuerySet(models.QuerySet["Competition"]):
    def visible_to(self, user: User | AnonymousUser) -> CompetitionQuerySet:
        """The competitions that a person may know of. Only organizers may know of a draft."""
        is_public = ~Q(state=Competition.State.DRAFT)
        return self.filter(is_public | organized_by(user, competition="pk"))

    def public(self) -> CompetitionQuerySet:
        """The competitions that everybody may know of.

        The API and the size check of uploads ask for these. Both are for participants, so a token
        of an organizer shows no draft there. Organizers see drafts on the pages and in the panel.
        """
        return self.visible_to(AnonymousUser())


def metric_choices() -> list[tuple[str, Promise]]:
    """The metrics a competition may count, by their names in texts."""
    return [(name, said_later(one.label)) for name, one in metrics.METRICS.items()]


class Competition(Texts, Dates, Late, BoardRules, Tracked, Released, Measured, Admitting):
    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        OPEN = "open", pgettext_lazy("state", "Open")
        PAUSED = "paused", _("Paused")
        CLOSED = "closed", _("Closed")
        PUBLISHED = "published", pgettext_lazy("state of a competition", "Published")

    class Dtype(models.TextChoices):
        FLOAT32 = "float32"
        FLOAT16 = "float16"
        UINT8 = "uint8"

    class Interpolation(models.TextChoices):
        NEAREST = "nearest", _("Nearest")
        BILINEAR = "bilinear", _("Bilinear")
        BICUBIC = "bicubic", _("Bicubic")
        BOX = "box", _("Box")
        HAMMING = "hamming", _("Hamming")
        LANCZOS = "lanczos", _("Lanczos")

    class CropMode(models.TextChoices):
        CENTER = "center", _("Center")
        SQUASH = "squash", _("Squash")
        BORDER = "border", _("Border")

    TRANSITIONS = {
        State.DRAFT: {State.OPEN},
        State.OPEN: {State.PAUSED, State.CLOSED},
        State.PAUSED: {State.OPEN, State.CLOSED},
        State.CLOSED: {State.OPEN, State.PUBLISHED},
        State.PUBLISHED: set(),
    }

    # Every score depends on these fields, so they are fixed once a competition has opened.
    SCORING_FIELDS = frozenset(
        {"dataset", "profile", "metric", "time_weight", "k", "quality_ref"}
        | {"input_height", "input_width", "batch_size", "dtype", "mean", "std"}
        | {"interpolation", "crop_pct", "crop_mode"}
    )

    slug = models.SlugField(unique=True)
    title = models.CharField(max_length=120)
    tagline = models.CharField(max_length=200, blank=True)

    state = models.CharField(max_length=10, choices=State, default=State.DRAFT, editable=False)
    pause_message = models.CharField(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    dataset = models.ForeignKey(Dataset, models.PROTECT, null=True, blank=True)
    profile = models.ForeignKey(
        HardwareProfile,
        models.PROTECT,
        verbose_name="hardware profile",
        help_text=_("The kind of machine that measures."),
    )
    submissions_per_day = models.PositiveSmallIntegerField(default=5, help_text=_("For each team."))
    submissions_per_week = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("For each team, from Monday. Empty: no limit.")
    )
    submissions_per_month = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("For each team. Empty: no limit.")
    )
    submissions_in_total = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("For each team. Empty: no limit.")
    )
    final_selections = models.PositiveSmallIntegerField(
        default=2,
        validators=[MinValueValidator(1)],
        help_text=_("The most submissions of a team in the private ranking."),
    )
    max_team_size = models.PositiveSmallIntegerField(default=5, validators=[MinValueValidator(1)])
    max_upload_bytes = models.BigIntegerField("most bytes of an upload", default=500_000_000)
    formats = models.JSONField(default=every_format, validators=[check_formats])

    time_weight = models.FloatField(default=0.5, validators=TIME_WEIGHTS)
    k = models.FloatField("steepness k", default=20.0, validators=[MinValueValidator(0.0)])
    formula_version = models.PositiveSmallIntegerField(default=1, editable=False)
    metric = models.CharField(
        max_length=32,
        choices=metric_choices,
        default="macro_f1",
        help_text=_("How quality is computed from the answers."),
    )
    quality_ref = models.FloatField(
        "reference quality",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=_(
            "If empty, the quality of the reference model on the public split is used. The "
            "calibration measures it, with four decimals."
        ),
    )
    min_quality = models.FloatField(
        "gate",
        default=0.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=_("The lowest quality that gets a rank."),
    )

    input_height = models.PositiveSmallIntegerField(default=224, validators=[MinValueValidator(1)])
    input_width = models.PositiveSmallIntegerField(default=224, validators=[MinValueValidator(1)])
    min_input_size = models.PositiveSmallIntegerField(
        default=16, help_text=_("An upload may declare a size of its own.")
    )
    max_input_size = models.PositiveSmallIntegerField(default=512)
    batch_size = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    dtype = models.CharField(max_length=8, choices=Dtype, default=Dtype.FLOAT32)
    mean = models.JSONField(default=imagenet_mean, validators=[check_three_numbers])
    std = models.JSONField(default=imagenet_std, validators=[check_above_zero])
    interpolation = models.CharField(
        max_length=8, choices=Interpolation, default=Interpolation.BILINEAR
    )
    crop_pct = models.FloatField(
        default=1.0, validators=[MinValueValidator(0.1), MaxValueValidator(2.0)]
    )
    crop_mode = models.CharField(max_length=8, choices=CropMode, default=CropMode.CENTER)

    load_seconds = models.FloatField(
        default=60,
        validators=[MinValueValidator(1)],
        help_text=_("The most seconds to load a model."),
    )
    first_call_seconds = models.FloatField(
        default=30,
        validators=[MinValueValidator(0.1)],
        help_text=_("The most seconds for the first answer of a process. It includes compiling."),
    )
    call_seconds = models.FloatField(
        default=10,
        validators=[MinValueValidator(0.1)],
        help_text=_("The most seconds for any later answer."),
    )
    total_seconds = models.FloatField(
        default=1800,
        validators=[MinValueValidator(1)],
        help_text=_("The most seconds for all processes of a submission together."),
    )
    memory_bytes = models.BigIntegerField(
        default=4 << 30,
        validators=[MinValueValidator(1 << 28)],
        help_text=_("The most bytes of memory for a model's process: 4,294,967,296 is 4 GiB."),
    )
    output_bytes = models.BigIntegerField(
        default=1 << 20,
        validators=[MinValueValidator(64)],
        help_text=_("The most bytes of one answer: 1,048,576 is 1 MiB."),
    )

    objects = CompetitionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"/competitions/{self.slug}/"

    def clean(self) -> None:
        self.check_sizes()
        self.check_output()
        self.check_dates()
        self.check_admission()
        self.check_board_rules()

    def check_sizes(self) -> None:
        sizes = (self.min_input_size, self.input_height, self.input_width, self.max_input_size)
        if None in sizes:  # a field says so itself
            return
        least, height, width, most = sizes
        if not (least <= height <= most and least <= width <= most):
            raise ValidationError(
                gettext(
                    "The input of %(height)d x %(width)d pixels must be between the smallest "
                    "(%(least)d) and the largest (%(most)d) size that an upload may declare. "
                    "Change one of these sizes."
                )
                % {"height": height, "width": width, "least": least, "most": most}
            )

    def check_output(self) -> None:
        """Check that an answer of the right shape is within the limit, also in the widest float
        type."""
        if self.output_bytes is None or self.batch_size is None:
            return
        least = 8 * self.batch_size * len(self.classes)
        if self.output_bytes < least:
            raise ValidationError(
                {
                    "output_bytes": gettext(
                        "%(batch)d x %(classes)d numbers can need %(bytes)s bytes. Allow that many."
                    )
                    % {
                        "batch": self.batch_size,
                        "classes": len(self.classes),
                        "bytes": f"{least:,}",
                    }
                }
            )

    @property
    def frozen_fields(self) -> frozenset[str]:
        """The fields that may no longer be edited in the state of the competition."""
        if self.state == self.State.DRAFT:
            return frozenset()
        final = set()
        if self.is_published:
            final |= {"min_quality", "final_selections", "publishes_at", "tracks"}
            final |= {"freezes_at", "ends_at", "merge_deadline"}
        elif self.is_frozen() or self.thawed_at:
            final.add("freezes_at")
        return self.SCORING_FIELDS | self.FIXED | {"slug", "opens_at"} | final

    @property
    def rules_sha256(self) -> str:
        """A hash that tells one text of the rules from another; empty without rules."""
        text = "\n".join(self.rules.split("\r\n")).strip()  # a form sends other line breaks
        return hashlib.sha256(text.encode()).hexdigest() if text else ""

    @property
    def is_public(self) -> bool:
        return self.state != self.State.DRAFT

    @property
    def is_published(self) -> bool:
        """Whether everybody may see the private board."""
        return self.state == self.State.PUBLISHED

    @property
    def hides_scores(self) -> bool:
        """Whether nobody but the organizers may see a score, a rank or a board now."""
        return self.is_blind and not self.is_published

    @property
    def accepts_uploads(self) -> bool:
        return self.state == self.State.OPEN and not self.has_ended()

    @property
    def classes(self) -> list[str]:
        return self.dataset.classes if self.dataset else []

    @property
    def reference_quality(self) -> float | None:
        """The constant `quality_ref` of the formula: the organizers' own, else the calibrated one.

        The calibrated one has four decimals, as every quality that is told: more would tell counts.
        """
        return self.calibrated_quality if self.quality_ref is None else self.quality_ref

    @property
    def calibrated_quality(self) -> float | None:
        """The quality of the reference that the calibration found; None before a calibration."""
        return self.calibration.calibrated_quality if self.calibration else None

    def seconds_per_image(self, time_ratio: float | None) -> float | None:
        """Seconds that a model takes per image: its time ratio times the pace of the calibration.

        All pages and the API use this rule, so that two models' seconds compare like their time
        ratios. None without a time ratio or a calibration.
        """
        pace = self.calibration.reference_seconds if self.calibration else None
        return None if time_ratio is None or pace is None else time_ratio * pace

    def input_spec(self) -> job.InputSpec:
        return job.InputSpec.from_json(
            {
                "height": self.input_height,
                "width": self.input_width,
                "batch_size": self.batch_size,
                "dtype": self.dtype,
                "mean": self.mean,
                "std": self.std,
                "interpolation": self.interpolation,
                "crop_pct": self.crop_pct,
                "crop_mode": self.crop_mode,
            }
        )

    def format_titles(self) -> str:
        """Names for people of the formats that this competition takes."""
        return formats.titles(self.formats)

    def input_bounds(self) -> job.InputBounds:
        return job.InputBounds(min_size=self.min_input_size, max_size=self.max_input_size)

    def formula(self) -> job.Formula:
        return job.Formula(
            quality_ref=self.reference_quality,
            k=self.k,
            time_weight=self.time_weight,
            min_quality=self.min_quality,
            metric=self.metric,
        )

    @property
    def quality_measure(self) -> metrics.Metric:
        """The row of the competition's metric in the table of metrics."""
        return metrics.METRICS[self.metric]

    def score(
        self, quality: float, time_ratio: float, *, quality_ref: float | None = None
    ) -> Score | None:
        """The score by the constants of today. None if there is no reference quality yet."""
        quality_ref = self.reference_quality if quality_ref is None else quality_ref
        if quality_ref is None:
            return None
        return formula.score(
            quality,
            time_ratio,
            quality_ref=quality_ref,
            k=self.k,
            time_weight=self.time_weight,
        )

    def limits(self) -> job.Limits:
        return job.Limits(
            load_seconds=self.load_seconds,
            first_call_seconds=self.first_call_seconds,
            call_seconds=self.call_seconds,
            total_seconds=self.total_seconds,
            memory_bytes=self.memory_bytes,
            output_bytes=self.output_bytes,
        )
