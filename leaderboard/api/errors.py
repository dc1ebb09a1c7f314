"""Every error of the API as JSON: a stable `code` for programs, a `detail` that says what to do.

What breaks elsewhere is told apart here, too, and shown on a page that needs no database.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.template.loader import render_to_string
from django.views import defaults
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import set_rollback

from leaderboard.errors import Refused

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    status: int
    code: str
    detail: str
    fields: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        body = {"code": self.code, "detail": self.detail}
        return body if self.fields is None else {**body, "fields": self.fields}


NOT_FOUND = Problem(
    404,
    "not_found",
    "There is nothing here that you may see. Check the address, and the token you sent; "
    "/api/docs lists all addresses.",
)
BAD_REQUEST = Problem(400, "malformed_request", "The request cannot be read; see /api/docs.")
FOREIGN_ENCODING = Problem(
    415,
    "unsupported_media_type",
    "Send text in UTF-8, and no other charset in Content-Type.",
)
AWAY = Problem(
    503,
    "database_away",
    "The database cannot be reached just now. Nothing was changed; try again in a moment.",
    headers={"Retry-After": "10"},
)
SLOW = Problem(
    503,
    "query_too_slow",
    "The database took too long for this, so it was broken off. Nothing was changed; try again in "
    "a moment, and tell the organizers if it stays.",
    headers={"Retry-After": "10"},
)
FULL = Problem(
    507,
    "no_space",
    "Our disk is full, so this was not stored. This is our fault and was logged. Try again later; "
    "if it stays, tell the organizers.",
    headers={"Retry-After": "60"},
)
INTERNAL = Problem(
    500,
    "internal_error",
    "This is our fault and was logged. Try again later; if it stays, tell the organizers.",
)

DETAILS = {
    "not_authenticated": "Send `Authorization: Token fw_…`; tokens are made on your profile page.",
    "method_not_allowed": "{method} is not possible here; the header Allow says what is.",
    "unsupported_media_type": "Send another Content-Type than {content_type}; see /api/docs.",
    "not_acceptable": "Only application/json (boards: text/csv too) can be asked for.",
    "throttled": "Too many changes in a short time; try again in {retry_after} s.",
}
HEADINGS = {
    400: "This request cannot be read",
    415: "This request cannot be read",
    500: "Something broke here, by our fault",
    503: "Closed for a moment, by our fault",
    507: "No room left here, by our fault",
}
FULL_DISK = {errno.ENOSPC, errno.EDQUOT}
CODES = {"parse_error": "malformed_request", "permission_denied": "not_allowed"}


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    """REST framework's one exception handler; a bug is logged and shown without a trace."""
    set_rollback()
    request = context["request"]
    found = problem(error, request)
    if found.status >= 500:
        logger.error("%s %s", request.method, request.path, exc_info=error)
    # Also where CSV was asked for.
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), "application/json"
    return Response(found.body(), status=found.status, headers=dict(found.headers))


def problem(error: BaseException | None, request: HttpRequest) -> Problem:
    match error:
        case Refused():
            return Problem(error.status, error.code, error.detail)
        case exceptions.ValidationError():
            return invalid(error)
        case Http404() | exceptions.NotFound():
            return NOT_FOUND
        case PermissionDenied():
            return from_rest(exceptions.PermissionDenied(), request)
        case exceptions.APIException() if error.status_code < 500:
            return from_rest(error, request)
        case SuspiciousOperation() | BadRequest() | UnreadablePostError():
            return BAD_REQUEST
        case UnicodeError() | DataError():  # what no check of ours foresaw, but nobody can store
            return BAD_REQUEST
        case LookupError() if type(error) is LookupError:  # of a codec
            return BAD_REQUEST
        case OSError() if error.errno in FULL_DISK:
            return FULL
        case OperationalError() | InterfaceError():
            return of_database(error)
    return INTERNAL


def of_database(error: DatabaseError | InterfaceError) -> Problem:
    """By the codes of SQLite and PostgreSQL: disk_full, query_canceled."""
    cause = error.__cause__
    is_full_for_sqlite = getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    match getattr(cause, "sqlstate", None):
        case "53100":
            return FULL
        case "57014":
            return SLOW
    return FULL if is_full_for_sqlite else AWAY


def invalid(error: exceptions.ValidationError) -> Problem:
    fields = error.detail if isinstance(error.detail, dict) else {"body": error.detail}
    return Problem(400, "invalid", f"Correct these fields: {', '.join(fields)}.", fields)


def from_rest(error: exceptions.APIException, request: HttpRequest) -> Problem:
    code = str(error.get_codes())
    retry_after = f"{getattr(error, 'wait', None) or 60:.0f}"
    facts = {
        "method": request.method,
        "content_type": request.META.get("CONTENT_TYPE") or "none",
        "retry_after": retry_after,
    }
    headers = {}
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = retry_after
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    detail = DETAILS[code].format(**facts) if code in DETAILS else str(error.detail)
    return Problem(error.status_code, CODES.get(code, code), detail, headers=headers)


def unknown(request: HttpRequest) -> HttpResponse:
    """Every address below /api/ that is not there."""
    return as_json(NOT_FOUND)


def refused_outside_views(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: what went wrong before or after a view; pages get Django's page."""
    is_ours = request.path.startswith("/api/")
    return as_json(BAD_REQUEST) if is_ours else defaults.bad_request(request, exception)


def broken_outside_views(request: HttpRequest) -> HttpResponse:
    """Django's handler500, likewise. Django logs the error."""
    return answer(problem(sys.exception(), request), request.path)


def answer(found: Problem, path: str) -> HttpResponse:
    """For programs JSON, for people a page that needs neither a database nor a session."""
    if path.startswith("/api/") or path == "/healthz":
        return as_json(found)
    said = {"problem": found, "heading": HEADINGS[found.status]}
    page = render_to_string("500.html", said)
    return HttpResponse(page, status=found.status, headers=dict(found.headers))


def as_json(found: Problem) -> JsonResponse:
    return JsonResponse(found.body(), status=found.status, headers=dict(found.headers))
