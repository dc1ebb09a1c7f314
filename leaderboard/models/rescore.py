"""A rescore: another formula or another measuring for a competition that runs.

It is proposed and previewed, then applied or cancelled.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leaderboard.models.competition import TIME_WEIGHTS, Competition
from leaderboard.models.dataset import Dataset
from leaderboard.models.hardware import HardwareProfile
from leaderboard.models.reference import ReferenceModel
from leaderboard.models.submission import Submission
from leaderboard.models.team import Team
from scoring import formula

FORMULA_FIELDS = ("time_weight", "k", "quality_ref", "min_quality", "only_real_gains")
"""The fields of a competition that a rescore changes."""
MEASURED_FIELDS = ("dataset", "reference", "profile")
"""What a rescore that measures again may change."""
ANY_SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]


@dataclass(frozen=True)
class Rules:
    """The constants that turn measured figures into scores and ranks."""

    time_weight: float
    k: float
    quality_ref: float
    """The constant that the formula uses, also where the calibration gives it."""
    min_quality: float
    only_real_gains: bool

    def score(self, quality: float, time_ratio: float) -> float:
        """A score in six decimals, as the boards keep it."""
        found = formula.score(
            quality,
            time_ratio,
            quality_ref=self.quality_ref,
            k=self.k,
            time_weight=self.time_weight,
        )
        return found.rounded


class RescoreQuerySet(models.QuerySet["Rescore"]):
    def applied(self) -> RescoreQuerySet:
        """The applied rescores. Everybody may know of these."""
        return self.filter(state=Rescore.State.APPLIED)


class Again(models.Model):
    """What a rescore measures again, and by what. All fields are empty if only the formula
    changes."""

    class Scope(models.TextChoices):
        BEST = "best", _("What is ranked: each team's best and selected submissions")
        ALL = "all", _("Every scored submission")

    dataset = models.ForeignKey(Dataset, models.PROTECT, null=True, blank=True, related_name="+")
    reference = models.ForeignKey(
        ReferenceModel, models.PROTECT, null=True, blank=True, related_name="+"
    )
    profile = models.ForeignKey(
        HardwareProfile, models.PROTECT, null=True, blank=True, related_name="+"
    )
    was_dataset = models.ForeignKey(
        Dataset, models.PROTECT, null=True, blank=True, related_name="+"
    )
    was_reference = models.ForeignKey(
        ReferenceModel, models.PROTECT, null=True, blank=True, related_name="+"
    )
    was_profile = models.ForeignKey(
        HardwareProfile, models.PROTECT, null=True, blank=True, related_name="+"
    )
    was_measured_since = models.ForeignKey(
        "self", models.RESTRICT, null=True, blank=True, related_name="+"
    )
    calibration = models.ForeignKey(
        "leaderboard.Evaluation",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Of the reference by the new terms; empty until it is measured.",
    )
    was_calibration = models.ForeignKey(
        "leaderboard.Evaluation", models.PROTECT, null=True, blank=True, related_name="+"
    )
    scope = models.CharField(max_length=4, choices=Scope, default=Scope.BEST)
    keeps_failed = models.BooleanField(
        default=True,
        help_text="Whether a submission that fails in the new measuring keeps its old score.",
    )
    paused_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when workers begin nothing more of it."
    )
    looked_at = models.CharField(
        max_length=32,
        blank=True,
        help_text="The version of the boards for which all submissions were looked for.",
    )

    class Meta:
        abstract = True


class Rescore(Again):
    """A proposed formula or measuring with its preview. Only an applied one is shown to
    participants."""

    class Kind(models.TextChoices):
        FORMULA = "formula", _("Another formula")
        MEASURED = "measured", _("Measured again")

    class State(models.TextChoices):
        MEASURING = "measuring", _("Being measured again")
        PREVIEW = "preview", _("Waiting for a decision")
        APPLIED = "applied", _("Applied")
        CANCELLED = "cancelled", _("Cancelled")

    OPEN = (State.MEASURING, State.PREVIEW)
    """Not decided yet."""

    kind = models.CharField(max_length=8, choices=Kind, default=Kind.FORMULA)
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="rescores")
    state = models.CharField(max_length=10, choices=State, default=State.PREVIEW)
    version = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="The formula's version since it was applied."
    )
    why = models.CharField(max_length=500, help_text="Shown to everybody once it is applied.")

    time_weight = models.FloatField(validators=TIME_WEIGHTS)
    k = models.FloatField(validators=[MinValueValidator(0.0)])
    quality_ref = models.FloatField(
        null=True, blank=True, validators=ANY_SHARE, help_text="Empty: from the calibration."
    )
    min_quality = models.FloatField(validators=ANY_SHARE)
    only_real_gains = models.BooleanField(default=False)

    now_quality_ref = models.FloatField(
        null=True,
        blank=True,
        help_text="The constant that is used after; empty until the calibration gives it.",
    )

    was_time_weight = models.FloatField(help_text="This and the next: the formula before.")
    was_k = models.FloatField()
    was_quality_ref = models.FloatField(help_text="The constant that was used.")
    was_min_quality = models.FloatField()
    was_only_real_gains = models.BooleanField(default=False)

    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    proposed_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = RescoreQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["competition"],
                condition=Q(state__in=["measuring", "preview"]),
                name="one_rescore_waits_for_a_decision",
            ),
            models.UniqueConstraint(
                fields=["competition", "version"], name="one_rescore_makes_a_version"
            ),
            models.CheckConstraint(
                condition=Q(kind="formula", dataset=None, reference=None, profile=None)
                | Q(
                    kind="measured",
                    dataset__isnull=False,
                    reference__isnull=False,
                    profile__isnull=False,
                ),
                name="a_measuring_knows_its_terms",
            ),
        ]

    def __str__(self) -> str:
        facts = {"competition": self.competition, "version": self.version}
        if self.version is None:
            return gettext("rescore of %(competition)s") % facts
        return gettext("rescore of %(competition)s to version %(version)s") % facts

    @property
    def is_measured(self) -> bool:
        """Whether the rescore measures again. Else it uses stored figures."""
        return self.kind == self.Kind.MEASURED

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def before(self) -> Rules:
        return Rules(
            time_weight=self.was_time_weight,
            k=self.was_k,
            quality_ref=self.was_quality_ref,
            min_quality=self.was_min_quality,
            only_real_gains=self.was_only_real_gains,
        )

    @property
    def after(self) -> Rules:
        """Before the calibration by new terms the reference quality is that of before."""
        quality_ref = self.now_quality_ref
        return Rules(
            time_weight=self.time_weight,
            k=self.k,
            quality_ref=self.was_quality_ref if quality_ref is None else quality_ref,
            min_quality=self.min_quality,
            only_real_gains=self.only_real_gains,
        )


class Moved(models.Model):
    """A team's row on a public board just before a rescore, and just after it.

    A team that another one joined later has the rows of both.
    """

    rescore = models.ForeignKey(Rescore, models.CASCADE, related_name="moved")
    board = models.CharField(max_length=40, help_text="Public, or of a track with its slug.")
    team = models.ForeignKey(Team, models.CASCADE, related_name="+")
    entry_id = models.BigIntegerField(help_text="Key of the entry, the last in the board's order.")
    was_submission = models.ForeignKey(Submission, models.CASCADE, related_name="+")
    was_is_ranked = models.BooleanField()
    was_score = models.DecimalField(max_digits=12, decimal_places=6)
    was_score_half_width = models.FloatField()
    was_uploaded_at = models.DateTimeField()
    submission = models.ForeignKey(Submission, models.CASCADE, related_name="+")
    is_ranked = models.BooleanField()
    score = models.DecimalField(max_digits=12, decimal_places=6)
    score_half_width = models.FloatField()
    uploaded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["rescore", "board", "entry_id"], name="one_move_per_entry_and_board"
            )
        ]

    def __str__(self) -> str:
        return f"{self.team} by {self.rescore}"
