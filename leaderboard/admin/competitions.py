"""Competitions: their form, and the steps from draft to publication."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms, urls
from django.contrib import admin, messages
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import display

from leaderboard.admin import calibrations, drafts, pages, path, results, signs, steps, track_rows
from leaderboard.admin.competition_forms import CompetitionForm, NewCompetitionForm
from leaderboard.models import Competition, Submission, Team
from leaderboard.models.counts import count_of
from leaderboard.services import competitions, preparing

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

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Competition | None:
        """The competition of an address. A page that only shows it reads it once."""
        if request.method != "GET":
            return super().get_object(request, object_id, from_field)
        read: dict[str, Competition | None] = vars(request).setdefault("competitions_read", {})
        if object_id not in read:
            found = super().get_object(request, object_id, from_field)
            prefetch_related_objects([found.dataset] if found and found.dataset else [], "splits")
            read[object_id] = found
        return read[object_id]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Read and show times in the competition's zone: the posted zone, else the stored one."""
        competition = self.get_object(request, object_id) if object_id else None
        name = request.POST.get(f"{CompetitionForm.prefix}-time_zone", "").strip()
        if name not in zoneinfo.available_timezones():
            name = competition.time_zone if competition else own_zone(request)
        with timezone.override(zoneinfo.ZoneInfo(name)):
            answer = super().changeform_view(request, object_id, *args, **kwargs)
            if isinstance(answer, TemplateResponse):
                # After "Save" comes the page with the next steps, whichever button was pressed.
                more = {"show_save_and_continue": False, "show_save_and_add_another": False}
                if competition:
                    more |= path.context(competition, pages.organizer(request))
                answer.context_data = (answer.context_data or {}) | more
                answer.render()
            return answer

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"time_zone": own_zone(request), **super().get_changeform_initial_data(request)}

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
        # Read before a refused form leaves its values on the row, such as a freeze in the past.
        fixed: dict[Any, list[str]] = vars(request).setdefault("fixed_fields", {})
        if obj and obj.pk not in fixed:
            fixed[obj.pk] = sorted(obj.frozen_fields)
        return shown + (fixed[obj.pk] if obj else [])

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
        return {} if obj else {"slug": ["title"]}

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


def own_zone(request: HttpRequest) -> str:
    """The zone of an organizer, with which a new competition begins."""
    return pages.organizer(request).time_zone or "UTC"
