"""Refuses forms that a user sends too fast. Forms and API requests share one count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from rest_framework.views import APIView

from leaderboard import throttling
from leaderboard.web import refusals


class Hurry:
    """Middleware for signed-in users.

    Other users reach only the forms of `accounts/`, which have limits of their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        is_counted_there = request.path.startswith("/api/")
        if is_counted_there or not request.user.is_authenticated:
            return None
        throttle = throttling.WriteThrottle()
        if throttle.allow_request(cast(Any, request), APIView()):
            return None
        refused = throttling.refusal(throttle.wait())
        answer = refusals.answer(request, refused)
        answer["Retry-After"] = str(refused.seconds)
        return answer
