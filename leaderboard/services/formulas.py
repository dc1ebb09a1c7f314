"""What measured figures give under another formula. Nothing is measured for it."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.db import connection
from django.db.models import Q

from leaderboard.models import Competition, Evaluation, Rescore
from leaderboard.models.rescore import FORMULA_FIELDS, MEASURED_FIELDS, Rules
from leaderboard.services import locks

AT_ONCE = 2_000
"""Scores that one statement writes."""
TERMS = (*(f"{name}_id" for name in MEASURED_FIELDS), "calibration_id", "measured_since_id")
"""The columns of a competition that a rescore changes by measuring again."""
Scored = tuple[int, float, float]
"""The key of an evaluation, its public and its private score."""


def of(competition: Competition) -> Rules:
    """The formula of today. It exists only after the calibration: see
    `Competition.reference_quality`."""
    quality_ref = competition.reference_quality
    assert quality_ref is not None
    return Rules(
        time_weight=competition.time_weight,
        k=competition.k,
        quality_ref=quality_ref,
        min_quality=competition.min_quality,
        only_real_gains=competition.only_real_gains,
    )


def under(competition: Competition, rescore: Rescore) -> Competition:
    """A competition as it would be after a rescore. It is never saved."""
    coming = copy.copy(competition)
    for name in FORMULA_FIELDS:
        setattr(coming, name, getattr(rescore, name))
    if rescore.is_measured:
        for name in (*MEASURED_FIELDS, "calibration"):
            setattr(coming, name, getattr(rescore, name))
        coming.measured_since = rescore
    return coming


def judging(evaluation: Evaluation) -> Competition:
    """The competition as it judges an evaluation: after its rescore if that is not applied yet."""
    if evaluation.is_hidden and evaluation.rescore:
        return under(evaluation.competition, evaluation.rescore)
    return evaluation.competition


def hold(competition: Competition) -> None:
    """Read again what scores depend on, and keep it from changing until the transaction ends.

    A measuring takes minutes, so a competition that was read before it may have been rescored.
    """
    row = locks.share(competition)
    for name in (*FORMULA_FIELDS, "formula_version", *TERMS):
        setattr(competition, name, getattr(row, name))


def terms_of_today(evaluation: Evaluation) -> dict[str, Any]:
    """The columns by which a model must be measured since a rescore; none if it has them.

    Call it once the competition is held.
    """
    competition = evaluation.competition
    if evaluation.is_hidden or evaluation.kind == Evaluation.Kind.CALIBRATION:
        return {}
    if evaluation.rescore_id == competition.measured_since_id:
        return {}
    return {
        "dataset_id": competition.dataset_id,
        "reference_id": competition.reference_id,
        "profile_id": competition.profile_id,
        "rescore_id": competition.measured_since_id,
    }


def follow(competition: Competition, teams: Collection[int]) -> None:
    """Give all scored evaluations of locked teams their scores by the formula of today."""
    rewrite(competition, Q(team__in=teams))


def follow_organizers(competition: Competition) -> None:
    """The same for calibrations and baselines, which have no team."""
    rewrite(competition, ~Q(kind=Evaluation.Kind.SUBMISSION))


def rewrite(competition: Competition, which: Q) -> None:
    rules = of(competition)
    rows = Evaluation.objects.filter(
        which, competition=competition, state=Evaluation.State.SCORED
    ).order_by()
    figures = rows.values_list("pk", "quality_public", "quality_private", "time_ratio")
    for some in chunks(list(figures)):
        write(
            rules.quality_ref,
            [
                (key, rules.score(public, r), rules.score(private, r))
                for key, public, private, r in some
            ],
        )


def write(quality_ref: float, scores: Sequence[Scored]) -> None:
    """Write many scores by one statement. Django's `bulk_update` takes ten times as long.

    A calibration keeps its reference quality, which is a measured figure there.
    """
    table = Evaluation._meta.db_table
    values = ", ".join(["(%s, %s, %s)"] * len(scores))
    with connection.cursor() as cursor:
        # Both databases call the columns of VALUES column1, column2 and so on.
        cursor.execute(
            f"UPDATE {table} SET score_public = n.column2, score_private = n.column3, "  # noqa: S608
            f"quality_ref = CASE WHEN kind = 'calibration' THEN quality_ref ELSE %s END "
            f"FROM (VALUES {values}) n WHERE {table}.id = n.column1",
            [quality_ref, *(figure for row in scores for figure in row)],
        )


def chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]
