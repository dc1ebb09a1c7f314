"""Figures of the service for Prometheus, read from rows at the moment of asking.

All processes see the same rows, so it does not matter which of them is asked. Labels are bounded:
hardware profiles, states, checks and folders, and never people, teams or workers. Each figure is
read from an index over what is under way, or over the last hour (`LATELY`).
"""

from __future__ import annotations

import os
import shutil
import statistics
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, F, QuerySet, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from leaderboard.models import (
    Canary,
    Delivery,
    Evaluation,
    Happening,
    HardwareProfile,
    Submission,
    Worker,
)
from leaderboard.services import health, mailing
from leaderboard.services.health import data, work
from leaderboard.services.health.findings import Level
from scoring.job import PROTOCOL

LATELY = timedelta(hours=1)
SEVERITY = {Level.OK: 0, Level.WARNING: 1, Level.ERROR: 2}
ENDS = (Evaluation.State.SCORED, Evaluation.State.FAILED, Evaluation.State.ERROR)
Value = tuple[tuple[str, ...], float]


def exposition(accept: str) -> tuple[bytes, str]:
    """All figures as text, and its content type, in the version that the asker accepts."""
    encode, content_type = choose_encoder(accept)
    registry = CollectorRegistry()
    registry.register(Rows())
    return encode(registry), content_type


class Rows(Collector):
    """Reads all figures of the service from its rows."""

    def describe(self) -> Iterable[Metric]:
        return ()  # so that registering asks the database nothing

    def collect(self) -> Iterator[Metric]:
        image = os.environ.get("FEATHERWEIGHT_IMAGE", "")
        yield InfoMetricFamily(
            "featherweight",
            "The image that answers, and its measuring protocol.",
            {"image": image, "protocol": str(PROTOCOL)},
        )
        yield from queues()
        yield from fleet()
        yield from lately()
        yield from times()
        yield from sending()
        yield from kept()
        yield gauge(
            "featherweight_check",
            "Checks of manage.py doctor that look at rows: 0 ok, 1 warning, 2 error.",
            ["check"],
            [((name,), SEVERITY[health.worst(health.examine([name]))]) for name in health.WATCHED],
        )


def gauge(
    name: str, says: str, labels: Iterable[str] = (), values: Iterable[Value] = ()
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, says, labels=list(labels))
    for label, value in values:
        family.add_metric(label, value)
    return family


def single(name: str, says: str, value: float) -> GaugeMetricFamily:
    return gauge(name, says, values=[((), value)])


def queues() -> Iterator[Metric]:
    """What waits and runs, for each profile."""
    rows = work.queues()
    named = [((row.slug,), row) for row in rows]
    yield gauge(
        "featherweight_queue_waiting",
        "Evaluations that wait for a worker.",
        ["profile"],
        [(label, row.queued) for label, row in named],
    )
    yield gauge(
        "featherweight_queue_oldest_seconds",
        "How long the first upload has waited; 0 if none waits.",
        ["profile"],
        [(label, work.seconds_since(row.oldest)) for label, row in named],
    )
    yield gauge(
        "featherweight_running",
        "Evaluations that workers measure now.",
        ["profile"],
        [(label, row.running) for label, row in named],
    )


def fleet() -> Iterator[Metric]:
    """The live workers of each profile, and how well the reference agrees with itself there."""
    states = {
        (slug, state): 0
        for slug in HardwareProfile.objects.values_list("slug", flat=True)
        for state in ("ready", "sidelined", "drained")
    }
    live = list(work.alive())
    for worker in live:
        state = "drained" if worker.drained_at else worker.state
        states[worker.profile.slug, state] += 1
    yield gauge(
        "featherweight_workers",
        "Workers seen in the last two minutes, by what they do with new work.",
        ["profile", "state"],
        list(states.items()),
    )
    worst: dict[str, float] = {}
    for canary in latest_canaries(live):
        profile = canary.worker.profile
        off = abs((canary.time_ratio or 1.0) - 1.0) / (profile.canary_band or 1.0)
        worst[profile.slug] = max(off, worst.get(profile.slug, 0.0))
    yield gauge(
        "featherweight_canary_off_band",
        "Largest |ratio - 1| of the last canaries of live workers, as a share of the band.",
        ["profile"],
        [((slug,), off) for slug, off in worst.items()],
    )


def latest_canaries(live: list[Worker]) -> Iterator[Canary]:
    """The last canary of each worker that has figures; one read of an index for each."""
    for worker in live:
        canary = worker.canaries.exclude(time_ratio=None).order_by("-pk").first()
        if canary:
            canary.worker = worker
            yield canary


def ended() -> QuerySet[Evaluation]:
    """What workers measured to an end lately; an index has these rows by profile."""
    return Evaluation.objects.filter(
        profile__in=list(HardwareProfile.objects.values_list("pk", flat=True)),
        state__in=[Evaluation.State.SCORED, Evaluation.State.FAILED],
        measured_by=None,
        finished_at__gt=timezone.now() - LATELY,
    ).order_by()


def lately() -> Iterator[Metric]:
    """What the last hour brought, for each profile."""
    slugs = list(HardwareProfile.objects.values_list("slug", flat=True))
    counts = {(slug, str(state)): 0 for slug in slugs for state in ENDS}
    broken = Evaluation.objects.filter(
        state=Evaluation.State.ERROR, finished_at__gt=timezone.now() - LATELY
    ).order_by()
    for rows in (ended(), broken):
        for slug, state, number in rows.values_list("profile__slug", "state").annotate(
            number=Count("pk")
        ):
            counts[slug, state] = number
    yield gauge(
        "featherweight_ended_lately",
        "Evaluations that ended in the last hour, by how.",
        ["profile", "state"],
        list(counts.items()),
    )
    since = timezone.now() - LATELY
    yield single(
        "featherweight_uploads_lately",
        "Models that were accepted in the last hour.",
        Submission.objects.filter(uploaded_at__gt=since).count(),
    )


def times() -> Iterator[Metric]:
    """How long the evaluations of the last hour waited, and how long they took."""
    slugs = list(HardwareProfile.objects.values_list("slug", flat=True))
    took = F("finished_at") - F("claimed_at")
    busy: dict[str, Any] = dict.fromkeys(slugs)
    busy |= dict(ended().values_list("profile__slug").annotate(took=Sum(took)))
    yield gauge(
        "featherweight_measuring_seconds_lately",
        "Seconds of workers that these evaluations took.",
        ["profile"],
        [((slug,), took.total_seconds() if took else 0.0) for slug, took in busy.items()],
    )
    waits: dict[str, list[float]] = {slug: [] for slug in slugs}
    for slug, queued, claimed in ended().values_list("profile__slug", "queued_at", "claimed_at"):
        if claimed:
            waits[slug].append((claimed - queued).total_seconds())
    yield gauge(
        "featherweight_wait_seconds_lately",
        "Median time from the upload to the last claim, of these evaluations.",
        ["profile"],
        [((slug,), statistics.median(all_)) for slug, all_ in waits.items() if all_],
    )


def sending() -> Iterator[Metric]:
    """What is due to leave, by kind."""
    now = timezone.now()
    due = {
        "notices": Happening.objects.filter(due_at__lte=now).count(),
        "mails": mailing.waiting(since=now),
        "webhooks": Delivery.objects.filter(due_at__lte=now, webhook__stopped_at=None).count(),
    }
    yield gauge(
        "featherweight_post_waiting",
        "Notices, mails and calls of webhooks that are due and not sent.",
        ["kind"],
        [((kind,), count) for kind, count in due.items()],
    )


def kept() -> Iterator[Metric]:
    """The room on disks, and the size of the database."""
    usage = {name: shutil.disk_usage(folder) for name, folder in data.disks()}
    yield gauge(
        "featherweight_disk_free_bytes",
        "Free bytes where the process that answers keeps files.",
        ["folder"],
        [((name,), one.free) for name, one in usage.items()],
    )
    yield gauge(
        "featherweight_disk_bytes",
        "All bytes of these disks.",
        ["folder"],
        [((name,), one.total) for name, one in usage.items()],
    )
    yield single("featherweight_database_bytes", "Size of the database.", database_bytes())


def database_bytes() -> int:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute(
                "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
            )
        return int(cursor.fetchone()[0])
