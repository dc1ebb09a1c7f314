"""The steps of a competition from draft to publication. Each step has a button that asks first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy, pgettext, pgettext_lazy
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminFileFieldWidget

from leaderboard.admin import (
    again,
    baselines,
    calibrations,
    drafts,
    fields,
    formulas,
    overviews,
    pages,
    trainings,
)
from leaderboard.models import Competition, Evaluation, User
from leaderboard.services import competitions, preparing, previews, references
from scoring import formats

State = Competition.State

STEPS = {
    (State.DRAFT, State.OPEN): "open_",
    (State.OPEN, State.PAUSED): "pause",
    (State.PAUSED, State.OPEN): "resume",
    (State.OPEN, State.CLOSED): "close",
    (State.PAUSED, State.CLOSED): "close",
    (State.CLOSED, State.OPEN): "reopen",
    (State.CLOSED, State.PUBLISHED): "publish",
}
"""The button of each step in `Competition.TRANSITIONS`."""


class ReferenceForm(forms.Form):
    upload = forms.FileField(
        label=gettext_lazy("Model file"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=format_lazy(
            gettext_lazy("Formats: {formats}. The file is checked like any upload."),
            formats=formats.titles(),
        ),
    )
    name = fields.line(
        gettext_lazy("Name"),
        120,
        gettext_lazy("Shown as the baseline, for example ResNet18-D."),
        required=False,
    )
    anyway = fields.tick(
        gettext_lazy(
            "The model answers one number for each class; the check of its weights is wrong"
        ),
        gettext_lazy(
            "Only if this page refused the file for its number of classes, and the refusal "
            "is wrong."
        ),
    )


class PauseForm(forms.Form):
    message = fields.paragraph(
        gettext_lazy("Message"),
        300,
        gettext_lazy(
            "Shown to everybody on the competition's page. Say why uploads are paused, and "
            "until when."
        ),
        required=False,
    )


class Steps(baselines.Acts):
    """Buttons on a competition's page: those of its state."""

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        competition = self.get_object(request, str(object_id))
        steps = []
        if competition:
            steps = [*steps_of(competition), *drafts.acts_of(competition), "dashboard", "formula"]
            steps += again.acts_of(competition)
            if not competition.is_published:
                steps.append("add_baseline")
            if self.has_add_permission(request):
                steps.append("clone")
            if competition.state == State.DRAFT:
                steps += trainings.acts_of(competition)
        preparation = getattr(competition, "preparation", None)
        if preparation and not preparation.rescore_id:
            steps.append("stop_preparing")
        if competition and competition.is_public:
            steps.append("result")
        return [
            one
            for one in super().get_actions_detail(request, object_id)
            if self.button_name(one) in steps
        ]

    @pages.takes_files
    @action(description=gettext_lazy("Upload reference"), icon="upload")
    def upload_reference(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title=gettext("Upload the reference model"),
            says=gettext(
                "Every submission is timed in turns with this model, on the same worker. A "
                "new reference model must be calibrated again."
            ),
            form_class=ReferenceForm,
            button=gettext("Upload"),
            do=lambda upload, name, anyway: references.set_reference(
                competition=competition,
                upload=upload,
                name=name,
                by=pages.organizer(request),
                anyway=anyway,
            ),
            done=gettext("The reference model is stored. Calibrate it next."),
        )

    @action(description=gettext_lazy("Calibrate"), icon="speed")
    def calibrate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title=gettext("Calibrate the reference model"),
            says=gettext(
                "A worker of %(profile)s measures the reference model against itself. The "
                "results are the quality on both hidden splits, the time per image, and a time "
                "ratio that should be 1."
            )
            % {"profile": competition.profile},
            button=gettext("Queue a calibration"),
            do=lambda: references.calibrate(competition=competition, by=pages.organizer(request)),
            done=gettext("The calibration is queued. Its result appears on this page."),
        )

    @action(description=gettext_lazy("Open"), icon="play_arrow")
    def open_(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask_to_open(
            request,
            object_id,
            title=gettext("Open the competition"),
            says=gettext(
                "The competition becomes visible and teams can upload. After this step "
                "everything that scores depend on is fixed: dataset, hardware profile, "
                "reference model, input and formula."
            ),
        )

    @action(description=gettext_lazy("Resume"), icon="play_arrow")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        says = gettext("Teams can upload again. The message of the pause is removed.")
        return self.ask_to_open(request, object_id, title=gettext("Resume uploads"), says=says)

    @action(description=gettext_lazy("Pause"), icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title=gettext("Pause uploads"),
            says=gettext(
                "Uploads are refused with your message. Queued submissions are still evaluated."
            ),
            form_class=PauseForm,
            button=gettext("Pause"),
            do=lambda message: competitions.pause(
                competition=competition, message=message, by=pages.organizer(request)
            ),
            done=gettext("Uploads are paused."),
        )

    @action(description=pgettext_lazy("act", "Close"), icon="stop", variant=ActionVariant.WARNING)
    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title=gettext("Close the competition"),
            says=gettext(
                "Uploads end. Queued submissions are still evaluated, and teams can still "
                "choose their final selections. The private board stays hidden until you "
                "publish it. Until then you can reopen the competition."
            ),
            facts=progress(competition),
            button=pgettext("act", "Close"),
            is_danger=True,
            do=lambda: competitions.close(competition=competition, by=pages.organizer(request)),
            done=gettext("The competition is closed."),
        )

    @action(description=gettext_lazy("Reopen"), icon="play_arrow")
    def reopen(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title=gettext("Reopen the competition"),
            says=gettext(
                "Teams can upload again until the end of the competition, or until you close it "
                "again. If the end has passed, set a later end first."
            ),
            facts=progress(competition),
            button=gettext("Reopen for uploads"),
            do=lambda: competitions.reopen(competition=competition, by=pages.organizer(request)),
            done=gettext("The competition accepts uploads again."),
        )

    @action(description=gettext_lazy("Publish"), icon="trophy")
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title=gettext("Publish the private board"),
            says=gettext(
                "The private board is computed and shown to everybody. You cannot undo this "
                "step. Every queued or running evaluation must have ended."
            ),
            facts=[*progress(competition), *moves(competition, by=pages.organizer(request))],
            button=gettext("Publish permanently"),
            is_danger=True,
            do=lambda: competitions.publish(competition=competition, by=pages.organizer(request)),
            done=published,
        )

    @action(
        description=gettext_lazy("Stop the preparation"), icon="stop", variant=ActionVariant.WARNING
    )
    def stop_preparing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title=gettext("Stop the preparation"),
            says=gettext(
                "What has been prepared until now is deleted. The boards stay as everybody "
                "sees them now. You can start a publication or another gate again."
            ),
            facts=[(gettext("In preparation"), preparing.of(competition) or gettext("Nothing"))],
            button=gettext("Stop the preparation"),
            do=lambda: competitions.stop_preparing(
                competition=competition, by=pages.organizer(request)
            ),
            done=gettext("The preparation is stopped."),
        )

    @action(description=gettext_lazy("Dashboard"), icon="monitoring")
    def dashboard(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return overviews.page(self, request, self.find(request, object_id))

    @action(description=gettext_lazy("Formula"), icon="calculate")
    def formula(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return formulas.page(self, request, self.find(request, object_id))

    def ask_to_open(
        self, request: HttpRequest, object_id: str, *, title: str, says: str
    ) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title=title,
            says=says,
            facts=calibrations.before_opening(competition),
            button=gettext("Open for uploads"),
            do=lambda: competitions.open_(competition=competition, by=pages.organizer(request)),
            done=gettext("{} is open."),
        )


def steps_of(competition: Competition) -> list[str]:
    """The buttons of a competition's state."""
    state = State(competition.state)
    steps = [STEPS[state, target] for target in Competition.TRANSITIONS[state]]
    return ["upload_reference", "calibrate", *steps] if state == State.DRAFT else steps


def progress(competition: Competition) -> pages.Figures:
    """Numbers of teams, submissions and unfinished evaluations."""
    states = Evaluation.State
    counts = competition.evaluations.by_state()
    submissions = competition.submissions
    return [
        (gettext("Teams"), competition.teams.count()),
        (gettext("Submissions"), submissions.count()),
        (gettext("Selected for the private board"), submissions.exclude(selected_at=None).count()),
        (gettext("Evaluations queued"), counts[states.QUEUED]),
        (gettext("Evaluations running"), counts[states.RUNNING]),
        (gettext("Evaluations that failed because of the service"), counts[states.ERROR]),
    ]


def moves(competition: Competition, *, by: User) -> pages.Figures:
    """The first teams of the private board, and who leaves the first ranks of the public one."""
    preview = previews.of(competition, by=by)
    shown = [
        gettext("%(rank)d. %(team)s (public: %(public)s)")
        % {"rank": one.rank or 0, "team": one.team, "public": one.public_rank or "–"}
        for one in preview.first
    ]
    leaving = [one.team for one in preview.leaving]
    return [
        (gettext("First on the private board"), "; ".join(shown) or "–"),
        (
            gettext("No longer among the first %(count)d") % {"count": preview.prizes},
            "; ".join(leaving) or "–",
        ),
    ]


def published(is_done: bool) -> str:
    if is_done:
        return gettext("The private board is public.")
    return gettext(
        "The private board is being prepared in the background. Everybody will see it when the "
        "preparation ends. This page shows the progress."
    )
