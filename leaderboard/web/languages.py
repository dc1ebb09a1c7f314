"""The language of the pages: a person's choice for this browser, else what the browser asks for."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_POST
from django.views.i18n import set_language

from leaderboard.web.requests import Request


@require_POST
def choose(request: Request) -> HttpResponse:
    """Keep the choice in a cookie, and go back to the page that asked."""
    return set_language(request)
