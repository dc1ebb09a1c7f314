"""One submission with all that its status tells. Programs ask for it once a second.

It is read by one prepared statement. Django would take most of an answer's time to compile a query
of six models.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Exists, Model, OuterRef, QuerySet

from leaderboard.models import (
    Competition,
    Evaluation,
    HardwareProfile,
    Membership,
    Submission,
    Team,
    User,
)
from leaderboard.models.organizers import sees_all
from leaderboard.models.texts import Texts
from leaderboard.services import statements


@dataclass(frozen=True)
class Part:
    """One model of the statement: the path to the model, and its columns."""

    model: type[Model]
    path: str
    columns: list[str]

    def read(self, values: Sequence[Any]) -> Any:
        """A row of the model; None if there is none."""
        if values[0] is None:
            return None
        return self.model.from_db(DEFAULT_DB_ALIAS, self.columns, values)


def part(
    model: type[Model], path: str, *, without: Collection[str] = (), only: Collection[str] = ()
) -> Part:
    """A part without some columns, or with some only. The key comes first in each model."""
    names = [field.attname for field in model._meta.concrete_fields]
    columns = [one for one in names if one not in without and (not only or one in only)]
    return Part(model, path, columns)


PARTS = (
    part(Evaluation, ""),
    part(Submission, "submission__"),
    part(Team, "submission__team__"),
    part(
        Competition,
        "submission__competition__",
        without={field.name for field in Texts._meta.fields},
    ),
    part(HardwareProfile, "submission__competition__profile__"),
    part(
        Evaluation,
        "submission__competition__calibration__",
        only={"id", "quality_ref", "reference_seconds"},
    ),
)


def find(pk: int, *, by: User) -> Submission | None:
    """A submission that a person may see, with its evaluations; None if there is none."""
    rows = evaluations(pk, by.pk)
    if not rows:
        return None
    read = [read_parts(values) for _, *values in rows]
    submission = read[0][1]
    for evaluation, _ in read:
        evaluation.submission, evaluation.competition = submission, submission.competition
        if evaluation.profile_id == submission.competition.profile_id:
            evaluation.profile = submission.competition.profile
    is_member = rows[0][0]
    if not (is_member or sees_all(by, submission.competition_id)):
        return None
    return submission.with_evaluations([evaluation for evaluation, _ in read])


@statements.prepared
def evaluations(submission: int, person: int) -> QuerySet[Evaluation, Any]:
    """For each evaluation: whether the person is in the team, and the columns of each part."""
    members = Membership.objects.filter(team=OuterRef("team"), user=person)
    columns = [f"{one.path}{name}" for one in PARTS for name in one.columns]
    found = Evaluation.objects.filter(submission=submission).order_by()
    return found.annotate(is_member=Exists(members)).values_list("is_member", *columns)


def read_parts(values: Sequence[Any]) -> tuple[Evaluation, Submission]:
    """An evaluation and its submission, from the columns of all parts."""
    rows, at = [], 0
    for one in PARTS:
        until = at + len(one.columns)
        rows.append(one.read(values[at:until]))
        at = until
    evaluation, submission, team, competition, profile, calibration = rows
    competition.profile, competition.calibration = profile, calibration
    team.competition = competition
    submission.team, submission.competition = team, competition
    return evaluation, submission
