"""Hardware profiles, and the workers that serve them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import display

from leaderboard.admin import pages
from leaderboard.models import Canary, HardwareProfile, Worker
from leaderboard.services import profiles
from leaderboard.services.workers import ALIVE

FITNESS_LABELS = {"ready": "success", "sidelined": "danger"}
PLOTTED = 60


@admin.register(HardwareProfile)
class HardwareProfileAdmin(pages.Noun):
    list_display = ["name", "slug", "device", "threads", "queued", "running", "alive"]
    search_fields = ["name", "slug"]
    change_form_outer_before_template = "admin/presets.html"
    fieldsets = [
        (None, {"fields": [("name", "slug"), "description", ("device", "threads")]}),
        (
            gettext_lazy("How exactly time is measured"),
            {
                "description": gettext_lazy(
                    "Slug, device and threads are fixed after the first measurement on this "
                    "profile. The published ratio is fixed while a competition runs on this "
                    "profile. Add another profile instead."
                ),
                "fields": [
                    ("min_segments", "min_quads"),
                    ("target_half_width", "max_half_width"),
                    ("max_seconds", "published"),
                ],
            },
        ),
        (
            gettext_lazy("How workers check themselves"),
            {
                "description": gettext_lazy(
                    "A canary measures the calibrated reference model against itself. Its time "
                    "ratio should be 1. A worker takes no work if its canary is outside of the "
                    "band, or if other programs use too much of the machine."
                ),
                "fields": [
                    ("canary_every_minutes", "canary_band"),
                    "max_foreign_load",
                    "trend",
                ],
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[HardwareProfile]:
        return profiles.with_counts(super().get_queryset(request))

    def get_readonly_fields(
        self, request: HttpRequest, obj: HardwareProfile | None = None
    ) -> list[str]:
        fixed = sorted(profiles.fixed_fields(obj)) if obj else []
        return [*fixed, "trend"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """The first values of the preset that the address names."""
        preset = profiles.preset(request.GET.get("preset", ""))
        return dict(preset.values) if preset else {}

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        answer = super().changeform_view(request, object_id, *args, **kwargs)
        if object_id is None and isinstance(answer, TemplateResponse) and answer.context_data:
            answer.context_data |= {"presets": presets(request.GET.get("preset", ""))}
        return answer

    def save_model(
        self, request: HttpRequest, obj: HardwareProfile, form: ModelForm, change: bool
    ) -> None:
        profiles.save(profile=obj, by=pages.organizer(request))

    @display(description=gettext_lazy("Canaries"))
    def trend(self, profile: HardwareProfile) -> SafeString:
        return plot(Canary.objects.filter(worker__profile=profile.pk), profile.canary_band)

    @display(description=gettext_lazy("Queued"), ordering="queued")
    def queued(self, profile: HardwareProfile) -> int:
        return profile.queued  # type: ignore[attr-defined]

    @display(description=gettext_lazy("Running"), ordering="running")
    def running(self, profile: HardwareProfile) -> int:
        return profile.running  # type: ignore[attr-defined]

    @display(description=gettext_lazy("Workers seen lately"), ordering="alive")
    def alive(self, profile: HardwareProfile) -> int:
        return profile.alive  # type: ignore[attr-defined]


@dataclass(frozen=True)
class ShownPreset:
    """A preset with what its numbers mean."""

    name: str
    title: str
    why: str
    meaning: list[str]
    is_chosen: bool


def presets(chosen: str) -> list[ShownPreset]:
    return [
        ShownPreset(
            one.name,
            str(one.title),
            str(one.why),
            meaning(one.profile()),
            is_chosen=one.name == chosen,
        )
        for one in profiles.PRESETS
    ]


def meaning(profile: HardwareProfile) -> list[str]:
    """What the numbers of a profile come to, in sentences."""
    facts = {
        "target": f"{profile.target_half_width:.1%}",
        # Two intervals that are independent: the root of the sum of their squares.
        "tied": f"{2**0.5 * profile.target_half_width:.1%}",
        "most": f"{profile.max_half_width:.0%}",
        "seconds": f"{profile.max_seconds:g}",
        "band": f"{profile.canary_band:.0%}",
        "minutes": profile.canary_every_minutes,
        "load": f"{profile.max_foreign_load or 0:g}",
    }
    return [
        gettext(
            "Measuring stops at ± %(target)s. Two models whose times differ by less than %(tied)s "
            "stay tied."
        )
        % facts,
        gettext("At most %(seconds)s s of paired measuring; wider than ± %(most)s is repeated.")
        % facts,
        gettext(
            "Every %(minutes)d minutes the reference is measured against itself. A worker that is "
            "off by more than %(band)s takes no work."
        )
        % facts,
        gettext("A worker waits while other programs use more than %(load)s cores.") % facts,
    ]


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
    list_display = ["measured_at", "worker", "passed", "ratio", "load", "why"]
    list_filter = ["worker__profile", "passed"]
    search_fields = ["worker__name"]
    date_hierarchy = "measured_at"
    fields = ["worker", "measured_at", "passed", "ratio", "load", "why"]
    readonly_fields = ["ratio", "load", "why"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Canary]:
        return super().get_queryset(request).select_related("worker")


@admin.register(Worker)
class WorkerAdmin(pages.Fixed):
    list_display = ["name", "profile", "seen", "fitness", "canary", "processor", "started_at"]
    list_filter = ["profile", "state"]
    search_fields = ["name"]
    fields = [
        "name",
        "profile",
        "takes_work",
        "why",
        "canary_due_at",
        "trend",
        "seen_at",
        "started_at",
        "fingerprint",
        "versions",
    ]
    readonly_fields = ["takes_work", "why", "trend"]
    inlines = [CanaryInline]

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

    @display(description=gettext_lazy("Takes work"), ordering="state", label=FITNESS_LABELS)
    def fitness(self, worker: Worker) -> tuple[str, str]:
        return worker.state, worker.get_state_display()

    @display(description=gettext_lazy("Takes work"))
    def takes_work(self, worker: Worker) -> str:
        return worker.get_state_display()

    @display(description=gettext_lazy("Reason"))
    def why(self, worker: Worker) -> str:
        return worker.reason or "–"

    @display(description=gettext_lazy("Last canary"))
    def canary(self, worker: Worker) -> str:
        return pages.ratio(worker.last_ratio, worker.last_half_width)  # type: ignore[attr-defined]

    @display(description=gettext_lazy("Canaries"))
    def trend(self, worker: Worker) -> SafeString:
        return plot(worker.canaries.all(), worker.profile.canary_band)

    @display(
        description=gettext_lazy("Seen"),
        ordering="seen_at",
        label={"now": "success", "quiet": "default"},
    )
    def seen(self, worker: Worker) -> tuple[str, str]:
        if is_alive(worker):
            return "now", gettext("just now")
        return "quiet", gettext("%(time)s ago") % {"time": timesince(worker.seen_at, depth=1)}

    @display(description=gettext_lazy("Processor"))
    def processor(self, worker: Worker) -> str:
        return worker.fingerprint.get("cpu", "–")


def plot(canaries: QuerySet[Canary], band: float) -> SafeString:
    """The latest canaries as a picture: ratios with intervals and the band, newest at the right."""
    shown = list(canaries.exclude(time_ratio=None).order_by("-pk")[:PLOTTED])[::-1]
    reach = max(
        [2 * band, *(abs((one.time_ratio or 1) - 1) + (one.half_width or 0) for one in shown)]
    )
    marks = [
        {
            "x": 10 + 10 * index,
            "y": height(one.time_ratio or 1, reach),
            "top": height((one.time_ratio or 1) + (one.half_width or 0), reach),
            "bottom": height((one.time_ratio or 1) - (one.half_width or 0), reach),
            "passed": one.passed,
            "ratio": pages.ratio(one.time_ratio, one.half_width),
            "at": one.measured_at,
        }
        for index, one in enumerate(shown)
    ]
    top, bottom = height(1 + band, reach), height(1 - band, reach)
    said = {"marks": marks, "band": band, "top": top, "height": round(bottom - top, 2)}
    return render_to_string("admin/canaries.html", said | {"width": 10 * len(marks) + 10})


def height(ratio: float, reach: float) -> float:
    """The y coordinate of a ratio in a picture of height 100. A ratio of 1 is at y = 50."""
    return round(50 - 46 * (ratio - 1) / (reach or 1), 2)


def is_alive(worker: Worker) -> bool:
    return timezone.now() - worker.seen_at < ALIVE
