"""A body that is too large is refused by its announced size, before anything reads it.

Django's CSRF check reads a form, and so spools its file, before any view has a say. No server hands
us more than was announced: without a Content-Length, Django reads nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse

from leaderboard.errors import Refused, TooLarge
from leaderboard.web import refusals

FORM_BYTES = 1 << 20
"""Every form but those that say otherwise fits into this."""

View = TypeVar("View", bound=Callable[..., HttpResponse])


Check = Callable[..., None]
"""Raises `Refused` for a body of so many bytes: `check(request, size, **arguments_of_the_view)`."""


class Bodies:
    """Middleware: stands before the CSRF check, and looks when everybody else is in place."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.method in ("GET", "HEAD") or getattr(view, "csrf_exempt", False):
            return None  # nobody reads it, or the API does, which asks before
        size = request.META.get("CONTENT_LENGTH") or "0"
        check: Check = getattr(view, "check_body", check_form)
        try:
            check(request, int(size) if size.isdecimal() else 0, **kwargs)
        except Refused as refusal:
            return refusals.answer(request, refusal)
        return None


def checked_by(check: Check) -> Callable[[View], View]:
    """A view whose body may have another size than most."""

    def marked(view: View) -> View:
        view.check_body = check  # type: ignore[attr-defined]
        return view

    return marked


def check_form(request: Any, size: int, **arguments: Any) -> None:
    if size > FORM_BYTES and not request.user.is_staff:  # organizers import images by forms
        raise TooLarge(f"{size / 1e6:.1f} MB are more than this form can hold; nothing was read.")
