"""A reference model is trained in the background: its form, and what its card says."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from leaderboard.admin import drafts, pages
from leaderboard.models import Competition, Training
from leaderboard.models.training import ARCHITECTURES, MOST_SECONDS
from leaderboard.services import trainings, workers
from scoring import formats


def titles() -> list[tuple[str, str]]:
    """The forms that a training can export, with their names for people."""
    both = ((one, formats.of_form(one)) for one in formats.forms())
    return [
        (one, f"{kind.title}, int8" if is_int8 else kind.title) for one, (kind, is_int8) in both
    ]


class TrainingForm(forms.Form):
    architecture = forms.RegexField(
        r"\A[a-z0-9_.]+\Z",
        label=gettext_lazy("Architecture"),
        max_length=100,
        initial=ARCHITECTURES[0],
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy(
            "small_resnet, tiny_cnn or wide_cnn. On workers with the package timm also any "
            "name of timm, for example mobilenetv3_small_100. The training starts without "
            "pretrained weights."
        ),
    )
    form = forms.ChoiceField(
        label=gettext_lazy("Format"), choices=titles, widget=UnfoldAdminSelectWidget
    )
    seconds = forms.IntegerField(
        label=gettext_lazy("Seconds of training"),
        min_value=10,
        max_value=MOST_SECONDS,
        initial=120,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("The worker measures nothing during the training."),
    )
    seed = forms.IntegerField(
        label=gettext_lazy("Seed"),
        min_value=0,
        max_value=2**31 - 1,
        initial=0,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=gettext_lazy("Another seed trains another model."),
    )


class Acts(drafts.Acts):
    @action(description=gettext_lazy("Train a reference"), icon="model_training")
    def train_reference(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)

        def do(**values: Any) -> Training:
            return trainings.begin(
                competition=competition, training=Training(**values), by=pages.organizer(request)
            )

        return pages.ask(
            self,
            request,
            competition,
            title=gettext("Train a reference model"),
            says=gettext(
                "A worker of %(profile)s trains a classifier on the sample that participants "
                "get, and exports it. It becomes the reference model of this draft. Then "
                "calibrate it."
            )
            % {"profile": competition.profile},
            form_class=TrainingForm,
            facts=[(gettext("Input"), fed(competition))],
            button=gettext("Train"),
            do=do,
            done=gettext("The training is queued. The card of steps shows its progress."),
        )

    @action(
        description=gettext_lazy("Cancel the training"), icon="stop", variant=ActionVariant.WARNING
    )
    def cancel_training(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            competition,
            title=gettext("Cancel the training"),
            says=gettext("The worker stops within seconds. The reference model stays as it is."),
            button=gettext("Cancel the training"),
            do=lambda: trainings.cancel(competition=competition, by=pages.organizer(request)),
            done=gettext("The training is cancelled."),
        )


def acts_of(competition: Competition) -> list[str]:
    """The acts that a draft allows."""
    is_under_way = competition.trainings.unfinished().exists()
    return ["cancel_training"] if is_under_way else ["train_reference"]


def fed(competition: Competition) -> str:
    return f"{competition.input_height} x {competition.input_width}, {competition.dtype}"


def progress(training: Training) -> tuple[str, float]:
    """What a training is doing, and how far it is in percent."""
    facts: dict[str, object] = {"architecture": training.architecture, "seconds": training.seconds}
    if training.state == Training.State.RUNNING:
        said = gettext("A worker trains %(architecture)s for %(seconds)d seconds.")
        return said % facts, training.percent
    if not workers.seen_lately(training.competition.profile_id).exists():
        said = gettext("Queued. No worker of this profile was seen lately: start one.")
        return said, 0.0
    said = gettext("The training of %(architecture)s starts when no upload is waiting.")
    return said % facts, 0.0


def trouble(training: Training) -> str:
    """Why the latest training made no reference; empty if it made one, or was cancelled."""
    if training.state == Training.State.FAILED:
        said = gettext("The training of %(architecture)s failed: %(reason)s")
        return said % {"architecture": training.architecture, "reason": training.said}
    if training.state == Training.State.ERROR:
        return gettext("The training ended because of an error of the service. Train again.")
    return ""
