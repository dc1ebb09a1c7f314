"""The first page: what needs attention, and how busy the machines are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from leaderboard.admin import pages
from leaderboard.errors import Conflict
from leaderboard.models import (
    Competition,
    Evaluation,
    HardwareProfile,
    Submission,
    Team,
    Worker,
)
from leaderboard.models.counts import count_of
from leaderboard.services import competitions
from leaderboard.services.workers import ALIVE

RECENT = timedelta(days=7)
MOST = 20
"""Competitions on the page, the newest; the list has them all."""
NEXT = {
    "no_dataset": "Next: choose its dataset.",
    "no_reference": "Next: upload its reference model.",
    "no_calibration": "Next: calibrate its reference.",
}
"""What a draft waits for, by the code of the refusal to open it."""


@dataclass(frozen=True)
class Notice:
    level: str
    text: str
    url: str = ""


def context(request: HttpRequest, base: dict[str, Any]) -> dict[str, Any]:
    """What unfold asks for when it shows the index."""
    profiles = list(busy_profiles())
    unfinished = Evaluation.objects.unfinished()
    shown = list(
        Competition.objects.select_related("dataset", "reference", "calibration")
        .prefetch_related("dataset__splits")
        .annotate(
            teams_count=count_of(Team.objects.all(), "competition"),
            submissions_count=count_of(Submission.objects.all(), "competition"),
            queued=count_of(unfinished, "competition"),
        )[:MOST]
    )
    return base | {
        "title": "What needs attention",
        "notices": [*mail(), *machines(profiles), *sidelined(), *weak(), *errors(), *steps(shown)],
        "profiles": profiles,
        "competitions": shown,
        "workers": Worker.objects.select_related("profile")[:8],
        "alive_since": timezone.now() - ALIVE,
        "labels": pages.STATE_LABELS,
    }


def busy_profiles() -> QuerySet[HardwareProfile]:
    """The profiles with what waits and runs there, and how many workers are alive."""
    states = Evaluation.State
    return HardwareProfile.objects.annotate(
        queued=count_of(Evaluation.objects.filter(state=states.QUEUED), "profile"),
        running=count_of(Evaluation.objects.filter(state=states.RUNNING), "profile"),
        alive=count_of(Worker.objects.filter(seen_at__gt=timezone.now() - ALIVE), "profile"),
    )


def mail() -> list[Notice]:
    if settings.EMAIL_URL:
        return []
    return [
        Notice(
            "info",
            "E-mail is not configured: addresses are not verified and nobody can reset a password. "
            "Set EMAIL_URL.",
        )
    ]


def machines(profiles: list[Any]) -> list[Notice]:
    """Work that nobody takes."""
    return [
        Notice(
            "error",
            f"Queued for {one.name}: {one.queued}. No worker of it was seen in the last "
            f"{ALIVE.seconds // 60} minutes. Start one: manage.py work --profile {one.slug}, "
            f"or a Celery worker with -Q {one.slug}.",
            pages.change_url(one),
        )
        for one in profiles
        if one.queued and not one.alive
    ]


def sidelined() -> list[Notice]:
    """Workers that found themselves unfit."""
    unfit = Worker.objects.filter(
        state=Worker.State.SIDELINED, seen_at__gt=timezone.now() - ALIVE
    ).select_related("profile")
    return [
        Notice(
            "warning",
            f"Worker {one} of {one.profile} takes no work and tries again by itself. {one.reason}",
            pages.change_url(one),
        )
        for one in unfit
    ]


def weak() -> list[Notice]:
    """Models that ran in less than the whole sandbox."""
    count = Evaluation.objects.filter(
        isolation__is_weak=True, finished_at__gt=timezone.now() - RECENT
    ).count()
    if not count:
        return []
    return [
        Notice(
            "error",
            f"Evaluations in weak isolation in the last {RECENT.days} days: {count}. Their workers "
            "have ALLOW_WEAK_SANDBOX set, which is for development: a hostile model there could "
            "do whatever the worker can.",
            reverse("admin:leaderboard_evaluation_changelist"),
        )
    ]


def errors() -> list[Notice]:
    count = Evaluation.objects.filter(
        state=Evaluation.State.ERROR, finished_at__gt=timezone.now() - RECENT
    ).count()
    if not count:
        return []
    return [
        Notice(
            "error",
            f"Evaluations that ended by our fault in the last {RECENT.days} days: {count}. A first "
            "one gave its quota back; read the error and evaluate again.",
            f"{reverse('admin:leaderboard_evaluation_changelist')}?state__exact=error",
        )
    ]


def steps(shown: list[Any]) -> list[Notice]:
    """What each competition waits for."""
    found = []
    for one in shown:
        url = pages.change_url(one)
        if one.state == Competition.State.DRAFT:
            found.append(Notice("info", f"{one} is a draft. {missing(one)}", url))
        elif one.state == Competition.State.CLOSED and not one.queued:
            found.append(Notice("info", f"{one} is closed and its board can be published.", url))
        if not one.is_published:
            nothing = competitions.do_nothing(one)
            if nothing and nothing.is_ranked:
                text = (
                    f"{one} would rank a do-nothing model: set a gate above {nothing.quality:.3f}."
                )
                found.append(Notice("warning", text, url))
    return found


def missing(draft: Competition) -> str:
    """What a draft waits for."""
    try:
        competitions.check_openable(draft)
    except Conflict as refusal:
        return NEXT.get(refusal.code, refusal.detail)
    return "It is calibrated and can be opened."
