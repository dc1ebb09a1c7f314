"""The first page: what needs attention, and how busy the machines are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext

from leaderboard.admin import overviews, pages
from leaderboard.errors import Conflict
from leaderboard.models import (
    Application,
    Competition,
    Dataset,
    Evaluation,
    HardwareProfile,
    Question,
    Rescore,
    Submission,
    Team,
    Verification,
    Worker,
)
from leaderboard.models.counts import count_of
from leaderboard.models.organizers import is_operator, organized_by
from leaderboard.services import competitions, gates, hosts
from leaderboard.services.profiles import with_counts
from leaderboard.services.workers import ALIVE

RECENT = timedelta(days=7)
MOST = 20
"""Number of competitions on the page, newest first. The list shows all."""
NEXT = {
    "no_dataset": gettext_lazy("Next: choose its dataset."),
    "no_reference": gettext_lazy("Next: upload its reference model."),
    "no_calibration": gettext_lazy("Next: calibrate its reference model."),
}
"""What a draft waits for, by the code of the refusal to open it."""


@dataclass(frozen=True)
class Notice:
    level: str
    text: str
    url: str = ""


def context(request: HttpRequest, base: dict[str, Any]) -> dict[str, Any]:
    """The index page's variables; `base` holds those of unfold."""
    sees_machines = is_operator(request.user)
    profiles = list(with_counts(HardwareProfile.objects.all())) if sees_machines else []
    unfinished = Evaluation.objects.unfinished()
    waiting = Application.objects.filter(state=Application.State.WAITING)
    proposed = Rescore.objects.filter(state=Rescore.State.PREVIEW)
    sent = Verification.objects.filter(state=Verification.State.HANDED_IN)
    shown = list(
        Competition.objects.filter(organized_by(request.user, competition="pk"))
        .select_related("dataset", "reference", "calibration")
        .prefetch_related("dataset__splits")
        .annotate(
            teams_count=count_of(Team.objects.all(), "competition"),
            submissions_count=count_of(Submission.objects.all(), "competition"),
            queued=count_of(unfinished, "competition"),
            questions_count=count_of(Question.objects.open(), "competition"),
            applications_count=count_of(waiting, "competition"),
            rescores_count=count_of(proposed, "competition"),
            verifications_count=count_of(sent, "competition"),
        )[:MOST]
    )
    site = overviews.context_of(None, sees_machines=True) if sees_machines else {}
    return base | {
        **site,
        "title": gettext("What needs attention"),
        "notices": [
            *(first_steps(profiles) if sees_machines and not shown else ()),
            *(of_site(profiles) if sees_machines else ()),
            *steps(shown),
        ],
        "sees_machines": sees_machines,
        "profiles": profiles,
        "competitions": shown,
        "workers": Worker.objects.select_related("profile")[:8] if sees_machines else [],
        "alive_since": timezone.now() - ALIVE,
        "labels": pages.STATE_LABELS,
    }


def first_steps(profiles: list[Any]) -> list[Notice]:
    """The next step to the first competition of a site."""
    if not profiles:
        text = gettext(
            "This site has no competition yet. Step 1 of 3: add a hardware profile, the kind of "
            "machine that measures."
        )
        return [Notice("info", text, reverse("admin:leaderboard_hardwareprofile_add"))]
    if not Dataset.objects.exists():
        text = gettext("This site has no competition yet. Step 2 of 3: import the images.")
        return [Notice("info", text, reverse("admin:leaderboard_dataset_add"))]
    text = gettext("This site has no competition yet. Step 3 of 3: add the competition.")
    return [Notice("info", text, reverse("admin:leaderboard_competition_add"))]


def of_site(profiles: list[Any]) -> list[Notice]:
    """What operators should know of mail, machines and evaluations."""
    return [*mail(), *machines(profiles), *sidelined(), *slow_hosts(), *weak(), *errors()]


def mail() -> list[Notice]:
    if settings.EMAIL_URL:
        return []
    return [
        Notice(
            "info",
            gettext(
                "Mail is not set up. Addresses are not verified, and nobody can reset a "
                "password. Set EMAIL_URL."
            ),
        )
    ]


def machines(profiles: list[Any]) -> list[Notice]:
    """Profiles with queued evaluations and without a live worker."""
    return [
        Notice(
            "error",
            gettext(
                "Queued for %(profile)s: %(queued)d. No worker of this profile was seen in "
                "the last %(minutes)d minutes. Start one: manage.py work --profile %(slug)s, "
                "or a Celery worker with -Q %(slug)s."
            )
            % {
                "profile": one.name,
                "queued": one.queued,
                "minutes": ALIVE.seconds // 60,
                "slug": one.slug,
            },
            pages.change_url(one),
        )
        for one in profiles
        if one.queued and not one.alive
    ]


def sidelined() -> list[Notice]:
    """Live workers that take no work."""
    unfit = Worker.objects.filter(
        state=Worker.State.SIDELINED, seen_at__gt=timezone.now() - ALIVE
    ).select_related("profile")
    return [
        Notice(
            "warning",
            gettext(
                "Worker %(worker)s of %(profile)s accepts no work and tries again automatically."
            )
            % {"worker": one, "profile": one.profile}
            + f" {one.reason}",
            pages.change_url(one),
        )
        for one in unfit
    ]


def slow_hosts() -> list[Notice]:
    """Live workers on whose hosts a turn costs too much, or an unknown time."""
    live = Worker.objects.filter(seen_at__gt=timezone.now() - ALIVE).select_related("profile")
    said = ((one, hosts.trouble(one)) for one in live)
    return [Notice("warning", text, pages.change_url(one)) for one, text in said if text]


def weak() -> list[Notice]:
    """Evaluations of the last days whose sandbox lacked a layer."""
    count = Evaluation.objects.filter(
        isolation__is_weak=True, finished_at__gt=timezone.now() - RECENT
    ).count()
    if not count:
        return []
    return [
        Notice(
            "error",
            gettext(
                "Evaluations in weak isolation in the last %(days)d days: %(count)d. Their workers "
                "have ALLOW_WEAK_SANDBOX set, which is for development. A hostile model there "
                "could do everything that the worker can do."
            )
            % {"days": RECENT.days, "count": count},
            lately(isolation="weak"),
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
            gettext(
                "Evaluations that failed because of the service in the last %(days)d days: "
                "%(count)d. The teams got these uploads back. Read the errors and evaluate again."
            )
            % {"days": RECENT.days, "count": count},
            lately(state__exact="error"),
        )
    ]


def lately(**chosen: str) -> str:
    """The list of the last days' evaluations that were chosen so."""
    first = (timezone.now() - RECENT).isoformat(timespec="seconds")
    return f"{pages.list_url(Evaluation)}?{urlencode({**chosen, 'finished_at__gte': first})}"


def steps(shown: list[Any]) -> list[Notice]:
    """What each competition waits for."""
    found = []
    for one in shown:
        url, facts = pages.change_url(one), {"competition": one}
        if one.state == Competition.State.DRAFT:
            text = gettext("%(competition)s is a draft.") % facts
            found.append(Notice("info", f"{text} {missing(one)}", url))
        elif one.state == Competition.State.CLOSED and not one.queued:
            text = gettext("%(competition)s is closed and its board can be published.") % facts
            found.append(Notice("info", text, url))
        if one.questions_count:
            found.append(asked(one))
        if one.applications_count:
            found.append(applied(one))
        if one.rescores_count:
            text = gettext("A rescore of %(competition)s is waiting for a decision.") % facts
            chosen = f"?competition__id__exact={one.pk}&state__exact=preview"
            found.append(Notice("warning", text, pages.list_url(Rescore) + chosen))
        if one.verifications_count:
            text = gettext("Winners of %(competition)s handed in and wait for your decision.")
            chosen = f"?competition__id__exact={one.pk}&state__exact=handed_in"
            found.append(Notice("warning", text % facts, pages.list_url(Verification) + chosen))
        if not one.is_published:
            nothing = gates.do_nothing(one)
            if nothing and nothing.is_ranked:
                sentence = gettext(
                    "%(competition)s would give a rank to a model that does nothing. Set a "
                    "gate above %(quality)s."
                )
                text = sentence % {**facts, "quality": f"{nothing.quality:.3f}"}
                found.append(Notice("warning", text, url))
    return found


def asked(competition: Any) -> Notice:
    """A notice that questions of participants wait for an answer."""
    text = ngettext(
        "%(number)d question about %(competition)s waits for an answer.",
        "%(number)d questions about %(competition)s wait for an answer.",
        competition.questions_count,
    )
    chosen = f"?competition__id__exact={competition.pk}&state=open"
    told = text % {"number": competition.questions_count, "competition": competition}
    return Notice("warning", told, pages.list_url(Question) + chosen)


def applied(competition: Any) -> Notice:
    """A notice that applications wait for a decision."""
    text = ngettext(
        "%(number)d application for %(competition)s waits for a decision.",
        "%(number)d applications for %(competition)s wait for a decision.",
        competition.applications_count,
    )
    chosen = f"?competition__id__exact={competition.pk}&state__exact=waiting"
    told = text % {"number": competition.applications_count, "competition": competition}
    return Notice("warning", told, pages.list_url(Application) + chosen)


def missing(draft: Competition) -> str:
    """What a draft waits for."""
    try:
        competitions.check_openable(draft)
    except Conflict as refusal:
        return str(NEXT.get(refusal.code, refusal.detail))
    return gettext("The reference is calibrated, and the competition can be opened.")
