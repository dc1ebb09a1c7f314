"""Which evaluations count for a team: its best or last one on the public board, and the best of its
finals on the private board.

They are read from an index. Only a rescore reads all evaluations of a team.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone

from leaderboard.models import Competition, Evaluation, Rescore, Team
from leaderboard.models.evaluations import EvaluationQuerySet
from leaderboard.models.rescore import Rules
from leaderboard.services import formulas, gains, statements

PUBLIC_ORDER = ("score_public", "submission__uploaded_at", "submission_id")
LAST_FIRST = ("-submission__uploaded_at", "-submission_id")
LATEST = [F("submission__uploaded_at").desc(), F("submission_id").desc()]
"""The same for a window."""
ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)
"""Later than any upload."""


@dataclass(frozen=True, slots=True)
class Counting:
    """An evaluation that counts, in the columns from which entries are made."""

    evaluation_id: int
    submission_id: int
    team_id: int
    uploaded_at: datetime
    selected_at: datetime | None
    score_public: float
    score_private: float
    quality_public: float
    quality_private: float
    time_ratio: float
    half_width: float
    format: str
    number_type: str
    parameters: int
    size_bytes: int
    macs: int | None
    memory_bytes: int | None
    verification: str | None


def leaders(
    competition: Competition,
    teams: Collection[int],
    *,
    min_quality: float,
) -> dict[int, Counting]:
    """Each team's evaluation on the public board: the best one that passes the gate, else the best
    one.

    If only real gains move the board, it is the best of the real gains, if there are any. If the
    last one counts, it is the last one that passes the gate, else the last one. On a board with a
    freeze only uploads before the freeze count.
    """
    if competition.last_counts:
        last = lasting(list(teams), min_quality, competition.counts_until or ALWAYS)
        return {one.team_id: one for one in map(read, last)}
    least = gains.REAL if competition.only_real_gains else gains.ANY
    if until := competition.counts_until:
        found = leading_until(list(teams), min_quality, least, until)
    else:
        found = leading(list(teams), min_quality, least)
    return {one.team_id: one for one in map(read, found)}


def thawed(competition: Competition) -> Competition:
    """A competition once its public board goes on after a freeze. It is never saved."""
    coming = copy.copy(competition)
    coming.thawed_at = timezone.now()
    return coming


def leaders_in(
    competition: Competition, teams: Collection[int], min_quality: float, which: Q
) -> dict[int, Counting]:
    """The leaders among some uploads alone, by the same rules."""
    until = competition.counts_until or ALWAYS
    counts = Evaluation.objects.counting().filter(which, submission__uploaded_at__lt=until)
    if competition.last_counts:
        found = last_of(counts, list(teams), min_quality)
    else:
        least = gains.REAL if competition.only_real_gains else gains.ANY
        found = best_of(counts, list(teams), min_quality, least)
    return {one.team_id: one for one in map(read, found)}


@statements.prepared
def lasting(teams: list[int], min_quality: float, until: datetime) -> QuerySet[Evaluation, Any]:
    counts = Evaluation.objects.counting().filter(submission__uploaded_at__lt=until)
    return last_of(counts, teams, min_quality)


def last_of(
    counts: EvaluationQuerySet, teams: list[int], min_quality: float
) -> QuerySet[Evaluation, Any]:
    of_team = counts.filter(team=OuterRef("pk")).order_by(*LAST_FIRST)
    passing = of_team.filter(quality_public__gte=min_quality)
    last = Coalesce(*(Subquery(one.values("pk")[:1]) for one in (passing, of_team)))
    return columns(Team.objects.filter(pk__in=teams).order_by().annotate(last=last).values("last"))


@statements.prepared
def leading(teams: list[int], min_quality: float, least: float) -> QuerySet[Evaluation, Any]:
    return best_of(Evaluation.objects.counting(), teams, min_quality, least)


@statements.prepared
def leading_until(
    teams: list[int], min_quality: float, least: float, until: datetime
) -> QuerySet[Evaluation, Any]:
    counts = Evaluation.objects.counting().filter(submission__uploaded_at__lt=until)
    return best_of(counts, teams, min_quality, least)


def best_of(
    counts: EvaluationQuerySet, teams: list[int], min_quality: float, least: float
) -> QuerySet[Evaluation, Any]:
    of_team = counts.filter(team=OuterRef("pk")).order_by(*PUBLIC_ORDER)
    passing = of_team.filter(quality_public__gte=min_quality)
    steps = passing.filter(Q(gain=None) | Q(gain__gt=least))
    best = Coalesce(*(Subquery(one.values("pk")[:1]) for one in (steps, passing, of_team)))
    return columns(Team.objects.filter(pk__in=teams).order_by().annotate(best=best).values("best"))


def leaders_under(
    coming: Competition, rescore: Rescore, teams: Collection[int], which: Q | None = None
) -> dict[int, Counting]:
    """The leaders after a rescore among some uploads, with their scores by it."""
    rules, order = formulas.of(coming), last_first if coming.last_counts else best_first
    counts = Evaluation.objects.counting().filter(team__in=teams)
    if rescore.is_measured:
        counts = by_measuring(rescore, teams)
    counts = counts.filter(which or Q())
    if coming.counts_until:
        counts = counts.filter(submission__uploaded_at__lt=coming.counts_until)
    if rescore.is_measured:
        return leaders_by(rules, counts, lambda one: one.score_public, order)
    return leaders_by(
        rules, counts, lambda one: rules.score(one.quality_public, one.time_ratio), order
    )


def by_measuring(rescore: Rescore, teams: Collection[int]) -> EvaluationQuerySet:
    """What would count after a rescore that measures again: its scores, and the old score of a
    submission that has none there."""
    tried = Evaluation.every.filter(
        rescore=rescore, is_hidden=True, submission=OuterRef("submission")
    )
    verdicts = [Evaluation.State.SCORED]
    if not rescore.keeps_failed:
        verdicts.append(Evaluation.State.FAILED)
    without = Q(Exists(tried), ~Exists(tried.filter(state__in=verdicts)))
    measured = Q(rescore=rescore, is_hidden=True, state=Evaluation.State.SCORED)
    return Evaluation.every.filter(
        measured | (Q(counts=True) & without),
        submission__team__in=teams,
        submission__withdrawn_at=None,
        submission__disqualified_at=None,
        submission__is_late=False,
    )


Order = tuple[float, datetime | float, int]


def best_first(evaluation: Counting, score: float) -> Order:
    return score, evaluation.uploaded_at, evaluation.submission_id


def last_first(evaluation: Counting, score: float) -> Order:
    return -evaluation.uploaded_at.timestamp(), 0.0, -evaluation.submission_id


def leaders_by(
    rules: Rules,
    counts: EvaluationQuerySet,
    scored: Callable[[Counting], float],
    ordered: Callable[[Counting, float], Order],
) -> dict[int, Counting]:
    """The leaders among what counts, by other scores.

    The index has the scores of today only. So all that counts of the teams is read.
    """
    is_slowed = rules.only_real_gains and ordered is best_first
    small = Q(gain__lte=gains.REAL) if is_slowed else Q(pk__in=[])
    held = set(counts.filter(small).values_list("pk", flat=True))

    best: dict[int, tuple[tuple[bool, bool, Order], float, Counting]] = {}
    for one in map(read, columns(counts.values("pk"))):
        is_below = one.quality_public < rules.min_quality
        is_held = one.evaluation_id in held and not is_below
        score = scored(one)
        order = is_below, is_held, ordered(one, score)
        if one.team_id not in best or order < best[one.team_id][0]:
            best[one.team_id] = order, score, one
    return {team: replace(one, score_public=score) for team, (_, score, one) in best.items()}


def finals(
    competition: Competition, teams: Collection[int], which: Q | None = None
) -> dict[int, list[Counting]]:
    """The evaluations that count on the private board, by team: the selected ones, else the first
    ones by the rule of the public board."""
    place = Window(
        RowNumber(),
        partition_by="team",
        order_by=[
            Case(When(submission__selected_at=None, then=Value(1)), default=Value(0)),
            Case(
                When(quality_public__gte=competition.min_quality, then=Value(0)), default=Value(1)
            ),
            *(LATEST if competition.last_counts else PUBLIC_ORDER),
        ],
    )
    counts = Evaluation.objects.counting().filter(which or Q(), team__in=teams)
    placed = counts.order_by().annotate(place=place)
    found: dict[int, list[Counting]] = {}
    final = placed.filter(place__lte=competition.final_selections)
    for one in map(read, columns(final.values("pk"))):
        found.setdefault(one.team_id, []).append(one)
    return {team: [one for one in some if one.selected_at] or some for team, some in found.items()}


def winners(
    competition: Competition, teams: Collection[int], which: Q | None = None
) -> dict[int, Counting]:
    """Each team's evaluation on the private board: the best of its finals."""

    def order(one: Counting) -> tuple[object, ...]:
        is_below = one.quality_private < competition.min_quality
        return is_below, one.score_private, one.uploaded_at, one.submission_id

    return {team: min(some, key=order) for team, some in finals(competition, teams, which).items()}


def columns(keys: QuerySet[Any, Any]) -> QuerySet[Evaluation, Any]:
    """The columns of `Counting` for some evaluations. Whole model instances take longer to make."""
    return (
        Evaluation.every.filter(pk__in=keys)
        .order_by()
        .values_list(
            "pk",
            "submission_id",
            "submission__team_id",
            "submission__uploaded_at",
            "submission__selected_at",
            "score_public",
            "score_private",
            "quality_public",
            "quality_private",
            "time_ratio",
            "half_width",
            "submission__format",
            "submission__number_type",
            "submission__parameters",
            "submission__size_bytes",
            "macs",
            "memory_bytes",
            "submission__team__verification__state",
        )
    )


def read(row: tuple[Any, ...]) -> Counting:
    """What counts has all figures."""
    return Counting(*row)
