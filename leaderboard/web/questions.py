"""The page of questions: what is asked often, public answers, and what the own team asked."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from leaderboard.errors import Refused
from leaderboard.services import faq
from leaderboard.services import questions as service
from leaderboard.web.competitions import find, show
from leaderboard.web.forms import QuestionForm
from leaderboard.web.requests import Request

PAGE = 20
MOST_OWN = 20
"""Questions of the own team on the page, the newest ones."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def questions(request: Request, slug: str) -> HttpResponse:
    """The page, and the form that asks."""
    if request.method == "POST" and not request.user.is_authenticated:
        return redirect_to_login(request.path)
    competition = find(request, slug)
    form = QuestionForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            service.ask(competition=competition, by=request.user, **form.cleaned_data)
        except Refused as refusal:  # shown beside what was typed
            form.add_error("text", refusal.detail)
        else:
            said = gettext("The organizers got your question. You get a notice when they answer.")
            messages.success(request, said)
            return redirect("questions", slug)
    own = service.own(competition, request.user) if request.user.is_authenticated else ()
    return show(
        request,
        competition,
        "competitions/questions.html",
        form=form,
        faq=faq.of(competition),
        own=own[:MOST_OWN],
        page=Paginator(service.public(competition), PAGE).get_page(request.GET.get("page")),
        status=400 if form.errors else 200,
    )


@never_cache
@require_safe
def question(request: Request, slug: str, pk: int) -> HttpResponse:
    """One question and its answer."""
    competition = find(request, slug)
    one = service.find(competition, pk, request.user)
    is_own = service.is_own(one, request.user)
    return show(request, competition, "competitions/question.html", one=one, is_own=is_own)
