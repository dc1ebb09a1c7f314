"""Competitions: their form, and the steps from draft to publication."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms, urls
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from leaderboard.admin import calibrations, drafts, pages, path, results, signs, steps, track_rows
from leaderboard.models import Competition, Submission, Team
from leaderboard.models.counts import count_of
from leaderboard.models.fields import every_format
from leaderboard.services import competitions, preparing
from scoring.formats import FORMATS

State = Competition.State

NEXT = {
    State.DRAFT: gettext_lazy("Participants do not see it. The steps above say what is missing."),
    State.OPEN: gettext_lazy("Teams can upload."),
    State.PAUSED: gettext_lazy("Uploads are paused. Queued submissions are still evaluated."),
    State.CLOSED: gettext_lazy(
        "Uploads have ended. Publish the private board when every evaluation has ended. Until "
        "then you can reopen the competition."
    ),
    State.PUBLISHED: gettext_lazy("The competition is over. Both boards are public and final."),
}
"""What a state means, and what follows."""


class CompetitionForm(forms.ModelForm):
    # Unfold reads a posted field called "dataset" as one of its own.
    prefix = "competition"

    formats = forms.MultipleChoiceField(
        label=gettext_lazy("Formats of models"),
        choices=[(one.name, one.title) for one in FORMATS],
        initial=every_format,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy(
            "An upload in another format is refused. After the competition opened, a format can "
            "be added and none removed."
        ),
    )

    tracks = track_rows.TracksField()

    class Meta:
        model = Competition
        fields = "__all__"
        widgets = {"mean": UnfoldAdminTextInputWidget, "std": UnfoldAdminTextInputWidget}
        help_texts = {
            "slug": gettext_lazy(
                "Part of the competition's address. Fixed after the competition opened."
            ),
            "tagline": gettext_lazy("One line for the list of competitions."),
            "ends_at": gettext_lazy(
                "In the time zone below. Uploads before this time count. If empty, the "
                "competition ends when you close it."
            ),
            "dataset": gettext_lazy(
                "Fixed after the competition opened, because every score depends on it."
            ),
            "profile": gettext_lazy(
                "The kind of machine that measures every submission. Fixed after the competition "
                "opened."
            ),
            "time_weight": gettext_lazy(
                "score = time weight x time ratio + sigmoid(k x (reference quality - quality)). "
                "Lower is better. The reference has time weight + 0.5. Fixed after the "
                "competition opened."
            ),
            "k": gettext_lazy(
                "How much quality counts. With k = 20, a quality that is 0.05 higher than the "
                "reference lowers the score by 0.23. Fixed after the competition opened, like the "
                "reference quality."
            ),
            "min_quality": gettext_lazy(
                "The lowest quality that gets a rank. Each board applies the gate to the "
                "quality on its own split. A new gate applies as soon as the boards are "
                "prepared: at once, or after minutes if there are very many teams. Scores do "
                "not change, so the formula keeps its version."
            ),
            "input_height": gettext_lazy(
                "Input of a model in RGB, unless its own featherweight.json declares another "
                "input. Fixed after the competition opened, like all of this tab except the "
                "bounds."
            ),
            "min_input_size": gettext_lazy(
                "An upload may declare an input of its own between these bounds, in pixels."
            ),
            "batch_size": gettext_lazy("Images per call while time is measured."),
            "interpolation": gettext_lazy("As in timm, like crop pct and crop mode."),
            "crop_pct": gettext_lazy(
                "Images are scaled to size / crop pct. Then the middle is cut out."
            ),
            "crop_mode": gettext_lazy(
                "center: scaled to cover the input. squash: the aspect ratio is not kept. border: "
                "scaled to fit, and filled with the mean colour."
            ),
            "max_upload_bytes": gettext_lazy("500,000,000 is 500 MB."),
        }


class NewCompetitionForm(CompetitionForm):
    """The first questions. All other settings have first values, and tabs on the next page."""

    formats = tracks = None  # type: ignore[assignment]  # Django's way to leave fields out


@admin.register(Competition)
class CompetitionAdmin(steps.Steps, results.Results, signs.Signs, track_rows.Tracks):
    to_competition = "pk"
    form = CompetitionForm
    change_form_outer_before_template = "admin/way_before_form.html"
    list_display = ["title", "state_label", "teams_count", "submissions_count", "ends_at"]
    list_filter = ["state"]
    search_fields = ["title", "slug"]
    reading = ("dashboard", "result", "file")
    actions_detail = [
        "open_",
        "resume",
        "pause",
        "close",
        "reopen",
        "publish",
        "stop_preparing",
        # Only what changes the state is a button: more of them hide the heading.
        {
            "title": gettext_lazy("More"),
            "icon": "more_horiz",
            "items": [
                "upload_reference",
                "train_reference",
                "cancel_training",
                *("calibrate", "add_baseline"),
                "dashboard",
                "formula",
                "measure_again",
                "result",
                "verify_winners",
                *("extend", "remove_track"),
                "clone",
                "file",
                "delete_draft",
            ],
        },
    ]
    add_fieldsets = [
        (
            None,
            {
                "description": gettext_lazy(
                    "A draft, which only organizers see. Other settings have usual values. "
                    "The next page shows the steps to the opening, and all settings in tabs."
                ),
                "fields": [
                    "title",
                    "slug",
                    "tagline",
                    ("profile", "dataset"),
                    "ends_at",
                    "time_zone",
                ],
            },
        ),
    ]
    fieldsets = [
        (None, {"fields": ["now", "title", "slug", "tagline"]}),
        (
            path.DATES,
            {
                "classes": ["tab"],
                "fields": [
                    *("opens_at", "freezes_at", "ends_at", "merge_deadline"),
                    *("late_until", "publishes_at", "time_zone"),
                ],
            },
        ),
        (
            path.DATA,
            {"classes": ["tab"], "fields": [("dataset", "profile"), "calibration_result"]},
        ),
        (
            path.FORMULA,
            {
                "classes": ["tab"],
                "fields": [
                    "metric",
                    ("time_weight", "k"),
                    "quality_ref",
                    "worth",
                    "do_nothing",
                    "min_quality",
                ],
            },
        ),
        (
            gettext_lazy("Input"),
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
            path.TEAMS,
            {
                "classes": ["tab"],
                "fields": [
                    "admission",
                    ("questions", "mail_domains"),
                    ("submissions_per_day", "submissions_per_week"),
                    ("submissions_per_month", "submissions_in_total"),
                    "counted",
                    "is_blind",
                    "final_selections",
                    "remeasured_ranks",
                    ("max_team_size", "max_upload_bytes"),
                    "formats",
                    "tracks",
                    ("load_seconds", "total_seconds"),
                    ("first_call_seconds", "call_seconds"),
                    ("memory_bytes", "output_bytes"),
                ],
            },
        ),
        (
            signs.TITLE,
            {"classes": ["tab"], "fields": ["only_real_gains", "probing", "copies", "doubles"]},
        ),
        (
            gettext_lazy("Result"),
            {
                "classes": ["tab"],
                "fields": [
                    ("release_quads", "release_answers", "release_reference"),
                    ("keep_unranked_days", "keep_all_days"),
                ],
            },
        ),
        (
            path.TEXTS,
            {
                "classes": ["tab"],
                "fields": ["overview", "rules", "data_description", "prizes", "citation"],
            },
        ),
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
        """Read and show times in the competition's zone: the posted zone, else the stored one."""
        competition = self.get_object(request, object_id) if object_id else None
        name = request.POST.get(f"{CompetitionForm.prefix}-time_zone", "").strip()
        if name not in zoneinfo.available_timezones():
            name = competition.time_zone if competition else "UTC"
        with timezone.override(zoneinfo.ZoneInfo(name)):
            answer = super().changeform_view(request, object_id, *args, **kwargs)
            if isinstance(answer, TemplateResponse):
                if competition and answer.context_data:
                    answer.context_data |= path.context(competition, pages.organizer(request))
                answer.render()
            return answer

    def get_urls(self) -> list[URLPattern]:
        way = self.admin_site.admin_view(self.way)
        name = "leaderboard_competition_way"
        return [urls.path("<path:object_id>/way/", way, name=name), *super().get_urls()]

    def way(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The card of steps alone, for a page that follows a calibration."""
        competition = self.find(request, object_id)
        with timezone.override(zoneinfo.ZoneInfo(competition.time_zone)):
            found = path.context(competition, pages.organizer(request))
            if not found["way"].is_live:  # the result must appear in the form as well
                found |= {"has_result": True, "figures": self.calibration_result(competition)}
            return TemplateResponse(request, "admin/way.html", found).render()

    def get_readonly_fields(
        self, request: HttpRequest, obj: Competition | None = None
    ) -> list[str]:
        shown = ["now", "calibration_result", "worth", "do_nothing", "tracks_told"]
        shown += ["probing", "copies", "doubles"]
        return shown + sorted(obj.frozen_fields if obj else ())

    def get_fieldsets(self, request: HttpRequest, obj: Competition | None = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def get_form(
        self,
        request: HttpRequest,
        obj: Competition | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> Any:
        kwargs |= {} if change else {"form": NewCompetitionForm}
        return super().get_form(request, obj, change, **kwargs)

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
        before = Competition.objects.filter(pk=obj.pk).first()
        write = competitions.edit if change else competitions.create
        write(competition=obj, by=pages.organizer(request))
        if before:
            wanted = drafts.wanted(obj, form)
            drafts.offer_to_announce(request, before, wanted, form.changed_data)
        if said := calibrations.gate_to_come(preparing.of(obj)):
            messages.info(request, said)

    def response_post_save_add(self, request: HttpRequest, obj: Competition) -> HttpResponse:
        return redirect(pages.change_url(obj))  # where the next steps are

    response_post_save_change = response_post_save_add

    # What is shown

    @display(description=gettext_lazy("State"), ordering="state", label=pages.STATE_LABELS)
    def state_label(self, competition: Competition) -> tuple[str, str]:
        return competition.state, competition.get_state_display()

    @display(description=gettext_lazy("Teams"), ordering="teams_count")
    def teams_count(self, competition: Competition) -> int:
        return competition.teams_count  # type: ignore[attr-defined]

    @display(description=gettext_lazy("Submissions"), ordering="submissions_count")
    def submissions_count(self, competition: Competition) -> int:
        return competition.submissions_count  # type: ignore[attr-defined]

    @display(description=gettext_lazy("State"))
    def now(self, competition: Competition) -> str:
        if competition.pk is None:
            return gettext("A draft. Only organizers see it until it is opened.")
        said = [f"{competition.get_state_display()}.", str(NEXT[State(competition.state)])]
        if message := competition.pause_message:
            said.append(gettext("Message: %(message)s") % {"message": message})
        if preparation := getattr(competition, "preparation", None):
            said.append(gettext("In preparation, %(what)s.") % {"what": preparation})
            if preparation.min_quality is None and (left := preparing.unfinished(competition)):
                said.append(gettext("It waits for %(evaluations)s.") % {"evaluations": left})
        return " ".join(said)

    @display(description=gettext_lazy("Reference and calibration"))
    @pages.once
    def calibration_result(self, competition: Competition) -> SafeString:
        shown = pages.figures(calibrations.figures(competition))
        return format_html('<div id="calibration">{}</div>', shown)

    @display(description=gettext_lazy("What quality is worth"))
    @pages.once
    def worth(self, competition: Competition) -> str:
        return calibrations.worth(competition)

    @display(description=gettext_lazy("Without a gate"))
    @pages.once
    def do_nothing(self, competition: Competition) -> SafeString:
        said, level = calibrations.without_gate(competition)
        return pages.notice(
            f"{said} {calibrations.gate_to_come(getattr(competition, 'preparation', None))}", level
        )
