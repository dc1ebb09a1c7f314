"""Competitions that do not let everybody in: apply, and take up an invitation of the organizers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from leaderboard.errors import NotAllowed
from leaderboard.models import Application, Competition
from leaderboard.services import admissions, applications, guests
from leaderboard.web.competitions import find, show
from leaderboard.web.requests import Request


class ApplicationForm(forms.Form):
    """A field for each question of a competition."""

    def __init__(
        self, *args: Any, competition: Competition, application: Application | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        told = application.answers if application else []
        known = {one["question"]: one["answer"] for one in told}
        for number, question in enumerate(competition.question_list):
            self.fields[f"answer{number}"] = forms.CharField(
                label=question,
                initial=known.get(question, ""),
                max_length=applications.LONGEST_ANSWER,
                widget=forms.Textarea({"rows": 3}),
            )


@login_required
@require_http_methods(["GET", "POST"])
def application(request: Request, slug: str) -> HttpResponse:
    """The form with the organizers' questions."""
    competition = find(request, slug)
    earlier = admissions.application_of(competition, request.user)
    if request.method == "POST":
        form = ApplicationForm(request.POST, competition=competition, application=earlier)
        if form.is_valid():
            answers = list(form.cleaned_data.values())
            applications.apply(competition=competition, answers=answers, by=request.user)
            messages.success(
                request,
                gettext(
                    "Your application was sent. You get a notice when the organizers have decided."
                ),
            )
            return redirect("team", slug)
        hurdle = admissions.hurdle_of(competition, request.user)
        return page(request, competition, hurdle, form=form, status=400)
    return redirect("team", slug)


def page(
    request: Request,
    competition: Competition,
    hurdle: NotAllowed | None,
    *,
    form: ApplicationForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page of a person who is not admitted: why, and what to do."""
    earlier = admissions.application_of(competition, request.user)
    may_apply = hurdle is not None and hurdle.code in ("application_needed", "application_waiting")
    form = form or ApplicationForm(competition=competition, application=earlier)
    return show(
        request,
        competition,
        "teams/admission.html",
        status=status,
        hurdle=hurdle,
        application=earlier,
        form=form if may_apply else None,
        is_waiting=hurdle is not None and hurdle.code == "application_waiting",
    )


@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: Request, slug: str, code: str) -> HttpResponse:
    """Where the link of an organizers' invitation leads, also before the competition opens."""
    guest = guests.find(slug, code)
    competition = guest.competition
    if request.method == "POST":
        if not request.user.is_authenticated:
            return redirect_to_login(request.path)
        guests.accept(slug=slug, code=code, by=request.user)
        if competition.is_public:
            messages.success(request, gettext("Welcome. Create a team or join one."))
            return redirect("team", slug)
        said = gettext("Welcome. You can create a team as soon as {competition} opens.")
        messages.success(request, said.format(competition=competition))
        return redirect("home")
    return render(request, "teams/guest.html", {"guest": guest, "competition": competition})
