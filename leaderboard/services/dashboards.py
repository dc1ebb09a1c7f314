"""How a competition, or the whole site, has fared in the last two weeks.

Each figure reads an index over the window, or over what is under way. So the page does not grow
with the history.
"""

from __future__ import annotations

import math
import zoneinfo
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median_low
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from leaderboard.models import Competition, Entry, Evaluation, HardwareProfile, Submission
from leaderboard.services import gains

State = Evaluation.State
SENT = Evaluation.Kind.SUBMISSION
DAYS = 14
WAITS = timedelta(days=1)
"""Waits are those of verdicts within the last day."""
MOST_WAITS = 5_000
"""The newest waits are enough to tell a median."""
COUNTED = [why for why in Evaluation.Why.values if why != Evaluation.Why.RESCORE]
"""A rescore measures old submissions behind everybody's uploads: it is no verdict on an upload."""
CODES = 8
"""The codes that are named, the most frequent ones."""


@dataclass(frozen=True)
class Day:
    """The numbers of one day: uploads, and evaluations by how they ended."""

    day: date
    uploads: int
    scored: int
    failed: int
    errors: int
    moved: int
    """Rows of today's public board that are from this day."""


@dataclass(frozen=True)
class Queue:
    """The queue of this moment."""

    queued: int
    running: int
    oldest: timedelta | None
    """How long the first upload that waits has waited."""


@dataclass(frozen=True)
class Waits:
    """Waits from the upload to the claim, of the evaluations that ended in the last day."""

    number: int
    median: timedelta | None
    late: timedelta | None
    """95 % waited no longer."""


@dataclass(frozen=True)
class Code:
    """How often something failed for one reason."""

    code: str
    number: int
    is_ours: bool


@dataclass(frozen=True)
class Dashboard:
    since: datetime
    """The beginning of the first day."""
    days: Sequence[Day]
    queue: Queue
    waits: Waits
    codes: Sequence[Code]
    probing: int
    """Teams with steps below noise, `gains.LISTED` at most."""


def of(competition: Competition | None = None, *, zone: str = "UTC") -> Dashboard:
    """The figures of a competition, or of the whole site, by days of a zone."""
    tz = zoneinfo.ZoneInfo(competition.time_zone if competition else zone)
    first = timezone.now().astimezone(tz).date() - timedelta(days=DAYS - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=tz)
    ends = ended(competition, since, tz)
    uploads = by_day(Submission.objects.filter(within(competition)), "uploaded_at", since, tz)
    board = Entry.objects.filter(within(competition), board=Entry.Board.PUBLIC)
    moved = by_day(board, "uploaded_at", since, tz)
    by_state = Counter[tuple[date, str]]()
    for (day, state, _), number in ends.items():
        by_state[day, state] += number
    return Dashboard(
        since=since,
        days=[
            Day(
                day=day,
                uploads=uploads[day],
                scored=by_state[day, State.SCORED],
                failed=by_state[day, State.FAILED],
                errors=by_state[day, State.ERROR],
                moved=moved[day],
            )
            for day in (first + timedelta(days=number) for number in range(DAYS))
        ],
        queue=queue(competition),
        waits=waits(competition),
        codes=codes(ends),
        probing=len(gains.probing(competition)) if competition else 0,
    )


def within(competition: Competition | None) -> Q:
    return Q(competition=competition) if competition else Q()


def by_day(
    rows: QuerySet[Any], field: str, since: datetime, tz: zoneinfo.ZoneInfo
) -> Counter[date]:
    counted = (
        rows.order_by()
        .filter(**{f"{field}__gte": since})
        .annotate(day=TruncDate(field, tzinfo=tz))
        .values_list("day")
        .annotate(number=Count("pk"))
    )
    return Counter(dict(counted))


def ended(
    competition: Competition | None, since: datetime, tz: zoneinfo.ZoneInfo
) -> Counter[tuple[date, str, str]]:
    """How many evaluations of submissions ended, by day, state and code."""
    verdicts = measured(competition).filter(finished_at__gte=since)
    broken = Evaluation.objects.filter(
        within(competition), kind=SENT, state=State.ERROR, finished_at__gte=since
    )
    found = Counter[tuple[date, str, str]]()
    for rows in (verdicts, broken):
        counted = (
            rows.order_by()
            .annotate(day=TruncDate("finished_at", tzinfo=tz))
            .values_list("day", "state", "failure_code", "error_code")
            .annotate(number=Count("pk"))
        )
        for day, state, failure, error, number in counted:
            code = {State.FAILED: failure, State.ERROR: error}.get(state, "")
            found[day, state, code] += number
    return found


def measured(competition: Competition | None) -> QuerySet[Evaluation]:
    """What workers measured to an end, without calibrations and rescores.

    The profile leads to the index over the time of the end.
    """
    rows = Evaluation.objects.filter(
        within(competition),
        kind=SENT,
        state__in=[State.SCORED, State.FAILED],
        measured_by=None,
        why__in=COUNTED,
    )
    if competition:
        return rows.filter(profile=competition.profile_id)
    return rows.filter(profile__in=list(HardwareProfile.objects.values_list("pk", flat=True)))


def queue(competition: Competition | None) -> Queue:
    rows = Evaluation.objects.unfinished().filter(within(competition), kind=SENT)
    states = dict(rows.order_by().values_list("state").annotate(number=Count("pk")))
    oldest = rows.filter(state=State.QUEUED).aggregate(oldest=Min("queued_at"))["oldest"]
    return Queue(
        queued=states.get(State.QUEUED, 0),
        running=states.get(State.RUNNING, 0),
        oldest=timezone.now() - oldest if oldest else None,
    )


def waits(competition: Competition | None) -> Waits:
    rows = measured(competition).filter(
        why=Evaluation.Why.FIRST, finished_at__gte=timezone.now() - WAITS, claimed_at__isnull=False
    )
    times = rows.order_by("-finished_at").values_list("queued_at", "claimed_at")[:MOST_WAITS]
    found = sorted(claimed - queued for queued, claimed in times if claimed)
    if not found:
        return Waits(0, None, None)
    return Waits(len(found), median_low(found), found[math.ceil(0.95 * len(found)) - 1])


def codes(ends: Counter[tuple[date, str, str]]) -> list[Code]:
    """The codes of failures, the team's and ours, the most frequent first."""
    found = Counter[tuple[str, bool]]()
    for (_, state, code), number in ends.items():
        if code:
            found[code, state == State.ERROR] += number
    return [Code(code, number, is_ours) for (code, is_ours), number in found.most_common(CODES)]
