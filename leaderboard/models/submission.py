"""One accepted upload: a fact that never changes, and dated decisions about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from leaderboard.models.competition import Competition
from leaderboard.models.organizers import organized_by
from leaderboard.models.team import Team
from leaderboard.models.user import User
from scoring import formats

if TYPE_CHECKING:
    from leaderboard.models.evaluation import Evaluation


VERDICTS = ("scored", "failed")
UNDER_WAY = ("queued", "running")


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def visible_to(self, user: User) -> SubmissionQuerySet:
        """A team sees its own submissions; organizers see those of their competitions."""
        of_own_teams = Q(team__in=Team.objects.filter(memberships__user_id=user.pk))
        return self.filter(of_own_teams | organized_by(user, competition="competition"))

    def in_the_running(self) -> SubmissionQuerySet:
        """The submissions that are neither withdrawn nor disqualified."""
        return self.filter(withdrawn_at=None, disqualified_at=None)

    def in_state(self, state: str) -> SubmissionQuerySet:
        """The submissions that lists show in this state: that of the evaluation that counts, as
        `Submission.evaluation` chooses it, or a decision."""
        if state == "withdrawn":
            return self.exclude(withdrawn_at=None)
        if state == "disqualified":
            return self.filter(withdrawn_at=None).exclude(disqualified_at=None)
        shown = self.in_the_running()
        if state in VERDICTS:
            evaluations = apps.get_model("leaderboard", "Evaluation")._default_manager
            verdicts = evaluations.filter(submission=OuterRef("pk"), state__in=VERDICTS)
            # Verdicts of the last measuring again come first; among these a score goes before a
            # failure.
            last = verdicts.order_by(F("rescore_id").desc(nulls_last=True), "-state")
            return shown.alias(verdict=Subquery(last.values("state")[:1])).filter(verdict=state)
        stronger = VERDICTS if state in UNDER_WAY else (*VERDICTS, *UNDER_WAY)
        shown = shown.exclude(evaluations__state__in=stronger)
        return shown.filter(evaluations__state=state).distinct()


class Submission(models.Model):
    class Door(models.TextChoices):
        WEB = "web", _("web form")
        API = "api", _("API")

    competition = models.ForeignKey(Competition, models.CASCADE, related_name="submissions")
    team = models.ForeignKey(Team, models.PROTECT, related_name="submissions")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="submissions"
    )
    door = models.CharField(max_length=3, choices=Door)
    note = models.CharField(max_length=200, blank=True)
    branch = models.CharField(
        max_length=200,
        blank=True,
        help_text=_("The branch of the team's repository, as its CI job reports it."),
    )
    file = models.FileField(max_length=200)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    content_sha256 = models.CharField(
        max_length=64,
        help_text="Of the archive's records without debug records: the same model, the same hash.",
    )
    size_bytes = models.BigIntegerField()
    static = models.JSONField(
        default=dict, help_text="The static report: parameters, operators, input."
    )
    format = models.CharField(max_length=20, blank=True, help_text="As in the static report.")
    number_type = models.CharField(
        max_length=60, blank=True, help_text="The narrowest type of the weights, for example int8."
    )
    parameters = models.BigIntegerField(default=0, help_text="As in the static report.")
    structure = models.CharField(
        max_length=64, blank=True, help_text="As in the static report: of the network."
    )
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)
    uploaded_at = models.DateTimeField()
    is_late = models.BooleanField(
        default=False, help_text="Uploaded after the end: scored, and on no board."
    )

    extra = models.ForeignKey(
        "Extra",
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="submissions",
        help_text="The further uploads of the team that it uses; empty: the usual ones.",
    )

    selected_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    disqualified_at = models.DateTimeField(null=True, blank=True)
    disqualified_reason = models.CharField(max_length=300, blank=True)
    reinstated_reason = models.CharField(max_length=300, blank=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        ordering = ["-uploaded_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
                name="one_submission_per_key",
            )
        ]
        indexes = [
            models.Index(fields=["team", "uploaded_at"]),
            models.Index(fields=["-uploaded_at", "-id"], name="submissions_by_upload"),
            models.Index(fields=["competition", "content_sha256"]),
        ]

    def __str__(self) -> str:
        return gettext("#%(number)d by %(team)s") % {"number": self.pk, "team": self.team}

    def get_absolute_url(self) -> str:
        return f"/submissions/{self.pk}/"

    @property
    def format_title(self) -> str:
        """The name of its format for people."""
        return formats.title(self.format)

    @property
    def is_in_the_running(self) -> bool:
        return self.withdrawn_at is None and self.disqualified_at is None

    def with_evaluations(self, evaluations: Sequence[Evaluation]) -> Self:
        """This submission, for which all its evaluations were already read."""
        read = self.evaluations.all()
        read._result_cache = list(evaluations)
        self._prefetched_objects_cache = {"evaluations": read}
        return self

    @property
    def evaluation(self) -> Evaluation:
        """The evaluation that counts: the last one with a score, else the last failure, else the
        one under way, else the last one that ended otherwise.

        Verdicts since the last rescore that measured again go before earlier ones.
        """
        evaluations = sorted(self.evaluations.all(), key=in_order)

        def of(*states: str) -> list[Evaluation]:
            return [one for one in evaluations if one.state in states]

        states = evaluations[0].State
        verdicts = of(states.SCORED, states.FAILED)
        since = max((one.rescore_id or 0 for one in verdicts), default=0)
        verdicts = [one for one in verdicts if (one.rescore_id or 0) == since]
        verdicts = [one for one in verdicts if one.state == states.SCORED] or verdicts
        return (verdicts or of(states.QUEUED, states.RUNNING) or evaluations)[-1]

    @property
    def latest_evaluation(self) -> Evaluation:
        """The evaluation under way, else the one that ended last."""
        return max(self.evaluations.all(), key=in_order)

    @property
    def first_evaluation(self) -> Evaluation:
        """The evaluation of the upload itself. It decides whether the upload uses quota."""
        return min(self.evaluations.all(), key=lambda one: one.pk)


def in_order(evaluation: Evaluation) -> tuple[bool, datetime, int]:
    """The key that sorts evaluations by their end. Those under way come last.

    The order of queueing is another one: while an evaluation waits, a later one of the same content
    may end, and the waiting one shares its result.
    """
    ended_at = evaluation.finished_at or evaluation.queued_at
    return not evaluation.is_finished, ended_at, evaluation.pk
