"""Hardware profiles, and the workers that serve them."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from unfold.decorators import display

from leaderboard.admin import pages
from leaderboard.models import Evaluation, HardwareProfile, Worker
from leaderboard.services import profiles
from leaderboard.services.evaluations import ALIVE


@admin.register(HardwareProfile)
class HardwareProfileAdmin(pages.Noun):
    list_display = ["name", "slug", "device", "threads", "queued", "running", "alive"]
    search_fields = ["name", "slug"]
    fieldsets = [
        (None, {"fields": [("name", "slug"), "description", ("device", "threads")]}),
        (
            "How exactly time is measured",
            {
                "description": "Slug, device and threads are fixed once something was measured "
                "here: add another profile instead.",
                "fields": [
                    ("min_segments", "min_quads"),
                    ("target_half_width", "max_half_width"),
                    "max_seconds",
                ],
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[HardwareProfile]:
        states = Evaluation.State
        return (
            super()
            .get_queryset(request)
            .annotate(
                queued=Count("evaluations", Q(evaluations__state=states.QUEUED), distinct=True),
                running=Count("evaluations", Q(evaluations__state=states.RUNNING), distinct=True),
                alive=Count(
                    "workers", Q(workers__seen_at__gt=timezone.now() - ALIVE), distinct=True
                ),
            )
        )

    def get_readonly_fields(
        self, request: HttpRequest, obj: HardwareProfile | None = None
    ) -> list[str]:
        return sorted(profiles.fixed_fields(obj)) if obj else []

    def save_model(
        self, request: HttpRequest, obj: HardwareProfile, form: ModelForm, change: bool
    ) -> None:
        profiles.save(profile=obj, by=pages.organizer(request))

    @display(description="Queued", ordering="queued")
    def queued(self, profile: HardwareProfile) -> int:
        return profile.queued  # type: ignore[attr-defined]

    @display(description="Running", ordering="running")
    def running(self, profile: HardwareProfile) -> int:
        return profile.running  # type: ignore[attr-defined]

    @display(description="Workers seen lately", ordering="alive")
    def alive(self, profile: HardwareProfile) -> int:
        return profile.alive  # type: ignore[attr-defined]


@admin.register(Worker)
class WorkerAdmin(pages.Fixed):
    list_display = ["name", "profile", "seen", "processor", "started_at"]
    list_filter = ["profile"]
    fields = ["name", "profile", "seen_at", "started_at", "fingerprint", "versions"]

    @display(description="Seen", ordering="seen_at", label={"now": "success", "quiet": "default"})
    def seen(self, worker: Worker) -> tuple[str, str]:
        ago = timesince(worker.seen_at, depth=1)
        return ("now", "just now") if is_alive(worker) else ("quiet", f"{ago} ago")

    @display(description="Processor")
    def processor(self, worker: Worker) -> str:
        return worker.fingerprint.get("cpu", "–")


def is_alive(worker: Worker) -> bool:
    return timezone.now() - worker.seen_at < ALIVE
