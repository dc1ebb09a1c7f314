"""Hardware profiles: how time is measured, how evenly, and who gets how much of the workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminDecimalFieldWidget

from leaderboard.admin import hosts as words_of_hosts
from leaderboard.admin import pages, pictures
from leaderboard.models import Canary, HardwareProfile
from leaderboard.models.hardware import LEAST_WEIGHT, MOST_WEIGHT
from leaderboard.services import fleet, hosts, profiles


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
                    "A canary measures the calibrated reference model against itself. Its "
                    "time ratio should be 1. A worker accepts no work if its canary is "
                    "outside of the band, or if other programs use too much of the machine."
                ),
                "fields": [
                    ("canary_every_minutes", "canary_band"),
                    "max_foreign_load",
                    "trend",
                    "noise",
                    "between_runs",
                ],
            },
        ),
    ]
    actions_detail = ["shares"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[HardwareProfile]:
        return profiles.with_counts(super().get_queryset(request))

    def get_readonly_fields(
        self, request: HttpRequest, obj: HardwareProfile | None = None
    ) -> list[str]:
        fixed = sorted(profiles.fixed_fields(obj)) if obj else []
        return [*fixed, "trend", "noise", "between_runs"]

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
        return pictures.plot(Canary.objects.filter(worker__profile=profile.pk), profile.canary_band)

    @display(description=gettext_lazy("Noise between runs"))
    def noise(self, profile: HardwareProfile) -> SafeString:
        return pictures.noise(fleet.noise(profile), profile.canary_band)

    @display(description=gettext_lazy("Standard deviation between runs"))
    def between_runs(self, profile: HardwareProfile) -> str:
        return words_of_hosts.between_runs(hosts.of(profile))

    @display(description=gettext_lazy("Queued"), ordering="queued")
    def queued(self, profile: HardwareProfile) -> int:
        return profile.queued  # type: ignore[attr-defined]

    @display(description=gettext_lazy("Running"), ordering="running")
    def running(self, profile: HardwareProfile) -> int:
        return profile.running  # type: ignore[attr-defined]

    @display(description=gettext_lazy("Workers seen lately"), ordering="alive")
    def alive(self, profile: HardwareProfile) -> int:
        return profile.alive  # type: ignore[attr-defined]

    @action(description=gettext_lazy("Shares of competitions"), icon="balance")
    def shares(self, request: HttpRequest, object_id: str) -> HttpResponse:
        profile = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            profile,
            title=gettext("Shares of competitions"),
            says=gettext(
                "While uploads of several competitions wait for the workers of this profile, "
                "a team in a competition of weight 2 gets twice the time of a team in a "
                "competition of weight 1. A new weight applies from the next measurement. "
                "Every upload that waits gets its turn."
            ),
            button=gettext("Save the weights"),
            form_class=weights_form(profile),
            do=lambda **weights: profiles.share(
                profile=profile,
                weights={int(name.removeprefix("of_")): value for name, value in weights.items()},
                by=pages.organizer(request),
            ),
            done=gettext("The weights are saved."),
        )


def weights_form(profile: HardwareProfile) -> type[forms.Form]:
    """A form with a weight for each competition that is not over."""
    between = [MinValueValidator(LEAST_WEIGHT), MaxValueValidator(MOST_WEIGHT)]
    fields: dict[str, Any] = {
        f"of_{competition.pk}": forms.FloatField(
            label=competition.title,
            initial=weight,
            validators=between,
            widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.1"}),
            help_text=gettext("From %(least)s to %(most)s; usually 1.")
            % {"least": f"{LEAST_WEIGHT:g}", "most": f"{MOST_WEIGHT:g}"},
        )
        for competition, weight in profiles.weights_of(profile)
    }
    return type("Weights", (forms.Form,), fields)


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
            "Every %(minutes)d minutes the reference is measured against itself. A worker "
            "that is off by more than %(band)s accepts no work."
        )
        % facts,
        gettext("A worker waits while other programs use more than %(load)s cores.") % facts,
    ]
