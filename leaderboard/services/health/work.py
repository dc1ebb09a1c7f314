"""Checks of what is under way: the broker, the queues, the workers, the sweep and the post."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.core.cache import cache
from django.db.models import DateTimeField, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.models import Delivery, Evaluation, Happening, HardwareProfile, Worker
from leaderboard.services import hosts, mailing, profiles, workers
from leaderboard.services.health.findings import Findings, error, warning

LATE = timedelta(minutes=10)
"""After so long, what the post has to do should be done."""
SWEPT = "health:swept"
"""The key of the cache under which the sweep writes when it ran."""
SWEEPS = 4
"""So many sweeps may be missing."""


def broker() -> Findings:
    """Valkey answers and takes the password. Without a broker, workers poll."""
    if not settings.REDIS_URL:
        return
    url = settings.REDIS_URL.replace("redis+socket://", "unix://", 1)
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=2) as client:
            client.ping()
    except redis.RedisError as problem:
        yield error(
            gettext("Valkey does not answer: %(error)s.") % {"error": type(problem).__name__},
            gettext(
                "Start it, and check the address and password in REDIS_URL. Until then no "
                "Celery worker accepts work."
            ),
        )


def waiting() -> QuerySet[Evaluation]:
    """The uploads and calibrations that wait. The service's own repeats may wait for ever."""
    return Evaluation.objects.filter(state=Evaluation.State.QUEUED).exclude(
        why=Evaluation.Why.TOP_OVERLAP
    )


def queue_seconds() -> float:
    """How long the oldest evaluation has waited for a worker; 0 if none waits."""
    oldest = waiting().aggregate(at=Min("queued_at"))["at"]
    return seconds_since(oldest)


def seconds_since(moment: datetime | None) -> float:
    return max(0.0, (timezone.now() - moment).total_seconds()) if moment else 0.0


def queues() -> list[Any]:
    """Each profile with the numbers `queued`, `running`, `alive` and `fit`, and with `oldest`:
    since when its first evaluation waits."""
    first = waiting().filter(profile=OuterRef("pk")).order_by("queued_at").values("queued_at")
    oldest: Any = Subquery(first[:1], output_field=DateTimeField())
    fit = profiles.number_of_fit_workers()
    return list(profiles.with_counts(HardwareProfile.objects.annotate(oldest=oldest, fit=fit)))


def queue() -> Findings:
    """Somebody takes what waits, and nothing waits for long."""
    limit = settings.QUEUE_MINUTES * 60
    for profile in queues():
        minutes = int(seconds_since(profile.oldest) // 60)
        facts = {"profile": profile, "queued": profile.queued, "minutes": minutes}
        if profile.oldest and not profile.fit and seconds_since(profile.oldest) > 120:
            yield error(
                gettext(
                    "No worker of %(profile)s can accept work: %(queued)d wait, the first "
                    "one for %(minutes)d min."
                )
                % facts,
                gettext(
                    "Start a worker with -Q %(slug)s, resume one, or check why it accepts no work."
                )
                % {"slug": profile.slug},
                about=profile.slug,
            )
        elif seconds_since(profile.oldest) > limit:
            yield warning(
                gettext("Queue of %(profile)s: the first of %(queued)d waits for %(minutes)d min.")
                % facts,
                gettext("Add workers, or raise QUEUE_MINUTES if such a wait is normal."),
                about=profile.slug,
            )


def sweep() -> Findings:
    """Somebody returns expired leases and closes competitions."""
    swept = cache.get(SWEPT) if settings.REDIS_URL else None
    limit = SWEEPS * settings.SWEEP_SECONDS
    overdue = Evaluation.every.filter(
        state=Evaluation.State.RUNNING,
        lease_expires_at__lt=timezone.now() - timedelta(seconds=limit),
    )
    if (swept and timezone.now().timestamp() - swept > limit) or overdue.exists():
        yield error(
            gettext("No process has swept for %(seconds)d s.") % {"seconds": limit},
            gettext(
                "Start the Celery process with --beat and -Q site (the service beat). Until "
                "then leases do not expire, and competitions do not close."
            ),
        )


def note_sweep() -> None:
    """Note for the check `sweep` that the sweep ran. The note is kept for a day."""
    cache.set(SWEPT, int(timezone.now().timestamp()), 86400)


def post() -> Findings:
    """Notices, mails and calls of webhooks leave in time."""
    before = timezone.now() - LATE
    late = {
        gettext("notices"): Happening.objects.filter(due_at__lt=before).exists(),
        gettext("mails"): mailing.waiting(since=before) > 0,
        gettext("calls of webhooks"): Delivery.objects.filter(
            due_at__lt=before, webhook__stopped_at=None
        ).exists(),
    }
    for kind, is_late in late.items():
        if kind == gettext("mails") and not settings.EMAIL_URL:
            continue
        if is_late:
            yield error(
                gettext("Something has waited to be sent for more than %(minutes)d min: %(kind)s.")
                % {"minutes": LATE.seconds // 60, "kind": kind},
                gettext("Start the Celery process with -Q post, and check its log."),
                about=kind,
            )


def alive() -> QuerySet[Worker]:
    return Worker.objects.filter(seen_at__gt=timezone.now() - workers.ALIVE).select_related(
        "profile"
    )


def calibration() -> Findings:
    """No live worker has found itself unfit, such as by a canary out of its band."""
    for worker in alive().filter(state=Worker.State.SIDELINED):
        yield warning(
            gettext("Worker %(worker)s of %(profile)s accepts no work: %(reason)s")
            % {"worker": worker, "profile": worker.profile, "reason": worker.reason},
            gettext(
                "The worker tries again automatically. If it still accepts no work, end "
                "other programs on that machine."
            ),
            about=worker.name,
        )


def turns() -> Findings:
    """What a turn costs on the hosts of live workers is known, and may be subtracted."""
    for worker in alive():
        if said := hosts.trouble(worker):
            yield warning(
                said,
                gettext(
                    "End other programs on that machine and start the worker again. If this "
                    "does not help, use another machine. MEASUREMENT.md says what is "
                    "subtracted."
                ),
                about=worker.name,
            )


def versions() -> Findings:
    """Live workers of one profile measure with the same versions."""
    by_profile: dict[HardwareProfile, dict[str, set[str]]] = {}
    for worker in alive().filter(~Q(versions={})):
        found = by_profile.setdefault(worker.profile, {})
        for name, version in worker.versions.items():
            found.setdefault(name, set()).add(version)
    for profile, found in by_profile.items():
        unequal = [
            f"{name} {', '.join(sorted(several))}"
            for name, several in found.items()
            if len(several) > 1
        ]
        if unequal:
            yield error(
                gettext("Workers of %(profile)s have unequal versions: %(versions)s.")
                % {"profile": profile, "versions": "; ".join(sorted(unequal))},
                gettext(
                    "Start all of them from the same image. Until then their times "
                    "cannot be compared."
                ),
                about=profile.slug,
            )


def weak() -> Findings:
    """No model ran in a sandbox that lacks a layer, in the last week."""
    count = Evaluation.objects.filter(
        isolation__is_weak=True, finished_at__gt=timezone.now() - timedelta(days=7)
    ).count()
    if count:
        yield error(
            gettext("Evaluations in weak isolation in the last 7 days: %(count)d.")
            % {"count": count},
            gettext("Unset ALLOW_WEAK_SANDBOX on the workers; SECURITY.md says what they need."),
        )


def faults() -> Findings:
    """No evaluation ended by our fault in the last day."""
    count = Evaluation.objects.filter(
        state=Evaluation.State.ERROR, finished_at__gt=timezone.now() - timedelta(days=1)
    ).count()
    if count:
        yield warning(
            gettext(
                "Evaluations that ended because of the service in the last 24 hours: %(count)d."
            )
            % {"count": count},
            gettext("Read their errors in the panel, fix the cause, and evaluate again."),
        )
