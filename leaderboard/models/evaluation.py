"""One attempt to score one submission on one worker. No other row has a state that moves."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.expressions import BaseExpression
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leaderboard.models.answers import Answers
from leaderboard.models.baseline import Baseline
from leaderboard.models.competition import Competition
from leaderboard.models.dataset import Dataset
from leaderboard.models.evaluations import EvaluationQuerySet, ShownManager
from leaderboard.models.hardware import HardwareProfile, Worker
from leaderboard.models.progress import Progress
from leaderboard.models.reference import ReferenceModel
from leaderboard.models.result import Result
from leaderboard.models.submission import Submission
from leaderboard.models.team import Team
from scoring import formula
from scoring.job import DryRun, Report, Timing

DOING = {
    "wait": _("waiting until another evaluation on this machine ends"),
    "check": _("checking the file"),
    "images": _("preparing the images"),
    "start": _("starting the sandbox"),
    "dry run": _("testing the model on a few images"),
    "reference": _("running the reference model"),
    "measure": _("measuring the time"),
    "score": _("computing the score"),
}
"""The engine's stages in plain words."""
MAX_FAULTS = 3
"""Attempts that may end by a fault of ours before the evaluation ends as ERROR."""


class Stale(Exception):
    """The row changed meanwhile: another worker has the evaluation, or it was cancelled."""


class Evaluation(Progress, Result):
    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        SCORED = "scored", _("Scored")
        FAILED = "failed", _("Failed")
        ERROR = "error", _("Error")
        CANCELLED = "cancelled", _("Cancelled")

    class Kind(models.TextChoices):
        SUBMISSION = "submission", _("Submission")
        CALIBRATION = "calibration", _("Calibration")
        BASELINE = "baseline", _("Baseline")

    class Why(models.TextChoices):
        FIRST = "first", _("first measurement")
        REQUESTED = "requested", _("measured again at an organizer's request")
        TOP_OVERLAP = "top_overlap", _("measured again because the top of the board is tied")
        SHARED = "shared", _("the same model was measured again")
        RESCORE = "rescore", _("measured again for a rescore")

    # FAILED: the team's fault. ERROR: our fault. RUNNING to QUEUED: a worker went away.
    TRANSITIONS = {
        State.QUEUED: {State.RUNNING, State.CANCELLED},
        State.RUNNING: {State.SCORED, State.FAILED, State.ERROR, State.QUEUED, State.CANCELLED},
        State.SCORED: set(),
        State.FAILED: set(),
        State.ERROR: set(),
        State.CANCELLED: set(),
    }

    kind = models.CharField(max_length=12, choices=Kind, default=Kind.SUBMISSION)
    competition = models.ForeignKey(Competition, models.CASCADE, related_name="evaluations")
    submission = models.ForeignKey(
        Submission, models.CASCADE, null=True, blank=True, related_name="evaluations"
    )
    baseline = models.ForeignKey(
        Baseline, models.CASCADE, null=True, blank=True, related_name="evaluations"
    )
    team = models.ForeignKey(
        Team,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="The submission's, so that the queue is read without its history.",
    )
    content_sha256 = models.CharField(
        max_length=64, blank=True, help_text="The submission's, for the same reason."
    )
    reference = models.ForeignKey(ReferenceModel, models.PROTECT, related_name="evaluations")
    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="+")
    profile = models.ForeignKey(HardwareProfile, models.PROTECT, related_name="evaluations")

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    attempt = models.PositiveSmallIntegerField(default=0, help_text="The fencing token.")
    faults = models.PositiveSmallIntegerField(
        default=0, help_text="Attempts that ended by our fault."
    )
    worker = models.ForeignKey(Worker, models.SET_NULL, null=True, blank=True, related_name="+")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField()
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="No worker takes it before: the attempt before broke."
    )
    claimed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    why = models.CharField(
        max_length=12, choices=Why, default=Why.FIRST, help_text=_("Why the evaluation was queued.")
    )
    request_id = models.CharField(
        max_length=36, blank=True, help_text="Of the request that queued it, as logs have it."
    )
    measurement_key = models.CharField(max_length=64, blank=True, db_index=True)
    measured_by = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The evaluation of the same content whose measurement this one shares.",
    )
    answers = models.ForeignKey(
        Answers,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="evaluations",
        help_text="Of the content; those of its last measurement.",
    )
    measurements = models.PositiveSmallIntegerField(
        default=1, help_text="How many measurements of the same content are pooled in the time."
    )
    counts = models.BooleanField(
        default=False, help_text="Whether it is its submission's last to end with a score."
    )
    rescore = models.ForeignKey(
        "Rescore",
        models.RESTRICT,
        null=True,
        blank=True,
        related_name="evaluations",
        help_text="Since which all is measured by its data, reference and machine; empty: since "
        "the opening.",
    )
    is_hidden = models.BooleanField(
        default=False,
        help_text="Measured for a rescore that is not applied. It has no team, takes no turn of "
        "one, and no page of a participant shows it.",
    )
    objects = ShownManager()
    every = EvaluationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="calibration", submission=None, baseline=None)
                | Q(kind="submission", submission__isnull=False, baseline=None)
                | Q(kind="baseline", submission=None, baseline__isnull=False, team=None),
                name="each_kind_has_its_model",
            ),
            models.CheckConstraint(
                condition=~Q(state="scored")
                | Q(score_public__isnull=False, time_ratio__isnull=False),
                name="scored_has_a_score",
            ),
            models.UniqueConstraint(
                fields=["submission"],
                condition=Q(state__in=["queued", "running"], is_hidden=False),
                name="one_unfinished_evaluation",
            ),
            models.UniqueConstraint(
                fields=["baseline"],
                condition=Q(state__in=["queued", "running"]),
                name="one_unfinished_of_a_baseline",
            ),
            models.UniqueConstraint(
                fields=["rescore", "submission"],
                condition=Q(state__in=["queued", "running", "scored"], is_hidden=True),
                name="one_measuring_for_a_rescore",
            ),
            models.CheckConstraint(
                condition=Q(is_hidden=False) | Q(team=None, counts=False, rescore__isnull=False),
                name="what_is_hidden_counts_nowhere",
            ),
            models.UniqueConstraint(
                fields=["submission"], condition=Q(counts=True), name="one_evaluation_counts"
            ),
        ]
        indexes = [
            models.Index(fields=["profile", "queued_at"], condition=Q(state="queued"), name="line"),
            models.Index(
                fields=["team", "score_public"],
                condition=Q(counts=True),
                name="what_counts_of_a_team",
            ),
            models.Index(
                fields=["competition", "team"],
                condition=Q(counts=True, gain__gt=0, gain__lte=1),
                name="steps_below_noise",
            ),
            models.Index(
                fields=["team", "state", "queued_at"],
                condition=Q(state__in=["queued", "running"]),
                name="under_way",
            ),
            models.Index(
                fields=["competition", "-id"],
                condition=Q(kind="calibration"),
                name="calibrations",
            ),
            models.Index(
                fields=["rescore", "state"], condition=Q(is_hidden=True), name="hidden_measurings"
            ),
            models.Index(fields=["finished_at"], condition=Q(state="error"), name="our_faults"),
            models.Index(
                fields=["finished_at"], condition=Q(isolation__is_weak=True), name="weakly_isolated"
            ),
            models.Index(fields=["lease_expires_at"], condition=Q(state="running"), name="leases"),
            models.Index(
                fields=["profile", "content_sha256"],
                condition=Q(state="running"),
                name="being_measured",
            ),
            models.Index(
                fields=["profile", "-finished_at"],
                condition=Q(state__in=["scored", "failed"], measured_by=None),
                name="measured_lately",
            ),
        ]

    def __str__(self) -> str:
        facts = {
            "number": self.pk,
            "submission": self.submission_id,
            "state": self.get_state_display().lower(),
        }
        if self.submission_id:
            sentence = gettext("evaluation %(number)s of submission %(submission)s (%(state)s)")
        elif self.baseline_id:
            sentence = gettext("evaluation %(number)s of a baseline (%(state)s)")
        else:
            sentence = gettext("evaluation %(number)s, a calibration (%(state)s)")
        return sentence % facts

    @property
    def model(self) -> Submission | Baseline | None:
        """What is measured beside the reference; None for a calibration."""
        return self.submission or self.baseline

    @property
    def is_finished(self) -> bool:
        return not self.TRANSITIONS[self.State(self.state)]

    @property
    def doing(self) -> str:
        """What the worker does now, in plain words; empty if no worker has the evaluation."""
        is_running = self.state == self.State.RUNNING
        return str(DOING.get(self.stage, _("starting"))) if is_running else ""

    @property
    def is_silent(self) -> bool:
        """Whether half of the lease has passed without a renewal. Workers renew it after each
        quarter."""
        heard_until = timezone.now() + settings.LEASE / 2
        return bool(self.lease_expires_at and self.lease_expires_at < heard_until)

    def report(self) -> Report | None:
        """All that the last measuring found, for organizers only; None before there is a report.

        Each row reads its own report from the database, once. So no list may ask for reports.
        """
        return self._report

    @cached_property
    def _report(self) -> Report | None:
        ended = self.attempt - (self.state == self.State.RUNNING)  # attempts that may have a report
        if not self.is_finished and not ended:
            return None
        last = self.reports.filter(measurement_key=self.measurement_key).order_by("attempt").last()
        return last.read() if last else None

    @property
    def timing(self) -> Timing | None:
        """The report's part about time."""
        report = self.report()
        return report.timing if report else None

    @property
    def is_measured(self) -> bool:
        """Whether there are quads of this evaluation to show."""
        return self.timing is not None

    @property
    def protocol(self) -> int:
        """The version of the measuring; 0 without a report."""
        report = self.report()
        return int(report.versions.get("protocol", 0)) if report else 0

    @property
    def is_repeat(self) -> bool:
        """Whether it is measured even if the same content was measured before."""
        return self.why in {self.Why.REQUESTED, self.Why.TOP_OVERLAP}

    @property
    def score_half_width(self) -> float | None:
        """Half of the 95 % interval of both scores. Quality on fixed images has no noise."""
        if self.half_width is None:
            return None
        return formula.half_width(self.half_width, self.competition.time_weight)

    @property
    def seconds_per_image(self) -> float | None:
        """Seconds per image at the pace of the calibration."""
        return self.competition.seconds_per_image(self.time_ratio)

    @property
    def seconds_half_width(self) -> float | None:
        return self.competition.seconds_per_image(self.half_width)

    @property
    def dry_run(self) -> DryRun | None:
        """The try on images of the sample; what the model printed there is for its team."""
        report = self.report()
        return report.dry_run if report else None

    def move_to(self, state: str, **fields: Any) -> None:
        """Change the state by compare-and-swap on state and attempt.

        A field may be an expression, such as the database's `Now()`. Raises `Stale` and changes
        nothing if the row is no longer in this state and attempt. Raises `ValueError` for a move
        that `TRANSITIONS` does not have.
        """
        if state not in self.TRANSITIONS[self.State(self.state)]:
            raise ValueError(f"An evaluation cannot go from {self.state} to {state}.")
        self._swap(state=state, **fields)

    def note(self, **fields: Any) -> None:
        """Write fields of a running evaluation, such as its progress. Raises `Stale` like
        `move_to`."""
        self._swap(**fields)

    def _swap(self, **fields: Any) -> None:
        rows = Evaluation.every.filter(pk=self.pk, state=self.state, attempt=self.attempt)
        if not rows.update(**fields):
            raise Stale(
                f"Evaluation {self.pk} is no longer {self.state} in attempt {self.attempt}."
            )
        for name, value in fields.items():
            if isinstance(value, BaseExpression):  # only the database knows the value
                self.__dict__.pop(name, None)
            else:
                setattr(self, name, value)
