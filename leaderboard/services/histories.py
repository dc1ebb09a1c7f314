"""How the public scores of teams fell over time.

The figures are those that count today, or those that counted in an era.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Min, Q, RowRange, Window

from leaderboard.models import Competition, Evaluation, Team
from leaderboard.models.evaluations import EvaluationQuerySet
from leaderboard.services import eras, gains
from leaderboard.services.eras import EVERY, Era
from scoring import formula

MOST = 2_000
"""Most submissions of a team that are read, the first ones. No quota allows so many."""
LOWEST = Window(
    Min("score_public"),
    partition_by="team",
    order_by=["submission__uploaded_at", "submission"],
    frame=RowRange(start=None, end=0),
)
"""The team's best score up to an upload. `Evaluation.gain` cannot tell it: a withdrawal or another
formula makes a step of an upload that was none."""


@dataclass(frozen=True, slots=True)
class Step:
    """A submission that was better than all submissions of its team before it.

    If the last submission counts, each one that passes the gate is a step.
    """

    uploaded_at: datetime
    score: float
    half_width: float
    evaluation: int
    """The evaluation that counts, or counted in its era."""


Steps = dict[int, list[Step]]
"""By team, the oldest first."""


def steps(team: Team) -> list[Step]:
    """The submissions that each were the team's best, the oldest first.

    Others stay the team's own business: no board ever showed them. None where scores are hidden.
    """
    if team.competition.hides_scores:
        return []
    return of_teams(team.competition, [team.pk], most=MOST).get(team.pk, [])


def of_teams(
    competition: Competition, teams: Collection[int], *, most: int, which: Q = EVERY
) -> Steps:
    """The steps of some teams, from the first `most` submissions of all of them. `which`: the
    evaluations that count, for a track."""
    counting = passing(competition).filter(which, team__in=teams)
    if not competition.last_counts:
        counting = counting.annotate(lowest=LOWEST).filter(score_public=F("lowest"))
    columns = "team", "submission__uploaded_at", "score_public", "half_width", "pk"
    rows = counting.order_by("submission__uploaded_at", "submission").values_list(*columns)
    return collected(
        competition,
        (
            (team, step_of(at, score, half or 0.0, competition.time_weight, key))
            for team, at, score, half, key in rows[:most]
        ),
    )


def in_era(
    competition: Competition, era: Era, teams: Collection[int], *, most: int, which: Q = EVERY
) -> Steps:
    """The steps of some teams by the formula and the figures of an earlier era."""
    rules = era.rules
    kept = era.kept or rules
    return collected(
        competition,
        (
            (
                one.team,
                step_of(
                    one.uploaded_at,
                    (kept if one.is_kept else rules).score(one.quality, one.time_ratio),
                    one.half_width,
                    rules.time_weight,
                    one.evaluation,
                ),
            )
            for one in eras.figures(competition, era, teams, most=most, which=which)
        ),
    )


def step_of(
    uploaded_at: datetime, score: float, half_width: float, time_weight: float, evaluation: int
) -> Step:
    """A step, from a score and the half-width of a time ratio."""
    exact = round(score, formula.DECIMALS)
    return Step(uploaded_at, exact, formula.half_width(half_width, time_weight), evaluation)


def collected(competition: Competition, scored: Iterable[tuple[int, Step]]) -> Steps:
    """The steps among scored submissions, given in the order of uploads."""
    found: Steps = {}
    for team, one in scored:
        some = found.setdefault(team, [])
        if not some or one.score < some[-1].score or competition.last_counts:
            some.append(one)
    return found


def end_with(steps: list[Step], last: Step, *, is_last: bool) -> None:
    """Make a team's entry the last of its steps.

    A repeated measurement may have made another submission the best one. `is_last`: the last
    submission counts, so an earlier step may be better.
    """
    at = last.uploaded_at
    while steps and (
        steps[-1].uploaded_at >= at or (steps[-1].score <= last.score and not is_last)
    ):
        steps.pop()
    steps.append(last)


def passing(competition: Competition) -> EvaluationQuerySet:
    """The evaluations that count today, of uploads that the public board may show, and that pass
    the gate."""
    counting = Evaluation.objects.counting().filter(
        competition=competition, quality_public__gte=competition.min_quality
    )
    if until := competition.counts_until:
        counting = counting.filter(submission__uploaded_at__lt=until)
    if competition.only_real_gains:
        counting = counting.filter(Q(gain=None) | Q(gain__gt=gains.REAL))
    return counting


def best_ever(competition: Competition, *, most: int, which: Q = EVERY) -> list[tuple[int, float]]:
    """The teams with the best scores that count today, best first. The time of the upload does not
    matter."""
    rows = (
        passing(competition)
        .filter(which)
        .order_by()
        .values_list("team")
        .annotate(best=Min("score_public"))
    )
    return [(team, score) for team, score in rows.order_by("best", "team")[:most]]
