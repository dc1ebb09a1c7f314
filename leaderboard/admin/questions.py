"""Questions of participants are answered here, and what is asked often is written here."""

from __future__ import annotations

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, gettext_lazy
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from leaderboard.admin import pages
from leaderboard.models import FaqEntry, Question
from leaderboard.services import faq, questions

LABELS = {"open": "warning", "answered": "success"}


class AnswerForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Answer"),
        widget=UnfoldAdminTextareaWidget,
        help_text=gettext_lazy("Markdown."),
    )
    is_public = forms.BooleanField(
        label=gettext_lazy("Everybody reads it"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=gettext_lazy("Otherwise only the asker and the asker's team read the answer."),
    )
    public_text = forms.CharField(
        label=gettext_lazy("The question as everybody reads it"),
        required=False,
        widget=UnfoldAdminTextareaWidget,
        help_text=gettext_lazy("Shorten it, and leave out what shows who asked."),
    )

    def __init__(self, *args: Any, question: Question, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial = {
            "text": question.answer,
            "is_public": question.is_public,
            "public_text": question.public_text or question.text,
        }


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [
            ("open", gettext("waiting for an answer")),
            ("private", gettext("answered privately")),
            ("public", gettext("answered publicly")),
        ]

    def queryset(self, request: HttpRequest, rows: QuerySet[Question]) -> QuerySet[Question]:
        if self.value() == "open":
            return rows.filter(answered_at=None)
        if self.value():
            is_public = self.value() == "public"
            return rows.filter(answered_at__isnull=False, is_public=is_public)
        return rows


@admin.register(Question)
class QuestionAdmin(pages.Fixed):
    comes_from = gettext_lazy("Participants ask on the page “Questions” of a competition.")
    to_competition = "competition"
    list_display = ["__str__", "competition", "state_label", "asked_by", "team", "asked_at"]
    list_filter = [("competition", pages.OwnCompetition), StateFilter]
    search_fields = ["text", "answer", "asked_by__username", "team__name"]
    fields = [
        *("competition", "text", "asked_by", "team", "may_be_named", "asked_at", "stands"),
        *("answer", "public_text", "answered_by", "answered_at"),
    ]
    readonly_fields = ["stands"]
    actions_detail = ["answer", "make_faq", "remove"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Question]:
        rows = super().get_queryset(request)
        return rows.select_related("competition", "asked_by", "team", "answered_by")

    @display(description=gettext_lazy("State"), label=LABELS)
    def state_label(self, question: Question) -> tuple[str, str]:
        if not question.is_answered:
            return "open", gettext("waiting for an answer")
        told = gettext("answered publicly") if question.is_public else gettext("answered privately")
        return "answered", told

    @display(description=gettext_lazy("State"))
    def stands(self, question: Question) -> str:
        return self.state_label(question)[1]

    @action(description=gettext_lazy("Answer"), icon="reply", variant=ActionVariant.PRIMARY)
    def answer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = self.find(request, object_id)

        def do(text: str, is_public: bool, public_text: str) -> None:
            questions.answer(
                question=question,
                text=text,
                is_public=is_public,
                public_text=public_text,
                by=pages.organizer(request),
            )

        return pages.ask(
            self,
            request,
            question,
            title=gettext("Answer"),
            says=gettext(
                "The asker and the asker's team get a notice of the first answer. A later "
                "correction changes the pages and sends no second notice."
            ),
            facts=[(gettext("Question"), question.text), *named(question)],
            form_class=partial(AnswerForm, question=question),
            button=gettext("Answer"),
            do=do,
            done=gettext("The answer is saved."),
        )

    @action(description=gettext_lazy("Make a FAQ entry"), icon="quiz")
    def make_faq(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            question,
            title=gettext("Make a FAQ entry"),
            says=gettext(
                "The public answer becomes the last entry of the FAQ and is shown only "
                "there. You can change its text and its place under FAQ."
            ),
            button=gettext("Make a FAQ entry"),
            do=lambda: faq.make_of(question=question, by=pages.organizer(request)),
            done=gettext("The answer is now an entry of the FAQ."),
        )

    @action(description=gettext_lazy("Remove"), icon="delete", variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        question = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            question,
            title=gettext("Remove"),
            says=gettext(
                "The question, its answer and its notices disappear from all pages. Mails that "
                "were sent cannot be taken back."
            ),
            button=gettext("Remove"),
            is_danger=True,
            is_gone=True,
            do=lambda: questions.remove(question=question, by=pages.organizer(request)),
            done=gettext("“{}” is removed."),
        )


def named(question: Question) -> list[tuple[str, object]]:
    """What the asker allows."""
    if question.may_be_named:
        return [(gettext("Name"), gettext("A public answer shows who asked. The asker agreed."))]
    return [(gettext("Name"), gettext("A public answer does not show who asked."))]


@admin.register(FaqEntry)
class FaqAdmin(pages.Noun):
    to_competition = "competition"
    list_display = ["question", "competition", "position"]
    list_filter = [("competition", pages.OwnCompetition)]
    search_fields = ["question", "answer"]
    fields = ["competition", "question", "answer", "position"]
    actions_detail = ["remove"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_act(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[FaqEntry]:
        return super().get_queryset(request).select_related("competition")

    def get_readonly_fields(self, request: HttpRequest, obj: FaqEntry | None = None) -> list[str]:
        return ["competition"] if obj else []

    def save_model(
        self, request: HttpRequest, obj: FaqEntry, form: ModelForm, change: bool
    ) -> None:
        faq.save(entry=obj, by=pages.organizer(request))

    @action(description=gettext_lazy("Remove"), icon="delete", variant=ActionVariant.DANGER)
    def remove(self, request: HttpRequest, object_id: str) -> HttpResponse:
        entry = self.find(request, object_id)
        return pages.ask(
            self,
            request,
            entry,
            title=gettext("Remove"),
            says=gettext(
                "The entry disappears from the page of questions. If it was made from a "
                "public answer, that answer is shown on the page again."
            ),
            button=gettext("Remove"),
            is_danger=True,
            is_gone=True,
            do=lambda: faq.remove(entry=entry, by=pages.organizer(request)),
            done=gettext("“{}” is removed."),
        )
