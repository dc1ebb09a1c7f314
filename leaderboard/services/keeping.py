"""Model files, reports and answers go at their term, counted from the publication.

Organizers set the terms (`Released`), `manage.py tidy` obeys them. Without a term nothing goes.
Scores, boards, signed results, the reference model and its calibration always stay. Nothing goes
before the result of the present boards is signed: the signed file is made of reports and answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Sum
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import NotFound
from leaderboard.models import Competition, Entry, Evaluation, StoredReport, Submission
from leaderboard.models.answers import Answers
from leaderboard.services import audit, files, locks, snapshots

BATCH = 500
"""Submissions whose files and reports go together."""


class Scope(StrEnum):
    UNRANKED = "unranked"
    """On no board, and no final selection."""
    ALL = "all"


@dataclass(frozen=True)
class Term:
    """When files and reports of some submissions go."""

    competition: Competition
    scope: Scope
    days: int

    @property
    def at(self) -> datetime | None:
        """When the term is over; None before the publication."""
        published = self.competition.published_at
        return published + timedelta(days=self.days) if published else None

    @property
    def is_over(self) -> bool:
        return self.at is not None and self.at <= timezone.now()


@dataclass(frozen=True)
class Holdings:
    """How many files, reports and answers of some submissions there are."""

    submissions: int
    reports: int
    bytes: int
    """Of model files. Equal files of two teams are stored once and counted twice."""


def terms(competition: Competition) -> list[Term]:
    """The terms that its organizers have set."""
    days = {
        Scope.UNRANKED: competition.keep_unranked_days,
        Scope.ALL: competition.keep_all_days,
    }
    return [Term(competition, scope, number) for scope, number in days.items() if number]


def over() -> Iterator[Term]:
    """The terms that are over, and under which something is left."""
    wishes = Q(keep_unranked_days__isnull=False) | Q(keep_all_days__isnull=False)
    published = Competition.objects.filter(wishes, state=Competition.State.PUBLISHED)
    for competition in published.order_by("pk"):
        for term in terms(competition):
            if term.is_over and held(term).exists():
                yield term


def is_signed(competition: Competition) -> bool:
    """Whether the present boards have their signed file."""
    tokens = snapshots.both_versions(competition)
    return snapshots.of(competition).filter(versions=tokens).exists()


def held(term: Term) -> QuerySet[Submission]:
    """The submissions of a term of which a file, a report or answers are left.

    A late upload of these days stays for as many days, and while it is evaluated.
    """
    evaluations = Evaluation.every.filter(submission=OuterRef("pk"))
    reports = StoredReport.objects.filter(evaluation__submission=OuterRef("pk"))
    until = timezone.now() - timedelta(days=term.days) if term.is_over else timezone.now()
    rows = Submission.objects.filter(
        ~Q(file="") | Exists(reports) | Exists(evaluations.exclude(answers=None)),
        ~Exists(evaluations.unfinished()),
        competition=term.competition,
        uploaded_at__lte=until,
    )
    if term.scope == Scope.UNRANKED:
        on_boards = Entry.objects.filter(competition=term.competition).values("submission")
        rows = rows.filter(selected_at=None).exclude(pk__in=on_boards)
    return rows.order_by("pk")


def holdings(term: Term) -> Holdings:
    rows = held(term)
    size = rows.exclude(file="").aggregate(all=Sum("size_bytes"))["all"]
    reports = StoredReport.objects.filter(evaluation__submission__in=rows.order_by())
    return Holdings(rows.count(), reports.count(), size or 0)


@transaction.atomic
def forget(term: Term) -> Holdings:
    """Delete files, reports and answers of a term that is over; returns what they were."""
    competition = locks.lock(term.competition)
    found = holdings(term)
    names: list[str] = []
    held_keys = list(held(term).values_list("pk", flat=True))
    for start in range(0, len(held_keys), BATCH):
        keys = held_keys[start : start + BATCH]
        rows = Submission.objects.filter(pk__in=keys)
        names += rows.exclude(file="").values_list("file", flat=True)
        evaluations = Evaluation.every.filter(submission__in=keys)
        StoredReport.objects.filter(evaluation__in=evaluations).delete()
        evaluations.update(answers=None)
        rows.update(file="")
    # Answers belong to a content, which a submission that stays may have, too.
    Answers.objects.filter(competition=competition, evaluations=None).delete()
    audit.record(
        audit.Act.DATA_DELETED,
        competition,
        by=audit.SERVICE,
        after={
            "scope": term.scope.value,
            "submissions": found.submissions,
            "reports": found.reports,
        },
    )
    transaction.on_commit(lambda: files.drop_unused(names))
    return found


def model_file(submission: Submission) -> FieldFile:
    """The uploaded file. Raises `NotFound` once its term is over."""
    if not submission.file:
        raise NotFound(
            gettext("This model file was deleted, because it is kept only for a limited time."),
            code="model_deleted",
        )
    found: FieldFile = submission.file
    return found
