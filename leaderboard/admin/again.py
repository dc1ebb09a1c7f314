"""Measure again: what an organizer chooses, and what the page of such a rescore tells."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.core.files import File
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
)

from leaderboard.admin import fields, pages, trainings
from leaderboard.models import Competition, Evaluation, Rescore
from leaderboard.sentences import said
from leaderboard.services import references, remeasuring, rescoring, workers

LISTED = 50
"""Failures that the page names."""
State = Evaluation.State


class AgainForm(forms.Form):
    """What a rescore that measures again may use.

    The dataset has the field `data`, because Unfold reads a posted field called "dataset" itself.
    """

    data: Any = forms.ModelChoiceField(
        queryset=None, label=gettext_lazy("Dataset"), required=False, widget=UnfoldAdminSelectWidget
    )
    stored: Any = forms.ModelChoiceField(
        queryset=None,
        label=gettext_lazy("Reference model"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    upload = forms.FileField(
        label=gettext_lazy("Another reference model"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy("A new file is calibrated first, in the background."),
    )
    name = fields.line(gettext_lazy("Its name"), 120, required=False)
    profile: Any = forms.ModelChoiceField(
        queryset=None,
        label=gettext_lazy("Hardware profile"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    scope = forms.ChoiceField(
        label=gettext_lazy("What is measured"),
        choices=Rescore.Scope.choices,
        initial=Rescore.Scope.BEST,
        widget=UnfoldAdminRadioSelectWidget,
        help_text=gettext_lazy(
            "Submissions that are not measured keep the score on their page and no longer count."
        ),
    )
    why = fields.paragraph(
        gettext_lazy("Reason"), 500, gettext_lazy("Everybody reads it once the rescore is applied.")
    )

    def __init__(self, choices: dict[str, Any], *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        for name, (rows, today) in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = rows.exclude(pk=today.pk) if today else rows
            field.empty_label = gettext("As today: %(today)s") % {"today": today or "–"}


class Acts(trainings.Acts):
    @pages.takes_files
    @action(description=gettext_lazy("Measure again"), icon="restart_alt")
    def measure_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        competition = self.find(request, object_id)
        choices = self.choices(request, competition)
        made: list[Rescore] = []

        def do(**chosen: Any) -> None:
            made.append(begin(competition, request, **chosen))

        answer = pages.ask(
            self,
            request,
            competition,
            title=gettext("Measure again"),
            says=gettext(
                "Choose what changes. If you choose nothing, everything is measured once "
                "more. Workers measure uploads of participants first. Only organizers see "
                "the rescore. Nothing changes until you apply it, and you can cancel it at "
                "any time."
            ),
            form_class=partial(AgainForm, choices, initial={"data": request.GET.get("data")}),
            button=gettext("Measure again"),
            do=do,
            done=gettext("The reference is calibrated first."),
        )
        return redirect(pages.change_url(made[0])) if made else answer

    def choices(self, request: HttpRequest, competition: Competition) -> dict[str, Any]:
        """The rows that a person may choose, and that of today."""
        found: dict[str, Any] = {}
        for name, field in (("data", "dataset"), ("profile", "profile")):
            column: Any = Competition._meta.get_field(field)
            offered: Any = self.formfield_for_foreignkey(column, request)
            found[name] = (offered.queryset, getattr(competition, field))
        data, today = found["data"]
        found["data"] = (data.filter(classes=competition.classes), today)
        found["stored"] = (competition.references.all(), competition.reference)
        return found


def begin(
    competition: Competition,
    request: HttpRequest,
    *,
    upload: File[bytes] | None,
    name: str,
    data: Any,
    stored: Any,
    **chosen: Any,
) -> Rescore:
    by = pages.organizer(request)
    if upload:
        stored = references.add_reference(competition=competition, upload=upload, name=name, by=by)
    terms = Rescore(competition=competition, dataset=data, reference=stored, **chosen)
    return rescoring.measure_again(rescore=terms, by=by)


def acts_of(competition: Competition) -> list[str]:
    is_running = competition.is_public and not competition.is_published
    return ["measure_again"] if is_running else []


def told(rescore: Rescore) -> dict[str, Any]:
    """What the page of a rescore that measures says of its progress."""
    if not rescore.is_measured:
        return {}
    progress = remeasuring.progress(rescore)
    failed = remeasuring.failures(rescore)
    reference = remeasuring.calibration(rescore)
    is_broken = bool(reference and reference.state in (State.FAILED, State.ERROR))
    return {
        "progress": progress,
        "failures": failed[:LISTED],
        "more_failures": max(0, progress.failed - LISTED),
        "reference": reference,
        "doubt": doubt(rescore, reference),
        "may_retry": rescore.is_open and (is_broken or progress.failed > 0),
        "is_measuring": rescore.state == Rescore.State.MEASURING,
    }


def doubt(rescore: Rescore, reference: Evaluation | None) -> str:
    """Why the calibration by the new terms may not hold, in a sentence; empty if it does."""
    profile = rescore.profile
    if profile is None or reference is None or reference.state != State.SCORED:
        return ""
    if not profile.canary_every_minutes:
        return ""
    figures = reference.figures()
    error = reference.timing.standard_error if reference.timing else None
    reason = workers.off_band(profile, figures.time_ratio, figures.half_width, error)
    return said(reason) if reason else ""
