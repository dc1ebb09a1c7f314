"""What the workers do just now, what they did lately, and how evenly they measure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.db.models import Avg, Count, F, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from leaderboard.models import Canary, Evaluation, HardwareProfile, Worker
from leaderboard.services import workers
from leaderboard.services.health import work
from scoring.timing import intervals

DAY = timedelta(days=1)
NOISE_DAYS = 60
"""Days of the picture of the noise. A worker has 24 canaries a day."""


class Doing(StrEnum):
    READY = "ready"
    BUSY = "busy"
    DRAINING = "draining"
    DRAINED = "drained"
    SIDELINED = "sidelined"
    AWAY = "away"


@dataclass(frozen=True)
class Facts:
    """What a page says of a worker besides its row."""

    doing: Doing
    running: Evaluation | None = None
    measured_share: float = 0.0
    """The share of the last day, or of the time since its start, that the worker measured."""
    is_other: bool = False
    """Whether another live worker of the profile has other versions."""


@dataclass(frozen=True)
class Fleet:
    """The live workers of a profile by what they do, and what waits for them."""

    profile: HardwareProfile
    doing: dict[Doing, int]
    queued: int
    oldest: datetime | None
    """Since when the first upload waits."""

    @property
    def drained(self) -> int:
        """The workers that take nothing new, whether they still end something or not."""
        return self.doing[Doing.DRAINING] + self.doing[Doing.DRAINED]

    @property
    def is_stuck(self) -> bool:
        """Whether something waits that no worker will take."""
        return bool(self.queued and not self.doing[Doing.READY] and not self.doing[Doing.BUSY])


@dataclass(frozen=True)
class Noise:
    """How far the reference was from itself on a day, over all workers of a profile."""

    day: date
    canaries: int
    spread: float
    """Root of the mean square of ratio - 1."""
    expected: float
    """What the intervals of these canaries say that it should be."""


def facts(shown: Iterable[Worker]) -> dict[int, Facts]:
    """The facts of some workers by their keys, in three queries."""
    listed = list(shown)
    keys = [one.pk for one in listed]
    rows = Evaluation.every.filter(state=Evaluation.State.RUNNING, worker__in=keys)
    running = {one.worker_id: one for one in rows.select_related("competition", "submission__team")}
    took = measured(keys)
    others = unlike()
    now = timezone.now()
    return {
        one.pk: Facts(
            doing(one, is_busy=one.pk in running, now=now),
            running.get(one.pk),
            share(one, took.get(one.pk, timedelta()), now),
            one.pk in others,
        )
        for one in listed
    }


def by_profile() -> list[Fleet]:
    """All profiles with their live workers and their queues, in four queries."""
    now = timezone.now()
    live = list(Worker.objects.filter(seen_at__gt=now - workers.ALIVE))
    rows = Evaluation.every.filter(state=Evaluation.State.RUNNING, worker__in=live)
    busy = set(rows.values_list("worker", flat=True))
    found = []
    for profile in work.queues():
        own = [one for one in live if one.profile_id == profile.pk]
        does = Counter(doing(one, is_busy=one.pk in busy, now=now) for one in own)
        counts: dict[Doing, int] = {kind: does[kind] for kind in Doing if kind != Doing.AWAY}
        found.append(Fleet(profile, counts, profile.queued, profile.oldest))
    return found


def doing(worker: Worker, *, is_busy: bool, now: datetime) -> Doing:
    if now - worker.seen_at > workers.ALIVE:
        return Doing.AWAY
    if worker.drained_at:
        return Doing.DRAINING if is_busy else Doing.DRAINED
    if is_busy:
        return Doing.BUSY
    return Doing.SIDELINED if worker.state == Worker.State.SIDELINED else Doing.READY


def measured(keys: list[int]) -> dict[int, timedelta]:
    """The time that each worker measured in the last day. An index has these rows by profile."""
    rows = Evaluation.every.filter(
        profile__in=list(HardwareProfile.objects.values_list("pk", flat=True)),
        state__in=[Evaluation.State.SCORED, Evaluation.State.FAILED],
        measured_by=None,
        finished_at__gt=timezone.now() - DAY,
        worker__in=keys,
    )
    took = (
        rows.order_by().values_list("worker").annotate(took=Sum(F("finished_at") - F("claimed_at")))
    )
    return {worker: time for worker, time in took if time}


def share(worker: Worker, took: timedelta, now: datetime) -> float:
    """The part of a worker's time that it measured."""
    until = now if now - worker.seen_at < workers.ALIVE else worker.seen_at
    known = min(until - worker.started_at, DAY)
    return min(1.0, took / known) if known > timedelta(seconds=1) else 0.0


def unlike() -> set[int]:
    """The live workers whose versions differ from those of most workers of their profile."""
    by_profile: dict[int, dict[str, list[int]]] = {}
    live = Worker.objects.filter(seen_at__gt=timezone.now() - workers.ALIVE).exclude(versions={})
    for key, profile, versions in live.values_list("pk", "profile", "versions"):
        same = by_profile.setdefault(profile, {}).setdefault(repr(sorted(versions.items())), [])
        same.append(key)
    return {
        key
        for groups in by_profile.values()
        for keys in sorted(groups.values(), key=len)[:-1]
        for key in keys
    }


def noise(profile: HardwareProfile) -> list[Noise]:
    """The noise between runs of a profile for each of the last days that had canaries."""
    rows = (
        Canary.objects.filter(
            worker__profile=profile.pk,
            measured_at__gt=timezone.now() - timedelta(days=NOISE_DAYS),
            time_ratio__isnull=False,
        )
        .order_by()
        .values(day=TruncDate("measured_at"))
        .annotate(
            number=Count("pk"),
            square=Avg((F("time_ratio") - 1.0) * (F("time_ratio") - 1.0)),
            width=Avg(F("half_width") * F("half_width")),
        )
        .order_by("day")
    )
    return [
        Noise(
            day=row["day"],
            canaries=row["number"],
            spread=math.sqrt(row["square"]),
            expected=math.sqrt(row["width"] or 0.0) / intervals.Z,
        )
        for row in rows
    ]
