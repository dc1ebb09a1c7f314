"""Competitions: their form, and the steps from draft to publication."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from leaderboard.admin import pages, steps
from leaderboard.models import Competition, Evaluation, Preparation, Submission, Team
from leaderboard.models.counts import count_of
from leaderboard.services import competitions, preparing
from scoring.job import PROTOCOL

State = Competition.State

NEXT = {
    State.DRAFT: "Invisible to participants. Next: dataset, reference, calibration, then open it.",
    State.OPEN: "Teams upload.",
    State.PAUSED: "Uploads are stopped; what is queued is still evaluated.",
    State.CLOSED: "No more uploads. Publish the private board once everything is evaluated; until "
    "then you can reopen.",
    State.PUBLISHED: "Over: both boards are public and final.",
}


class CompetitionForm(forms.ModelForm):
    # Unfold takes a posted field called "dataset" for something of its own.
    prefix = "competition"

    class Meta:
        model = Competition
        fields = "__all__"
        widgets = {"mean": UnfoldAdminTextInputWidget, "std": UnfoldAdminTextInputWidget}
        help_texts = {
            "slug": "Its address on the site; fixed once it has opened.",
            "tagline": "One line for the list of competitions.",
            "ends_at": "In the time zone below. Uploads before it count. Empty: it ends when you "
            "close it.",
            "dataset": "Fixed once it has opened: every score depends on it.",
            "profile": "The kind of machine all is measured on. Fixed once it has opened.",
            "time_weight": "score = time weight x time ratio + sigmoid(k x (reference quality - "
            "quality)); lower is better, the reference has time weight + 0.5. Fixed once it has "
            "opened.",
            "k": "How steeply quality counts: with 20, 0.05 above the reference is worth 0.23. "
            "Fixed once it has opened, like the reference quality.",
            "min_quality": "Least quality that is ranked, on each board by its own split; see "
            "above for why. Another one holds once the boards are prepared for it: at once, or in "
            "minutes where there are very many teams.",
            "input_height": "What a model is fed, in RGB, unless its own featherweight.json says "
            "otherwise. Fixed once it has opened, like everything here but the bounds.",
            "min_input_size": "An upload may declare an input of its own between these, in pixels.",
            "batch_size": "Images per call while time is measured.",
            "interpolation": "As in timm, like crop pct and crop mode.",
            "crop_pct": "Images are scaled to size / crop pct, then the middle is cut out.",
            "crop_mode": "Center: scaled to cover; squash: the aspect ratio is not kept; border: "
            "scaled to fit, with the mean colour beside it.",
            "max_upload_bytes": "500,000,000 is 500 MB.",
        }


@admin.register(Competition)
class CompetitionAdmin(steps.Steps):
    form = CompetitionForm
    list_display = ["title", "state_label", "teams_count", "submissions_count", "ends_at"]
    list_filter = ["state"]
    search_fields = ["title", "slug"]
    actions_detail = [
        "upload_reference",
        "calibrate",
        "open_",
        "resume",
        "pause",
        "close",
        "reopen",
        "publish",
        "stop_preparing",
    ]
    fieldsets = [
        (None, {"fields": ["now", ("title", "slug"), "tagline", "ends_at", "time_zone"]}),
        (
            "Data and reference",
            {"classes": ["tab"], "fields": [("dataset", "profile"), "calibration_result"]},
        ),
        (
            "Formula and gate",
            {
                "classes": ["tab"],
                "fields": [
                    "metric",
                    ("time_weight", "k"),
                    "quality_ref",
                    "do_nothing",
                    "min_quality",
                ],
            },
        ),
        (
            "Input",
            {
                "classes": ["tab"],
                "fields": [
                    ("input_height", "input_width"),
                    ("min_input_size", "max_input_size"),
                    ("batch_size", "dtype"),
                    ("mean", "std"),
                    "interpolation",
                    ("crop_pct", "crop_mode"),
                ],
            },
        ),
        (
            "Teams and limits",
            {
                "classes": ["tab"],
                "fields": [
                    ("submissions_per_day", "final_selections"),
                    "remeasured_ranks",
                    ("max_team_size", "max_upload_bytes"),
                    ("load_seconds", "total_seconds"),
                    ("first_call_seconds", "call_seconds"),
                    ("memory_bytes", "output_bytes"),
                ],
            },
        ),
        ("Texts", {"classes": ["tab"], "fields": ["overview", "rules", "data_description"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Competition]:
        rows = super().get_queryset(request)
        rows = rows.select_related("dataset", "profile", "reference", "calibration", "preparation")
        if not pages.is_list(request):
            return rows
        return rows.annotate(
            teams_count=count_of(Team.objects.all(), "competition"),
            submissions_count=count_of(Submission.objects.all(), "competition"),
        )

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Times are read and shown in the competition's own zone: the posted one, else its own."""
        competition = self.get_object(request, object_id) if object_id else None
        name = request.POST.get(f"{CompetitionForm.prefix}-time_zone", "").strip()
        if name not in zoneinfo.available_timezones():
            name = competition.time_zone if competition else "UTC"
        with timezone.override(zoneinfo.ZoneInfo(name)):
            answer = super().changeform_view(request, object_id, *args, **kwargs)
            if isinstance(answer, TemplateResponse):
                answer.render()
            return answer

    def get_readonly_fields(
        self, request: HttpRequest, obj: Competition | None = None
    ) -> list[str]:
        shown = ["now", "calibration_result", "do_nothing"]
        return shown + sorted(obj.frozen_fields if obj else ())

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Competition | None = None
    ) -> dict[str, list[str]]:
        return {} if obj and "slug" in obj.frozen_fields else {"slug": ["title"]}

    def save_model(
        self,
        request: HttpRequest,
        obj: Competition,
        form: forms.ModelForm,
        change: bool,
    ) -> None:
        write = competitions.edit if change else competitions.create
        write(competition=obj, by=pages.organizer(request))
        if said := gate_to_come(preparing.of(obj)):
            messages.info(request, said)

    def response_post_save_add(self, request: HttpRequest, obj: Competition) -> HttpResponse:
        return redirect(pages.change_url(obj))  # where the next steps are

    response_post_save_change = response_post_save_add

    # What is shown

    @display(description="State", ordering="state", label=pages.STATE_LABELS)
    def state_label(self, competition: Competition) -> str:
        return competition.state

    @display(description="Teams", ordering="teams_count")
    def teams_count(self, competition: Competition) -> int:
        return competition.teams_count  # type: ignore[attr-defined]

    @display(description="Submissions", ordering="submissions_count")
    def submissions_count(self, competition: Competition) -> int:
        return competition.submissions_count  # type: ignore[attr-defined]

    @display(description="State")
    def now(self, competition: Competition) -> str:
        if competition.pk is None:
            return "A draft: nobody sees it until it is opened."
        said = f" Message: {competition.pause_message}" if competition.pause_message else ""
        if preparation := getattr(competition, "preparation", None):
            said += f" In preparation, {preparation}."
            if preparation.min_quality is None and (
                unfinished := preparing.unfinished(competition)
            ):
                said += f" It waits for {unfinished}."
        return f"{competition.state.capitalize()}. {NEXT[State(competition.state)]}{said}"

    @display(description="Reference and calibration")
    def calibration_result(self, competition: Competition) -> SafeString:
        return pages.figures(calibration_figures(competition))

    @display(description="Without a gate")
    def do_nothing(self, competition: Competition) -> SafeString:
        said, level = do_nothing_sentence(competition)
        return pages.notice(
            f"{said} {gate_to_come(getattr(competition, 'preparation', None))}", level
        )

    def opening_facts(self, competition: Competition) -> pages.Figures:
        gate, _ = do_nothing_sentence(competition)
        return [*calibration_figures(competition), ("Gate", gate)]


def gate_to_come(preparation: Preparation | None) -> str:
    """That another gate is being prepared, in a sentence; empty where none is."""
    if preparation is None or preparation.min_quality is None:
        return ""
    return (
        f"The gate of {preparation.min_quality:g} holds as soon as the boards are prepared for it; "
        "“Stop the preparation” takes it back."
    )


def calibration_figures(competition: Competition) -> pages.Figures:
    """The reference and what is known of it."""
    if competition.reference is None:
        return [("Reference", "None yet: use “Upload reference” above.")]
    reference = competition.reference
    rows: list[tuple[str, object]] = [
        ("Reference", f"{reference}, {filesizeformat(reference.size_bytes)}")
    ]
    latest = competition.evaluations.filter(kind=Evaluation.Kind.CALIBRATION).first()
    if latest is None:
        return [*rows, ("Calibration", "None yet: use “Calibrate” above.")]
    if latest.pk != competition.calibration_id:
        rows.append(
            ("Latest calibration", format_html("{} {}", pages.link(latest), state_of(latest)))
        )
    found = competition.calibration
    if found is None:
        return rows
    return [
        *rows,
        ("Calibration", pages.link(found)),
        (
            competition.quality_measure.short,
            f"public {pages.number(found.quality_public)}, "
            f"private {pages.number(found.quality_private)}",
        ),
        ("Reference quality of the formula", pages.number(competition.reference_quality, 3)),
        ("Time ratio A/A", pages.ratio(found.time_ratio, found.half_width)),
        ("Seconds per image", pages.milliseconds(found.reference_seconds)),
        ("Worker", found.worker or "–"),
        *doubts(competition, found.protocol),
    ]


def doubts(competition: Competition, protocol: int) -> pages.Figures:
    """What an organizer should know of a calibration since which something changed."""
    if reason := competitions.outdated(competition):
        return [("Outdated", reason)]
    if reason := competitions.off_band(competition):
        return [("Off its band", reason)]
    if protocol == PROTOCOL or competition.is_published:
        return []
    return [
        (
            "Older protocol",
            "This service measures in another way since, and is still held to this calibration: "
            "times from before and after are not quite alike. Finish with the version it began "
            "with, or evaluate every submission again.",
        )
    ]


def state_of(calibration: Evaluation) -> str:
    if calibration.state == Evaluation.State.SCORED:
        return "It is outdated: what it depends on was changed since. Calibrate again."
    return calibration.failure_message or calibration.error_message


def do_nothing_sentence(competition: Competition) -> tuple[str, str]:
    """What a do-nothing model would get, and how alarming that is."""
    found = competitions.do_nothing(competition) if competition.pk else None
    if found is None:
        return (
            "With a dataset and a calibration this says what a model would score that answers the "
            "largest class in no time. With usual constants it is about 1.00, like the reference.",
            "info",
        )
    text = (
        f"A model that answers “{found.label}” to every image in no time has "
        f"{competition.quality_measure.label} {found.quality:.3f} on the public split"
    )
    if found.score is None or found.reference_score is None:
        text += "; its score is known once the reference is calibrated. "
    else:
        text += (
            f" and would score {found.score:.3f}; the reference scores {found.reference_score:.3f} "
            "(lower is better). "
        )
    if found.is_ranked:
        return (
            f"{text}The gate of {competition.min_quality:g} would rank it: set it higher.",
            "warning",
        )
    return f"{text}The gate of {competition.min_quality:g} keeps it unranked.", "success"
