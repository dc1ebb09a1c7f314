"""Submissions: facts that never change, and an organizer's decisions about them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from leaderboard import sizes
from leaderboard.admin import fields, pages
from leaderboard.errors import Refused
from leaderboard.models import Evaluation, Submission
from leaderboard.services import queueing, submissions
from leaderboard.sizes import megabytes


class ReasonForm(forms.Form):
    reason = fields.reason(gettext_lazy("The team reads this reason."))


class EvaluationInline(pages.FixedInline):
    model = Evaluation
    fk_name = "submission"
    fields = ["number", "why", "state", "ratio", "quality", "score", "trouble", "finished_at"]
    readonly_fields = ["number", "ratio", "quality", "score", "trouble"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Evaluation]:
        return super().get_queryset(request).select_related("competition")

    @display(description=gettext_lazy("Number"))
    def number(self, evaluation: Evaluation) -> SafeString | str:
        return pages.link(evaluation, f"{evaluation.pk}")

    @display(description=gettext_lazy("Time ratio"))
    def ratio(self, evaluation: Evaluation) -> str:
        return pages.ratio(evaluation.time_ratio, evaluation.half_width)

    @display(description=gettext_lazy("Quality public / private"))
    def quality(self, evaluation: Evaluation) -> str:
        return pages.pair(evaluation.quality_public, evaluation.quality_private)

    @display(description=gettext_lazy("Score public / private"))
    def score(self, evaluation: Evaluation) -> str:
        return pages.scores(evaluation)

    @display(description=gettext_lazy("Failure or error"))
    def trouble(self, evaluation: Evaluation) -> SafeString | str:
        return pages.trouble(evaluation)


class Verdicts:
    """Columns of a submission, for the list and for a team's page."""

    @display(description=gettext_lazy("Public score"))
    def score(self, submission: Submission) -> str:
        evaluation = submission.evaluation
        if evaluation.score_public is None:
            return "–"
        return sizes.interval(evaluation.score_public, evaluation.score_half_width, 4)

    @display(description=gettext_lazy("Decisions"))
    def marks(self, submission: Submission) -> str:
        marks = []
        if submission.is_late:
            marks.append(gettext("late"))
        if submission.selected_at:
            marks.append(gettext("selected"))
        if submission.withdrawn_at:
            marks.append(gettext("withdrawn"))
        if submission.disqualified_at:
            facts = {"reason": submission.disqualified_reason}
            marks.append(gettext("disqualified: %(reason)s") % facts)
        elif submission.reinstated_reason:
            facts = {"reason": submission.reinstated_reason}
            marks.append(gettext("reinstated: %(reason)s") % facts)
        return "; ".join(marks) or "–"


@admin.register(Submission)
class SubmissionAdmin(Verdicts, pages.Fixed):
    comes_from = gettext_lazy("Teams upload models on the page of an open competition.")
    to_competition = "competition"
    list_display = ["__str__", "competition", "uploaded_at", "state", "score", "marks", "note"]
    list_filter = [("competition", pages.OwnCompetition), "door", "is_late", "uploaded_at"]
    search_fields = [
        "team__name",
        *(f"{name}__startswith" for name in ("note", "file_name", "sha256")),
    ]
    search_help_text = gettext_lazy(
        "Searches in team names, and at the beginning of notes, file names and SHA-256."
    )
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("competition", "team"),
                    ("uploaded_by", "uploaded_at"),
                    "marks",
                    ("note", "branch"),
                ]
            },
        ),
        (None, {"fields": ["model_figures"]}),
    ]
    readonly_fields = ["marks", "model_figures"]
    inlines = [EvaluationInline]
    actions = ["evaluate_all_again"]
    actions_detail = ["evaluate_again", "disqualify", "reinstate"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Submission]:
        return (
            super()
            .get_queryset(request)
            .select_related("competition", "team", "uploaded_by")
            .prefetch_related("evaluations__competition")
        )

    # What is shown

    @display(description=gettext_lazy("State"), label=pages.STATE_LABELS)
    def state(self, submission: Submission) -> tuple[str, str]:
        return submission.evaluation.state, submission.evaluation.get_state_display()

    @display(description=gettext_lazy("Model"))
    def model_figures(self, submission: Submission) -> SafeString:
        static = submission.static
        return pages.figures(
            [
                (
                    gettext("File"),
                    f"{submission.file_name}, {megabytes(submission.size_bytes)}",
                ),
                (gettext("Uploaded through"), submission.get_door_display()),
                (gettext("Parameters"), f"{static.get('parameters', 0):,}"),
                (gettext("Input"), input_of(static.get("input") or {})),
                (gettext("Operators"), ", ".join(static.get("operators", [])) or "–"),
                ("SHA-256", submission.sha256),
                (gettext("Content"), submission.content_sha256),
            ]
        )

    # Decisions

    def has_evaluate_permission(self, request: HttpRequest, *args: Any) -> bool:
        return self.may_act(request)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[UnfoldAction]:
        submission = self.get_object(request, str(object_id))
        hidden = "reinstate" if submission and submission.disqualified_at is None else "disqualify"
        return [
            one
            for one in super().get_actions_detail(request, object_id)
            if not one.action_name.endswith(hidden)
        ]

    @action(description=gettext_lazy("Evaluate again"), icon="replay")
    def evaluate_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        submission = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            submission,
            title=gettext("Evaluate again"),
            says=gettext(
                "A worker measures this submission once more. The result is combined with "
                "the earlier measurements. The present score counts until then. A new score "
                "replaces it, but a failed repeat does not. The team uses no quota."
            ),
            button=gettext("Queue an evaluation"),
            do=lambda: queueing.evaluate_again(submission=submission, by=pages.organizer(request)),
            done=gettext("An evaluation of {} is queued."),
        )

    @action(description=gettext_lazy("Disqualify"), icon="block", variant=ActionVariant.DANGER)
    def disqualify(self, request: HttpRequest, object_id: str) -> HttpResponse:
        submission = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            submission,
            title=gettext("Disqualify"),
            says=gettext(
                "The submission leaves both boards. The team's next best submission takes its "
                "place. You can reinstate the submission later."
            ),
            form_class=ReasonForm,
            button=gettext("Disqualify"),
            is_danger=True,
            do=lambda reason: submissions.disqualify(
                submission=submission, reason=reason, by=pages.organizer(request)
            ),
            done=gettext("{} is disqualified."),
        )

    @action(description=gettext_lazy("Reinstate"), icon="undo")
    def reinstate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        submission = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            submission,
            title=gettext("Reinstate"),
            says=gettext("The submission counts again, as if it had never been disqualified."),
            facts=[(gettext("Reason for the disqualification"), submission.disqualified_reason)],
            form_class=ReasonForm,
            button=gettext("Reinstate"),
            do=lambda reason: submissions.reinstate(
                submission=submission, reason=reason, by=pages.organizer(request)
            ),
            done=gettext("{} counts again."),
        )

    @action(description=gettext_lazy("Evaluate again"), permissions=["evaluate"])
    def evaluate_all_again(self, request: HttpRequest, queryset: QuerySet[Submission]) -> None:
        queued = 0
        for submission in queryset:
            try:
                queueing.evaluate_again(submission=submission, by=pages.organizer(request))
                queued += 1
            except Refused as refusal:
                messages.error(request, f"{submission}: {refusal.detail}")
        messages.success(request, gettext("Evaluations queued: %(count)d.") % {"count": queued})


def input_of(spec: dict[str, Any]) -> str:
    if not spec:
        return "–"
    sentence = gettext("%(height)d x %(width)d, %(dtype)s, batches of %(batch_size)d")
    return sentence % spec
