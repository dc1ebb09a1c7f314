"""The language of a page: the person's setting, else the cookie, else what the browser asks for."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from leaderboard import times
from leaderboard.services import people
from leaderboard.web.requests import Request


class PersonalLanguage:
    """Middleware: shows people the language and the zone that they have set, else notes the
    language of their browser.

    It stands after authentication. The panel's lists show times in Django's zone of the moment, so
    the person's zone holds there as that one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        times.personal.set("")
        if request.user.is_authenticated:
            times.personal.set(request.user.time_zone)
            chosen = request.user.language
            if chosen in dict(settings.LANGUAGES):  # it may have been taken from the settings
                translation.activate(chosen)
                request.LANGUAGE_CODE = chosen
            else:
                people.see_language(person=request.user, language=request.LANGUAGE_CODE)
        zone = times.personal.get() if request.path.startswith(reverse("admin:index")) else ""
        with timezone.override(zone or None):
            return self.get_response(request)


@require_POST
def choose(request: Request) -> HttpResponse:
    """Keep the choice in a cookie and with the person, and go back to the page that asked."""
    code = request.POST.get("language", "")
    if request.user.is_authenticated:
        people.choose_language(person=request.user, code=code)
    answer = set_language(request)
    if not code:
        answer.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
    return answer
