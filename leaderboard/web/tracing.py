"""Gives each request an id, which stands in the log, in the answer, and in what it queues."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from leaderboard import logs

HEADER = "X-Request-ID"


class Tracing:
    """Middleware, the first one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        identifier = logs.new_id(request.headers.get(HEADER, ""))
        with logs.working_for(request=identifier):
            answer = self.get_response(request)
        answer[HEADER] = identifier
        return answer
