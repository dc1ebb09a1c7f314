"""The dashboard of a competition and of the site: small plots, and a list behind each number."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import formats, timezone
from django.utils.translation import gettext, ngettext
from unfold.admin import ModelAdmin
from unfold.templatetags.unfold import unicoded_slugify

from leaderboard.admin import pages, signs
from leaderboard.models import Competition, Evaluation, Question, Submission, Worker
from leaderboard.models.organizers import is_operator
from leaderboard.services import dashboards, questions
from leaderboard.services.dashboards import Dashboard
from leaderboard.services.health import data
from leaderboard.services.workers import ALIVE
from leaderboard.sizes import megabytes

WIDTH, HEIGHT = 140, 36
"""Pixels of a small plot."""
FULL = 0.9
"""A disk is marked from this share on."""


@dataclass(frozen=True)
class Bar:
    """One day of a small plot."""

    x: float
    y: float
    width: float
    height: float
    said: str


@dataclass(frozen=True)
class Tile:
    """A number, what it counts, its days, and the list behind it."""

    number: str
    name: str
    url: str
    bars: Sequence[Bar] = ()
    colour: str = ""


@dataclass(frozen=True)
class Reason:
    """Why evaluations failed, and the list of these."""

    code: str
    number: int
    whose: str
    url: str


def page(admin: ModelAdmin, request: HttpRequest, competition: Competition) -> HttpResponse:
    context = pages.frame(admin, request, competition) | {
        "title": gettext("Dashboard of %(competition)s") % {"competition": competition},
        **context_of(competition, sees_machines=is_operator(request.user)),
    }
    return TemplateResponse(request, "admin/dashboard.html", context)


def context_of(competition: Competition | None, *, sees_machines: bool) -> dict[str, Any]:
    """The tiles and the reasons of a competition, or of the whole site."""
    found = dashboards.of(competition)
    more = [open_questions(competition)]
    if competition:
        more.append(probing(found, competition))
    more += disks(competition)
    ready = workers(competition)
    if not sees_machines:
        ready = replace(ready, url="")
    return {
        "tiles": [*of_days(found, competition), *of_now(found, competition), ready, *more],
        "reasons": [reason(one, competition) for one in found.codes],
        "days": dashboards.DAYS,
    }


def of_days(found: Dashboard, competition: Competition | None) -> list[Tile]:
    """The tiles of figures that are counted day by day."""
    days = [one.day for one in found.days]
    first = found.since.isoformat()

    def ended(state: str) -> str:
        chosen: dict[str, object] = {"state__exact": state, "finished_at__gte": first}
        if state != "error":  # an evaluation that shares a measurement was not measured
            chosen |= {"measured_by__isnull": True, "why__in": ",".join(dashboards.COUNTED)}
        return listed(Evaluation, competition, **chosen)

    def tile(name: str, said: str, url: str, colour: str = "") -> Tile:
        numbers = [getattr(one, name) for one in found.days]
        return Tile(count(sum(numbers)), said, url, drawn(days, numbers), colour)

    board = f"{competition.get_absolute_url()}boards/public/?sort=uploaded" if competition else ""
    uploads = listed(Submission, competition, uploaded_at__gte=first)
    return [
        tile("uploads", gettext("uploads"), uploads),
        tile("scored", gettext("scored"), ended("scored")),
        tile("failed", gettext("failed, by the team"), ended("failed"), "warning"),
        tile("errors", gettext("failed, by the service"), ended("error"), "danger"),
        tile("moved", gettext("rows of the public board from these days"), board),
    ]


def of_now(found: Dashboard, competition: Competition | None) -> list[Tile]:
    """The tiles of this moment."""
    queue = found.queue
    late = gettext("median wait of the last day; 95 %% waited at most %(late)s")
    none = gettext("No upload of the last day was measured.")
    return [
        Tile(
            count(queue.queued),
            waiting(queue.oldest),
            listed(Evaluation, competition, state__exact="queued"),
        ),
        Tile(
            count(queue.running),
            gettext("running"),
            listed(Evaluation, competition, state__exact="running"),
        ),
        Tile(
            length(found.waits.median),
            late % {"late": length(found.waits.late)} if found.waits.number else none,
            listed(Evaluation, competition, **waited()),
        ),
    ]


def waited() -> dict[str, object]:
    """The filters of the list behind the tile of waits."""
    return {
        "state__in": "scored,failed",
        "why__exact": Evaluation.Why.FIRST,
        "measured_by__isnull": True,
        "claimed_at__isnull": False,
        "finished_at__gte": (timezone.now() - dashboards.WAITS).isoformat(timespec="seconds"),
    }


def open_questions(competition: Competition | None) -> Tile:
    """What participants asked and nobody answered."""
    number = questions.number_open(competition)
    chosen: dict[str, object] = {"state": "open"}
    if competition:
        chosen["competition__id__exact"] = competition.pk
    says = ngettext("question waits for an answer", "questions wait for an answer", number)
    return Tile(count(number), says, f"{pages.list_url(Question)}?{urlencode(chosen)}")


def probing(found: Dashboard, competition: Competition) -> Tile:
    text = gettext("teams with steps below noise")
    tab = unicoded_slugify(str(signs.TITLE))
    return Tile(count(found.probing), text, f"{pages.change_url(competition)}#{quote(tab)}")


def workers(competition: Competition | None) -> Tile:
    """The live workers that take work, of all live ones."""
    live = Worker.objects.filter(seen_at__gt=timezone.now() - ALIVE)
    if competition:
        live = live.filter(profile=competition.profile_id)
    states = [(one.state, one.drained_at) for one in live.only("state", "drained_at")]
    ready = sum(state == Worker.State.READY and not drained for state, drained in states)
    url = pages.list_url(Worker)
    if competition:
        url += f"?{urlencode({'profile__id__exact': competition.profile_id})}"
    says = ngettext(
        "worker accepts work (%(live)s running in total)",
        "workers accept work (%(live)s running in total)",
        ready,
    )
    return Tile(count(ready), says % {"live": count(len(states))}, url)


def disks(competition: Competition | None) -> list[Tile]:
    """The room where this process keeps files, with the list of what lies there."""
    found = []
    for name, folder in data.disks():
        usage = shutil.disk_usage(folder)
        is_full = usage.used / usage.total > FULL
        text = gettext("free on the disk of %(folder)s") % {"folder": name}
        colour = "danger" if is_full else ""
        found.append(Tile(megabytes(usage.free), text, filling(name, competition), (), colour))
    return found


def filling(name: str, competition: Competition | None) -> str:
    """The list of what fills a disk: submissions, or what runs where files are temporary."""
    if name == "TMPDIR":
        return listed(Evaluation, competition, state__exact="running")
    return listed(Submission, competition)


def reason(one: dashboards.Code, competition: Competition | None) -> Reason:
    field = "error_code" if one.is_ours else "failure_code"
    state = "error" if one.is_ours else "failed"
    url = listed(Evaluation, competition, state__exact=state, **{field: one.code})
    whose = gettext("the service") if one.is_ours else gettext("the team")
    return Reason(one.code, one.number, whose, url)


def listed(model: Any, competition: Competition | None, **chosen: object) -> str:
    """The address of a list that shows what a number counts."""
    if model is Evaluation:
        chosen["kind__exact"] = Evaluation.Kind.SUBMISSION
    if competition:
        chosen["competition__id__exact"] = competition.pk
    return f"{pages.list_url(model)}?{urlencode(chosen)}"


def drawn(days: Sequence[date], numbers: Sequence[int]) -> list[Bar]:
    """A bar for each day. A day without any has a line at the bottom."""
    most, step = max([*numbers, 1]), WIDTH / len(numbers)
    bars = []
    for place, (day, number) in enumerate(zip(days, numbers, strict=True)):
        height = max(1.0, HEIGHT * number / most)
        said = f"{formats.date_format(day, 'MONTH_DAY_FORMAT')}: {count(number)}"
        x, y = round(place * step, 1), round(HEIGHT - height, 1)
        bars.append(Bar(x, y, round(step - 1.5, 1), round(height, 1), said))
    return bars


def count(number: int) -> str:
    return f"{number:,}"


def waiting(oldest: timedelta | None) -> str:
    if oldest is None:
        return gettext("wait")
    return gettext("wait, the first one for %(time)s") % {"time": length(oldest)}


def length(time: timedelta | None) -> str:
    """A length of time in its largest unit."""
    if time is None:
        return "–"
    seconds = round(time.total_seconds())
    if seconds < 60:
        return gettext("%(count)d s") % {"count": seconds}
    if seconds < 3600:
        return gettext("%(count)d min") % {"count": round(seconds / 60)}
    if seconds < 2 * 86400:
        return gettext("%(count)d h") % {"count": round(seconds / 3600)}
    days = round(seconds / 86400)
    return ngettext("%(count)d day", "%(count)d days", days) % {"count": days}
