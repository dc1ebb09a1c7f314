"""Baselines: added on the page of a competition, renamed, replaced and removed on their own."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminFileFieldWidget

from leaderboard import bodies, digits
from leaderboard.admin import again, fields, pages
from leaderboard.models import Baseline, Competition, Evaluation
from leaderboard.models.organizers import is_organizer
from leaderboard.services import baseline_files, baselines
from leaderboard.sizes import megabytes
from scoring import formats


def expect(request: HttpRequest, object_id: str = "", **arguments: Any) -> bool:
    """Whether a person may send another file for the baseline of the address."""
    found = Baseline.objects.filter(pk=digits.whole(object_id) or 0).first()
    return bool(found and is_organizer(request.user, found.competition_id))


takes_file = bodies.taken(bodies.Upload(pages.check_size, expect))


class FileForm(forms.Form):
    upload = forms.FileField(
        label=gettext_lazy("Model file"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=format_lazy(
            gettext_lazy("Formats: {formats}. The file is checked like any upload."),
            formats=formats.titles(),
        ),
    )


class BaselineForm(FileForm):
    name = fields.line(
        gettext_lazy("Name"), 120, gettext_lazy("For example MobileNetV3, ImageNet weights.")
    )
    is_released = fields.tick(
        gettext_lazy("Hand out the file"),
        gettext_lazy("Everybody who sees the board can download it."),
    )


class Acts(again.Acts):
    """The button of a competition that adds a baseline."""

    @pages.takes_files
    @action(description=gettext_lazy("Add a baseline"), icon="flag")
    def add_baseline(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)

        def do(**values: Any) -> str:
            made = baseline_files.add(
                competition=competition, by=pages.organizer(request), **values
            )
            return pages.change_url(made)

        return pages.ask(
            self,
            request,
            competition,
            title=gettext("Add a baseline"),
            says=gettext(
                "A worker measures the model like an upload. It stands on the boards at its place, "
                "named a baseline. It has no rank, and it takes none from a team. A draft measures "
                "its baselines after each calibration."
            ),
            form_class=BaselineForm,
            facts=[(gettext("Baselines"), listed(competition))],
            button=gettext("Add"),
            do=do,
            done=gettext("“{}” is a baseline."),
        )


@admin.register(Baseline)
class BaselineAdmin(pages.Noun):
    comes_from = gettext_lazy(
        "Add a baseline on the page of its competition: “More”, then “Add a baseline”."
    )
    to_competition = "competition"
    list_display = ["name", "competition", "state_label", "is_released"]
    list_filter = [("competition", pages.OwnCompetition)]
    search_fields = ["name"]
    readonly_fields = ["competition", "now"]
    fields = ["competition", "name", "is_released", "now"]
    actions_detail = ["replace", "measure", "remove"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Baseline]:
        rows = super().get_queryset(request).select_related("competition")
        last = Evaluation.objects.filter(baseline=OuterRef("pk")).order_by("-pk")
        return rows.annotate(last_state=Subquery(last.values("state")[:1]))

    def save_model(
        self, request: HttpRequest, obj: Baseline, form: ModelForm, change: bool
    ) -> None:
        baseline_files.edit(baseline=obj, by=pages.organizer(request))

    @display(description=gettext_lazy("State"), label=pages.STATE_LABELS)
    def state_label(self, baseline: Baseline) -> tuple[str, str]:
        state = baseline.last_state  # type: ignore[attr-defined]
        return state or "", str(Evaluation.State(state).label if state else waits())

    @display(description=gettext_lazy("Measured"))
    @pages.once
    def now(self, baseline: Baseline) -> SafeString:
        return pages.figures(figures(baseline))

    @takes_file
    @action(description=gettext_lazy("Replace the file"), icon="upload")
    def replace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        baseline = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            baseline,
            title=gettext("Replace the file"),
            says=gettext(
                "The figures of the former file disappear from the boards. A worker measures the "
                "new file."
            ),
            form_class=FileForm,
            button=gettext("Replace the file"),
            do=lambda upload: baseline_files.replace(
                baseline=baseline, upload=upload, by=pages.organizer(request)
            ),
            done=gettext("“{}” has another file."),
        )

    @action(description=gettext_lazy("Measure again"), icon="speed")
    def measure(self, request: HttpRequest, object_id: str) -> HttpResponse:
        baseline = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            baseline,
            title=gettext("Measure again"),
            says=gettext("The board shows the new figures in place of those of today."),
            button=gettext("Measure again"),
            do=lambda: baseline_files.measure_again(baseline=baseline, by=pages.organizer(request)),
            done=gettext("“{}” waits for a worker."),
        )

    @action(description=gettext_lazy("Remove"), icon="delete", variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        baseline = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            baseline,
            title=gettext("Remove"),
            says=gettext("The baseline disappears from the boards, with its file and its report."),
            button=gettext("Remove"),
            is_danger=True,
            is_gone=True,
            do=lambda: baseline_files.remove(baseline=baseline, by=pages.organizer(request)),
            done=gettext("“{}” is removed."),
        )


def waits() -> str:
    return gettext("Waits for the calibration")


def listed(competition: Competition) -> str:
    """The names of a competition's baselines, and how many there may be."""
    names = [str(one) for one in competition.baselines.all()]
    return f"{', '.join(names) or '–'} ({len(names)}/{baselines.MOST})"


def figures(baseline: Baseline) -> pages.Figures:
    """What its file is, and what its last measuring found."""
    file = f"{baseline.format_title}, {baseline.number_type}, {megabytes(baseline.size_bytes)}"
    rows: list[tuple[str, object]] = [(gettext("Model file"), file)]
    found = baseline_files.latest(baseline)
    if found is None:
        return [*rows, (gettext("Evaluation"), waits())]
    rows.append((gettext("Evaluation"), pages.link(found)))
    if found.state == Evaluation.State.SCORED:
        quality = pages.pair(found.quality_public, found.quality_private)
        return [
            *rows,
            (gettext("Score, public and private"), pages.scores(found)),
            (gettext("Quality, public and private"), quality),
            (gettext("Time ratio"), pages.ratio(found.time_ratio, found.half_width)),
        ]
    return [*rows, (gettext("Trouble"), pages.trouble(found))]
