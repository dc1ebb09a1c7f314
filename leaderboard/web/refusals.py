"""Turns a `Refused` of any page into a response. No other module of the pages does this."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import redirect, render, resolve_url
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from leaderboard.errors import Refused

PAGES = {404: "404.html", 413: "413.html", 429: "429.html"}
"""Statuses with a page of their own. Other refusals of a form are messages on the form's page."""


class Refusals:
    """Middleware: answers a refusal with an error page, or with a message on the form's page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "GET" and isinstance(response, HttpResponseNotAllowed):
            return form_only(request, response)
        return signed_out(request, response)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return answer(request, error) if isinstance(error, Refused) else None


def answer(request: HttpRequest, refusal: Refused) -> HttpResponse:
    said = {"refusal": refusal}
    if getattr(request, "htmx", False):
        return render(request, "parts/refusal.html", said, status=refusal.status)
    page = PAGES.get(refusal.status)
    if request.method == "POST" and page is None:
        messages.error(request, refusal.detail)
        return redirect(page_before(request))
    return render(request, page or "403.html", said, status=refusal.status)


def form_only(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer of an address that takes forms only, with words for a person."""
    response.content = render_to_string("405.html", request=request)
    return response


def signed_out(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Lets the sign-in that a form is answered with lead back to the form's page.

    The address of the form itself often takes no other request. A step of a sign-in that ends
    where it began names no address to go on to.
    """
    if request.method != "POST" or not isinstance(response, HttpResponseRedirect):
        return response
    to = urlsplit(response.url)
    asks = to.path == resolve_url(settings.LOGIN_URL) and "next" in QueryDict(to.query)
    if not asks or request.user.is_authenticated:
        return response
    said = gettext("You were signed out, so nothing was changed. Sign in, and send the form again.")
    messages.warning(request, said)
    return redirect_to_login(page_before(request))


def page_before(request: HttpRequest) -> str:
    """The page of this site that a form was sent from."""
    page = request.headers.get("Referer", "")
    is_here = url_has_allowed_host_and_scheme(
        page, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return page if page and is_here else request.path


def cleaned(form: forms.Form) -> dict[str, Any]:
    """The values of a form. Raises `Refused` with the sentences of its errors."""
    if form.is_valid():
        return form.cleaned_data
    sentences = [
        f"{form[name].label}: {error}" if name in form.fields else str(error)
        for name, errors in form.errors.items()
        for error in errors
    ]
    raise Refused(" ".join(sentences), code="bad_form")
