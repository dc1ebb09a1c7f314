"""Workers: what each does now, what it did lately, and how well it agrees with itself."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext, gettext_lazy
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display

from leaderboard.admin import hosts, pages, pictures
from leaderboard.models import Canary, Worker
from leaderboard.services import fleet, workers
from leaderboard.services.fleet import Doing, Facts

LABELS = {
    Doing.READY: "success",
    Doing.BUSY: "primary",
    Doing.DRAINING: "warning",
    Doing.DRAINED: "info",
    Doing.SIDELINED: "danger",
    Doing.AWAY: "default",
}
WORDS = {
    Doing.READY: gettext_lazy("waits for work"),
    Doing.BUSY: gettext_lazy("measures"),
    Doing.DRAINING: gettext_lazy("draining"),
    Doing.DRAINED: gettext_lazy("drained"),
    Doing.SIDELINED: gettext_lazy("unfit"),
    Doing.AWAY: gettext_lazy("not seen"),
}
SHOWN_VERSIONS = ("torch", "protocol")


class CanaryFigures:
    """Columns of a canary, for the list and for a worker's page."""

    @display(
        description=gettext_lazy("Time ratio of the reference against itself"),
        ordering="time_ratio",
    )
    def ratio(self, canary: Canary) -> str:
        return pages.ratio(canary.time_ratio, canary.half_width)

    @display(description=gettext_lazy("Reason"))
    def why(self, canary: Canary) -> str:
        return canary.reason or "–"

    @display(description=gettext_lazy("Cores used by other programs"), ordering="foreign_load")
    def load(self, canary: Canary) -> str:
        return pages.number(canary.foreign_load, 2)


class CanaryInline(CanaryFigures, pages.FixedInline):
    model = Canary
    fields = ["measured_at", "passed", "ratio", "load", "why"]
    readonly_fields = fields
    per_page = 20
    verbose_name_plural = gettext_lazy("canaries")


@admin.register(Canary)
class CanaryAdmin(CanaryFigures, pages.Fixed):
    comes_from = gettext_lazy(
        "Workers measure the reference against itself from time to time. These canaries stand here."
    )
    list_display = ["measured_at", "worker", "passed", "ratio", "load", "why"]
    list_filter = ["worker__profile", "passed"]
    search_fields = ["worker__name"]
    date_hierarchy = "measured_at"
    fields = ["worker", "measured_at", "passed", "ratio", "load", "why"]
    readonly_fields = ["ratio", "load", "why"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Canary]:
        return super().get_queryset(request).select_related("worker")


class WithFacts(ChangeList):
    """A page of workers. What they do is asked once for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        found = fleet.facts(self.result_list)
        for worker in self.result_list:
            worker.facts = found[worker.pk]


@admin.register(Worker)
class WorkerAdmin(pages.Fixed):
    comes_from = gettext_lazy(
        "Start a worker with “manage.py work --profile”. It stands here as soon as it runs."
    )
    list_display = ["named", "now", "work", "share", "canary", "built", "error"]
    list_filter = ["profile", "state"]
    search_fields = ["name"]
    fields = [
        ("name", "profile"),
        "now",
        "work",
        "why",
        "share",
        ("canary_due_at", "drained_at"),
        "trend",
        "error",
        ("seen_at", "started_at"),
        "turns",
        "fingerprint",
        "versions",
    ]
    readonly_fields = ["now", "work", "why", "share", "trend", "error", "turns"]
    inlines = [CanaryInline]
    actions_detail = ["drain", "resume"]
    list_before_template = "admin/fleet.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return WithFacts

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        more = {"fleet": fleet.by_profile()}
        return super().changelist_view(request, (extra_context or {}) | more)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        canaries = Canary.objects.filter(worker=OuterRef("pk")).order_by("-pk")
        return (
            super()
            .get_queryset(request)
            .select_related("profile")
            .annotate(
                last_ratio=Subquery(canaries.values("time_ratio")[:1]),
                last_half_width=Subquery(canaries.values("half_width")[:1]),
            )
        )

    @display(description=gettext_lazy("Name"), ordering="name")
    def named(self, worker: Worker) -> SafeString:
        return format_html("{}<br><small>{}</small>", worker.name, worker.profile)

    @display(description=gettext_lazy("Now"), ordering="seen_at")
    def now(self, worker: Worker) -> SafeString:
        doing = facts(worker).doing
        if doing == Doing.AWAY:
            times = {"time": timesince(worker.seen_at, depth=1)}
            text, more = gettext("not seen for %(time)s") % times, ""
        else:
            times = {"time": timesince(worker.started_at, depth=2)}
            text, more = str(WORDS[doing]), gettext("started %(time)s ago") % times
        if doing == Doing.SIDELINED:
            more = worker.reason
        label = render_to_string("unfold/helpers/label.html", {"text": text, "type": LABELS[doing]})
        return format_html("{}<br><small>{}</small>", label, more)

    @display(description=gettext_lazy("Work"))
    def work(self, worker: Worker) -> SafeString | str:
        running = facts(worker).running
        if running is None:
            return "–"
        of = running.submission or running.competition
        page = running.rescore if running.is_hidden and running.rescore else running
        said = {"link": pages.link(page, str(of)), "running": running}
        return render_to_string("admin/work.html", said)

    @display(description=gettext_lazy("Measured in 24 h"))
    def share(self, worker: Worker) -> SafeString:
        percent = round(100 * facts(worker).measured_share)
        return render_to_string("admin/share.html", {"percent": percent})

    @display(description=gettext_lazy("Reason"))
    def why(self, worker: Worker) -> str:
        return worker.reason or "–"

    @display(description=gettext_lazy("Last canary"))
    def canary(self, worker: Worker) -> str:
        return pages.ratio(worker.last_ratio, worker.last_half_width)  # type: ignore[attr-defined]

    @display(description=gettext_lazy("Canaries"))
    def trend(self, worker: Worker) -> SafeString:
        return pictures.plot(worker.canaries.all(), worker.profile.canary_band)

    @display(description=gettext_lazy("Cost of a turn"))
    def turns(self, worker: Worker) -> str:
        return hosts.turns(worker.numbers)

    @display(description=gettext_lazy("Versions"))
    def built(self, worker: Worker) -> SafeString | str:
        named = [
            f"{name} {worker.versions[name]}" for name in SHOWN_VERSIONS if name in worker.versions
        ]
        text = ", ".join(named) or "–"
        if not facts(worker).is_other:
            return text
        said = {"text": gettext("differs"), "type": "warning"}
        return format_html("{} {}", text, render_to_string("unfold/helpers/label.html", said))

    @display(description=gettext_lazy("Last error"), ordering="last_error_at")
    def error(self, worker: Worker) -> str:
        if not worker.last_error_at:
            return "–"
        ago = gettext("%(time)s ago") % {"time": timesince(worker.last_error_at, depth=1)}
        return f"{ago}: {worker.last_error}"

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        worker = self.get_object(request, str(object_id))
        step = "resume" if worker and worker.drained_at else "drain"
        return [
            one
            for one in super().get_actions_detail(request, object_id)
            if one.action_name == f"leaderboard_worker_{step}"
        ]

    @action(description=gettext_lazy("Drain"), icon="pause_circle")
    def drain(self, request: HttpRequest, object_id: str) -> HttpResponse:
        worker = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            worker,
            title=gettext("Drain this worker"),
            says=gettext(
                "The worker finishes its current evaluation and accepts no new work, so you "
                "can stop it without loss. Other workers of the profile continue. The worker "
                "accepts work again when somebody resumes it, or when it starts again."
            ),
            button=gettext("Drain the worker"),
            do=lambda: workers.drain(worker=worker, by=pages.organizer(request)),
            done=gettext("The worker accepts no new work."),
        )

    @action(description=gettext_lazy("Resume"), icon="play_circle")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        worker = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            worker,
            title=gettext("Resume this worker"),
            says=gettext("The worker accepts work again within half a minute."),
            button=gettext("Resume the worker"),
            do=lambda: workers.resume(worker=worker, by=pages.organizer(request)),
            done=gettext("The worker accepts work again."),
        )


def facts(worker: Worker) -> Facts:
    """What a worker does now, asked once for each row that is shown."""
    if "facts" not in worker.__dict__:
        worker.__dict__["facts"] = fleet.facts([worker])[worker.pk]
    found: Facts = worker.__dict__["facts"]
    return found
