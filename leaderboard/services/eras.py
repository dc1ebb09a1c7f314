"""The times between rescores. In each era one formula and one measuring counted.

The figures of an earlier era are those that counted at its end: for each submission the last
verdict by the measuring of that time. No evaluation is ever deleted, so all of them are there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from django.db.models import Exists, F, OuterRef, Q

from leaderboard.models import Competition, Evaluation, Rescore
from leaderboard.models.evaluations import EvaluationQuerySet
from leaderboard.models.rescore import Rules
from leaderboard.services import gains, rescoring

State = Evaluation.State
EVERY = Q()
"""No condition."""


@dataclass(frozen=True)
class Era:
    """The time from one rescore to the next."""

    begin: datetime | None
    """When the rescore was applied that began the era; None for the first era."""
    end: Rescore | None
    """The rescore that ended the era; None for the present one."""
    measured: Rescore | None
    """The rescore that measured the figures of the era; None if no rescore did."""
    kept: Rules | None = None
    """The formula of the scores that were kept, because that measuring failed."""

    @property
    def rules(self) -> Rules:
        assert self.end, "the rules of today are the competition's"
        return self.end.before

    def holds(self, at: datetime) -> bool:
        """Whether a moment is in the era or after it."""
        return self.begin is None or self.begin <= at


class Figure(NamedTuple):
    """What counted of a submission in an earlier era."""

    team: int
    submission: int
    uploaded_at: datetime
    quality: float
    time_ratio: float
    half_width: float
    is_kept: bool
    """Whether its score is older than the measuring of the era."""
    evaluation: int


def of(competition: Competition) -> list[Era]:
    """The eras of a competition, the earliest first."""
    if competition.formula_version == 1:
        return [Era(None, None, None)]
    found: list[Era] = []
    begin: datetime | None = None
    measured: Rescore | None = None
    kept: Rules | None = None
    for rescore in rescoring.of(competition).order_by("version"):
        found.append(Era(begin, rescore, measured, kept))
        begin = rescore.decided_at
        measured = rescore if rescore.is_measured else measured
        kept = rescore.before if rescore.is_measured else rescore.after
    return [*found, Era(begin, None, measured, kept)]


def figures(
    competition: Competition, era: Era, teams: Collection[int], *, most: int, which: Q = EVERY
) -> list[Figure]:
    """The figures that passed the gate of an earlier era, in the order of uploads.

    They come from the first `most` verdicts.
    """
    assert era.end
    rules = era.rules
    rows = verdicts(era).filter(
        which,
        team__in=teams,
        finished_at__lte=era.end.decided_at,
        submission__withdrawn_at=None,
        submission__disqualified_at=None,
        submission__is_late=False,
    )
    if until := competition.counts_until:
        rows = rows.filter(submission__uploaded_at__lt=until)
    rows = rows.order_by(
        "submission__uploaded_at",
        "submission",
        F("rescore").asc(nulls_first=True),
        "finished_at",
        "pk",
    )
    names = ("team", "submission", "submission__uploaded_at", "quality_public", "time_ratio")
    read = rows.values_list(*names, "half_width", "rescore", "gain", "pk")[:most]
    measured = era.measured.pk if era.measured else None
    found = []
    for _, several in groupby(read, key=lambda row: row[1]):
        *_, last = several
        team, submission, at, quality, time_ratio, half_width, rescore, gain, key = last
        is_kept = rescore != measured
        one = Figure(team, submission, at, quality, time_ratio, half_width or 0.0, is_kept, key)
        is_held = rules.only_real_gains and gain is not None and gain <= gains.REAL
        if one.quality >= rules.min_quality and not is_held:
            found.append(one)
    return found


def verdicts(era: Era) -> EvaluationQuerySet:
    """The verdicts by an era's own measuring. A submission that failed there has an earlier
    verdict."""
    scored = Evaluation.objects.filter(state=State.SCORED)
    if era.measured is None:
        return scored.filter(rescore=None)
    tried = Evaluation.every.filter(rescore=era.measured, submission=OuterRef("submission"))
    if not era.measured.keeps_failed:
        return scored.filter(rescore=era.measured)
    failed = Q(Exists(tried), ~Exists(tried.filter(state=State.SCORED)))
    earlier = Q(rescore=None) | Q(rescore__lt=era.measured.pk)
    return scored.filter(Q(rescore=era.measured) | (earlier & failed))
