"""Once a rescore is applied, the evaluations of teams follow the board, batch by batch."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, Value, When

from leaderboard.models import Competition, Evaluation, Rescore, Submission
from leaderboard.services import formulas

State = Evaluation.State


def follow(rescore: Rescore, competition: Competition, teams: Collection[int]) -> None:
    """Let all evaluations of locked teams be as the rescore says."""
    if rescore.is_measured:
        reveal(rescore, teams)
    else:
        formulas.follow(competition, teams)


def reveal(rescore: Rescore, teams: Collection[int]) -> None:
    """Show and count what was measured for a rescore; nothing measured before counts any more.

    A submission without a new verdict keeps its old score (`Rescore.keeps_failed`).
    """
    shown = new_verdicts(rescore).filter(submission__team__in=teams)
    kept = Evaluation.every.filter(
        rescore=rescore, is_hidden=True, submission=OuterRef("submission")
    )
    before = Evaluation.objects.filter(counts=True, team__in=teams).exclude(rescore=rescore)
    before = before.exclude(Exists(kept) & ~Exists(shown.filter(submission=OuterRef("submission"))))
    before.update(counts=False)
    of = Submission.objects.filter(pk=OuterRef("submission"))
    counts_already = Evaluation.objects.filter(submission=OuterRef("submission"), counts=True)
    shown.update(
        is_hidden=False,
        team=Subquery(of.values("team")),
        content_sha256=Subquery(of.values("content_sha256")),
        counts=Case(
            When(Q(state=State.SCORED) & ~Exists(counts_already), then=Value(True)),
            default=Value(False),
        ),
    )


def new_verdicts(rescore: Rescore) -> QuerySet[Evaluation]:
    """The scores of a rescore, and its failures where these are to be told."""
    hidden = Evaluation.every.filter(rescore=rescore, is_hidden=True, submission__isnull=False)
    scored = hidden.filter(state=State.SCORED)
    if rescore.keeps_failed:
        return scored
    same = hidden.filter(submission=OuterRef("submission"))
    last = ~Exists(same.filter(Q(pk__gt=OuterRef("pk")) | Q(state=State.SCORED)))
    return hidden.filter(Q(state=State.SCORED) | (Q(state=State.FAILED) & last))
