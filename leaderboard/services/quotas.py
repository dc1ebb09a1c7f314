"""How many uploads a team has left: per day, and on wish per week, per month and in total."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from leaderboard.errors import QuotaExceeded
from leaderboard.models import Competition, Evaluation, Extra, Submission, Team

Period = Literal["day", "week", "month", "total"]


@dataclass(frozen=True)
class Limit:
    """Uploads of one period. `resets_at` is None in total."""

    period: Period
    most: int
    used: int
    resets_at: datetime | None

    @property
    def left(self) -> int:
        return max(0, self.most - self.used)


@dataclass(frozen=True)
class Further:
    """Further uploads of one team. They are used when a limit is used up."""

    pk: int
    most: int
    used: int
    until: datetime
    reason: str

    @property
    def left(self) -> int:
        return max(0, self.most - self.used)


@dataclass(frozen=True)
class Quota:
    """A team's uploads of all periods that the competition limits; the day is the first."""

    limits: tuple[Limit, ...]
    extras: tuple[Further, ...] = ()
    """Those that are still valid and not used up, the first to end first."""

    @property
    def tightest(self) -> Limit:
        """The limit with the fewest uploads left. Of equal ones it is the one of the longest
        period."""
        return min(reversed(self.limits), key=lambda one: one.left)

    @property
    def per_day(self) -> int:
        return self.limits[0].most

    @property
    def used(self) -> int:
        return self.limits[0].used

    @property
    def resets_at(self) -> datetime | None:
        """When more uploads are possible again; None if never."""
        return self.tightest.resets_at

    @property
    def left(self) -> int:
        """Uploads that are possible now: of the limits, and further ones."""
        return self.tightest.left + sum(one.left for one in self.extras)

    @property
    def further(self) -> Further | None:
        """The further uploads that the next upload uses; None if it is within the limits."""
        return None if self.tightest.left else next(iter(self.extras), None)


def of(team: Team, competition: Competition, *, now: datetime | None = None) -> Quota:
    """The uploads of a team in the days, weeks and months of the competition's time zone.

    Only submissions that use quota count (`submissions.is_counted`). A week begins on Monday.
    """
    zone = ZoneInfo(competition.time_zone)
    today = (now or timezone.now()).astimezone(zone).date()
    spans = {
        period: (most, *span(period, today, zone))
        for period, most in allowed(competition).items()
        if most is not None
    }
    counts = {period: Count("pk", filter=within(*bounds)) for period, (_, *bounds) in spans.items()}
    starts = [start for _, start, _ in spans.values()]
    rows = Submission.objects.filter(team=team, extra=None)
    if None not in starts:
        rows = rows.filter(uploaded_at__gte=min(one for one in starts if one))
    used = counted(rows).aggregate(**counts)
    limits = (Limit(one, most, used[one], end) for one, (most, _, end) in spans.items())
    rest = (one for one in extras(team, now=now) if one.left)
    return Quota(tuple(limits), tuple(rest))


def extras(team: Team, *, now: datetime | None = None) -> list[Further]:
    """The further uploads of a team that are valid now, the first to end first."""
    valid = Extra.objects.filter(team=team, until__gt=now or timezone.now())
    return [
        Further(one.pk, one.uploads, counted(one.submissions.all()).count(), one.until, one.reason)
        for one in valid
    ]


def counted(rows: QuerySet[Submission]) -> QuerySet[Submission]:
    """The submissions that use quota (`submissions.is_counted`)."""
    first = Evaluation.objects.filter(submission=OuterRef("pk")).order_by("pk")
    return (
        rows.alias(
            first=Subquery(first.values("state")[:1]),
            claimed=Subquery(first.values("claimed_at")[:1]),
        )
        .exclude(first=Evaluation.State.ERROR)
        .exclude(Q(first=Evaluation.State.CANCELLED) & Q(claimed=None))
    )


def allowed(competition: Competition) -> dict[Period, int | None]:
    """The most uploads of a team by period; None for no limit."""
    return {
        "day": competition.submissions_per_day,
        "week": competition.submissions_per_week,
        "month": competition.submissions_per_month,
        "total": competition.submissions_in_total,
    }


def span(period: Period, today: date, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Where a period begins and ends; None in total."""
    if period == "total":
        return None, None
    if period == "day":
        first, after = today, today + timedelta(days=1)
    elif period == "week":
        first = today - timedelta(days=today.weekday())
        after = first + timedelta(days=7)
    else:
        first = today.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    return midnight(first, zone), midnight(after, zone)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, datetime.min.time(), zone)


def within(start: datetime | None, end: datetime | None) -> Q:
    begun = Q(uploaded_at__gte=start) if start else Q()
    return begun & Q(uploaded_at__lt=end) if end else begun


def check(team: Team, competition: Competition) -> Quota:
    """What the team has left. Raises `QuotaExceeded` if that is nothing, with the time of the next
    upload."""
    quota = of(team, competition)
    if quota.left:
        return quota
    limit = quota.tightest
    facts = {
        "used": limit.used,
        "most": limit.most,
        "team": team,
        "zone": competition.time_zone,
        "time": date_format(limit.resets_at, "DATETIME_FORMAT") if limit.resets_at else "",
    }
    sentences = {
        "day": gettext(
            "%(team)s has used %(used)d of %(most)d submissions today. The next one is "
            "possible from %(time)s (%(zone)s)."
        ),
        "week": gettext(
            "%(team)s has used %(used)d of %(most)d submissions this week. The next one is "
            "possible from %(time)s (%(zone)s)."
        ),
        "month": gettext(
            "%(team)s has used %(used)d of %(most)d submissions this month. The next one is "
            "possible from %(time)s (%(zone)s)."
        ),
        "total": gettext("%(team)s has used all %(most)d submissions of this competition."),
    }
    raise QuotaExceeded(sentences[limit.period] % facts)
