"""Named questions to the table of evaluations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import BooleanField, Count, ExpressionWrapper, Q
from django.db.models.functions import Now

from leaderboard.models.hardware import HardwareProfile
from leaderboard.models.organizers import organized_by
from leaderboard.models.team import Team
from leaderboard.models.user import User

if TYPE_CHECKING:
    from leaderboard.models.evaluation import Evaluation

QUEUE_ORDER = ("team__running", "team__turn", "team__waiting_since", "queued_at", "pk")
"""The order of the uploads that wait for the workers of a hardware profile."""
IS_UPLOAD = ExpressionWrapper(Q(team__isnull=False), output_field=BooleanField())
IS_EXTRA = ExpressionWrapper(Q(why="top_overlap"), output_field=BooleanField())


class EvaluationQuerySet(models.QuerySet["Evaluation"]):
    def visible_to(self, user: User) -> EvaluationQuerySet:
        """A team sees those of its own submissions; organizers see those of their competitions."""
        of_own_teams = Q(team__in=Team.objects.filter(memberships__user_id=user.pk))
        return self.filter(of_own_teams | organized_by(user, competition="competition"))

    def counting(self) -> EvaluationQuerySet:
        """What boards may show: of each submission in the running that was in time, the evaluation
        that counts."""
        return self.filter(
            counts=True,
            submission__withdrawn_at=None,
            submission__disqualified_at=None,
            submission__is_late=False,
        )

    def queued(self, profile: HardwareProfile) -> EvaluationQuerySet:
        """The evaluations that wait for the workers of a profile, the next one first.

        Calibrations stand first, measurements that the service asked for itself stand last. The
        others are uploads: teams take turns (`services.turns`), each with its oldest upload.
        """
        return (
            self.filter(state=self.model.State.QUEUED, profile=profile)
            .alias(is_extra=IS_EXTRA, is_upload=IS_UPLOAD)
            .order_by("is_extra", "is_upload", *QUEUE_ORDER)
        )

    def may_begin(self, profile: HardwareProfile | int) -> EvaluationQuerySet:
        """The waiting evaluations of a profile that a worker may take now.

        An evaluation waits for a while after a fault of ours. It also waits while the same content
        is being measured: equal contents share one time.
        """
        # A subquery that the database evaluates once for a claim. It includes other
        # competitions: their measurements end, too.
        measured = self.model.every.filter(profile=profile, state=self.model.State.RUNNING).exclude(
            content_sha256=""
        )
        return self.filter(
            Q(not_before=None) | Q(not_before__lte=Now()),
            ~Q(content_sha256__in=measured.values("content_sha256")),
        )

    def by_state(self) -> Counter[str]:
        """How many there are in each state."""
        counts = self.order_by().values_list("state").annotate(number=Count("pk"))
        return Counter(dict(counts))

    def cancel(self) -> None:
        """End at once what is unfinished. A worker that runs one of them finds its row changed."""
        state = self.model.State
        self.unfinished().update(
            state=state.CANCELLED, finished_at=Now(), lease_expires_at=None, stage=""
        )

    def unfinished(self) -> EvaluationQuerySet:
        return self.filter(state__in=[self.model.State.QUEUED, self.model.State.RUNNING])


class Shown(models.Manager["Evaluation"]):
    """Without what a rescore measures before it is applied: see `Evaluation.is_hidden`.

    It is the default, so that no page finds a hidden evaluation that does not ask for one.
    """

    def get_queryset(self) -> models.QuerySet[Evaluation]:
        return super().get_queryset().filter(is_hidden=False)


ShownManager = Shown.from_queryset(EvaluationQuerySet)
