"""The steps of a competition from draft to publication: one button each, which asks first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from leaderboard.admin import pages
from leaderboard.models import Competition, Evaluation
from leaderboard.services import competitions, preparing, references

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
"""The button of each step. Which steps there are, `Competition.TRANSITIONS` says."""


class ReferenceForm(forms.Form):
    upload = forms.FileField(
        label="TorchScript model",
        widget=UnfoldAdminFileFieldWidget,
        help_text="An archive of torch.jit.save, checked like any upload.",
    )
    name = forms.CharField(
        max_length=120,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Shown as the baseline, for instance ResNet18-D.",
    )
    anyway = forms.BooleanField(
        label="It answers one number for each class, whatever its weights look like",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Only where this page refused the file for its number of classes, wrongly.",
    )


class PauseForm(forms.Form):
    message = forms.CharField(
        max_length=300,
        required=False,
        widget=UnfoldAdminTextareaWidget,
        help_text="For everybody, on the competition's page: why, and until when.",
    )


class Steps(pages.Noun):
    """Buttons on a competition's page: those of its state."""

    def opening_facts(self, competition: Competition) -> pages.Figures:
        """What an organizer should know before uploads begin."""
        raise NotImplementedError

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        competition = self.get_object(request, str(object_id))
        steps = steps_of(competition) if competition else []
        if hasattr(competition, "preparation"):
            steps.append("stop_preparing")
        return [
            one
            for one in super().get_actions_detail(request, object_id)
            if one.action_name.removeprefix("leaderboard_competition_") in steps
        ]

    @pages.takes_files
    @action(description="Upload reference", icon="upload")
    def upload_reference(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title="Upload the reference model",
            says="Every submission is timed against this model, in the same minutes on the same "
            "worker. A new reference must be calibrated again.",
            form_class=ReferenceForm,
            button="Upload",
            do=lambda upload, name, anyway: references.set_reference(
                competition=competition,
                upload=upload,
                name=name,
                by=pages.organizer(request),
                anyway=anyway,
            ),
            done="The reference is stored. Calibrate it next.",
        )

    @action(description="Calibrate", icon="speed")
    def calibrate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title="Calibrate the reference",
            says=f"A worker of {competition.profile} measures the reference against itself: its F1 "
            "on both hidden splits, its seconds per image, and a time ratio that should be 1.",
            button="Queue a calibration",
            do=lambda: references.calibrate(competition=competition, by=pages.organizer(request)),
            done="The calibration is queued; its result appears on this page.",
        )

    @action(description="Open", icon="play_arrow", variant=ActionVariant.PRIMARY)
    def open_(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.ask_to_open(
            request,
            object_id,
            title="Open the competition",
            says="It becomes visible and teams can upload. From then on whatever scores depend on "
            "is fixed: dataset, hardware profile, reference, input and formula.",
        )

    @action(description="Resume", icon="play_arrow", variant=ActionVariant.PRIMARY)
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        says = "Teams can upload again; the message of the pause is removed."
        return self.ask_to_open(request, object_id, title="Resume uploads", says=says)

    @action(description="Pause", icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title="Pause uploads",
            says="Uploads are refused with your message; what is queued is still evaluated.",
            form_class=PauseForm,
            button="Pause",
            do=lambda message: competitions.pause(
                competition=competition, message=message, by=pages.organizer(request)
            ),
            done="Uploads are paused.",
        )

    @action(description="Close", icon="stop", variant=ActionVariant.WARNING)
    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title="Close the competition",
            says="Uploads end. What is queued is still evaluated, teams can still choose their "
            "final selections, and the private board stays hidden until you publish it. Until "
            "then you can reopen the competition.",
            facts=progress(competition),
            button="Close",
            is_danger=True,
            do=lambda: competitions.close(competition=competition, by=pages.organizer(request)),
            done="The competition is closed.",
        )

    @action(description="Reopen", icon="play_arrow")
    def reopen(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title="Reopen the competition",
            says="Teams can upload again, until its end or until you close it once more. An end "
            "that has passed must be set anew first.",
            facts=progress(competition),
            button="Reopen for uploads",
            do=lambda: competitions.reopen(competition=competition, by=pages.organizer(request)),
            done="The competition takes uploads again.",
        )

    @action(description="Publish", icon="trophy", variant=ActionVariant.PRIMARY)
    def publish(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title="Publish the private board",
            says="The private board is computed and shown to everyone. This cannot be taken back, "
            "and everything queued or running must have ended.",
            facts=progress(competition),
            button="Publish for good",
            is_danger=True,
            do=lambda: competitions.publish(competition=competition, by=pages.organizer(request)),
            done=lambda is_done: (
                "The private board is public."
                if is_done
                else "The private board is being prepared in the background. It is shown to "
                "everyone as soon as that is done; this page tells how far it is."
            ),
        )

    @action(description="Stop the preparation", icon="stop", variant=ActionVariant.WARNING)
    def stop_preparing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title="Stop the preparation",
            says="What is prepared so far is dropped, and the boards stay as everybody sees them "
            "now. A publication or another gate can be begun again.",
            facts=[("In preparation", preparing.of(competition) or "Nothing any more.")],
            button="Stop the preparation",
            do=lambda: competitions.stop_preparing(
                competition=competition, by=pages.organizer(request)
            ),
            done="The preparation is stopped.",
        )

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
            facts=self.opening_facts(competition),
            button="Open for uploads",
            do=lambda: competitions.open_(competition=competition, by=pages.organizer(request)),
            done="{} is open.",
        )


def steps_of(competition: Competition) -> list[str]:
    """The buttons of a competition's state."""
    state = State(competition.state)
    steps = [STEPS[state, target] for target in Competition.TRANSITIONS[state]]
    return ["upload_reference", "calibrate", *steps] if state == State.DRAFT else steps


def progress(competition: Competition) -> pages.Figures:
    """What has been handed in and what of it is not yet known."""
    states = Evaluation.State
    counts = competition.evaluations.by_state()
    submissions = competition.submissions
    return [
        ("Teams", competition.teams.count()),
        ("Submissions", submissions.count()),
        ("Selected for the private board", submissions.exclude(selected_at=None).count()),
        ("Evaluations queued", counts[states.QUEUED]),
        ("Evaluations running", counts[states.RUNNING]),
        ("Evaluations that ended by our fault", counts[states.ERROR]),
    ]
