"""Every error of the API as JSON: a stable `code` for programs, a `detail` that says what to do.

Errors outside of the API are sorted here, too. Their page needs no database.
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
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy
from django.views import defaults
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import set_rollback

from leaderboard import throttling
from leaderboard.errors import Refused

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ErrorAnswer:
    status: int
    code: str
    detail: str | Promise
    fields: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        body = {"code": self.code, "detail": str(self.detail)}
        return body if self.fields is None else {**body, "fields": self.fields}


NOT_FOUND = ErrorAnswer(
    404,
    "not_found",
    gettext_lazy(
        "There is nothing at this address, or you are not allowed to see it. Check the "
        "address and your token. /api/docs lists all addresses."
    ),
)
BAD_REQUEST = ErrorAnswer(
    400, "malformed_request", gettext_lazy("The request cannot be read. See /api/docs.")
)
FOREIGN_ENCODING = ErrorAnswer(
    415,
    "unsupported_media_type",
    gettext_lazy("Send text in UTF-8, and no other charset in Content-Type."),
)
AWAY = ErrorAnswer(
    503,
    "database_away",
    gettext_lazy(
        "The database cannot be reached at the moment. Nothing was changed. Try again in a moment."
    ),
    headers={"Retry-After": "10"},
)
SLOW = ErrorAnswer(
    503,
    "query_too_slow",
    gettext_lazy(
        "The database took too long, so the request was stopped. Nothing was changed. Try again in "
        "a moment. If this happens again, tell the organizers."
    ),
    headers={"Retry-After": "10"},
)
FULL = ErrorAnswer(
    507,
    "no_space",
    gettext_lazy(
        "The disk of the server is full, so nothing was stored. The error was logged. Try again "
        "later. If this happens again, tell the organizers."
    ),
    headers={"Retry-After": "60"},
)
INTERNAL = ErrorAnswer(
    500,
    "internal_error",
    gettext_lazy(
        "The server made an error. The error was logged. Try again later. If this happens again, "
        "tell the organizers."
    ),
)

DETAILS = {
    "not_authenticated": gettext_lazy(
        "Send `Authorization: Token fw_…`. You can make a token on your profile page."
    ),
    "method_not_allowed": gettext_lazy(
        "%(method)s is not possible here. The header Allow lists the possible methods."
    ),
    "unsupported_media_type": gettext_lazy(
        "Send another Content-Type than %(content_type)s. See /api/docs."
    ),
    "not_acceptable": gettext_lazy(
        "The API answers only in application/json. Boards are also available in text/csv."
    ),
}
HEADINGS = {
    400: gettext_lazy("The request cannot be read"),
    415: gettext_lazy("The request cannot be read"),
    500: gettext_lazy("The server made an error"),
    503: gettext_lazy("The site is not available for a moment"),
    507: gettext_lazy("The disk of the server is full"),
}
FULL_DISK = {errno.ENOSPC, errno.EDQUOT}
CODES = {"parse_error": "malformed_request", "permission_denied": "not_allowed"}


def handle(error: Exception, context: Mapping[str, Any]) -> Response:
    """REST framework's exception handler. A bug is logged, and its answer shows no trace."""
    set_rollback()
    request = context["request"]
    found = problem(error, request)
    if found.status >= 500:
        logger.error("%s %s", request.method, request.path, exc_info=error)
    # An error is JSON even if the request asked for CSV.
    request.accepted_renderer, request.accepted_media_type = JSONRenderer(), "application/json"
    return Response(found.body(), status=found.status, headers=dict(found.headers))


def problem(error: BaseException | None, request: HttpRequest) -> ErrorAnswer:
    match error:
        case Refused():
            return ErrorAnswer(error.status, error.code, error.detail)
        case exceptions.ValidationError():
            return invalid(error)
        case Http404() | exceptions.NotFound():
            return NOT_FOUND
        case PermissionDenied():
            return from_rest(exceptions.PermissionDenied(), request)
        case exceptions.Throttled():
            return too_fast(error)
        case exceptions.APIException() if error.status_code < 500:
            return from_rest(error, request)
        case SuspiciousOperation() | BadRequest() | UnreadablePostError():
            return BAD_REQUEST
        case UnicodeError() | DataError():  # a value that passed all checks but cannot be stored
            return BAD_REQUEST
        case LookupError() if type(error) is LookupError:  # a charset that Python does not know
            return BAD_REQUEST
        case OSError() if error.errno in FULL_DISK:
            return FULL
        case OperationalError() | InterfaceError():
            return of_database(error)
    return INTERNAL


def of_database(error: DatabaseError | InterfaceError) -> ErrorAnswer:
    """The problem of a database error, by the codes of SQLite and PostgreSQL."""
    cause = error.__cause__
    is_full_for_sqlite = getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    match getattr(cause, "sqlstate", None):
        case "53100":
            return FULL
        case "57014":
            return SLOW
    return FULL if is_full_for_sqlite else AWAY


def invalid(error: exceptions.ValidationError) -> ErrorAnswer:
    fields = error.detail if isinstance(error.detail, dict) else {"body": error.detail}
    detail = gettext("Correct these fields: %(fields)s.") % {"fields": ", ".join(fields)}
    return ErrorAnswer(400, "invalid", detail, fields)


def too_fast(error: exceptions.Throttled) -> ErrorAnswer:
    refused = throttling.refusal(getattr(error, "wait", None))
    headers = {"Retry-After": str(refused.seconds)}
    return ErrorAnswer(refused.status, refused.code, refused.detail, headers=headers)


def from_rest(error: exceptions.APIException, request: HttpRequest) -> ErrorAnswer:
    code = str(error.get_codes())
    facts = {
        "method": request.method,
        "content_type": request.META.get("CONTENT_TYPE") or "none",
    }
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    detail = DETAILS[code] % facts if code in DETAILS else str(error.detail)
    return ErrorAnswer(error.status_code, CODES.get(code, code), detail, headers=headers)


def unknown(request: HttpRequest) -> HttpResponse:
    """The answer to every unknown address below /api/."""
    return as_json(NOT_FOUND)


def refused_outside_views(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400, for errors before or after a view. A page gets Django's own answer."""
    is_ours = request.path.startswith("/api/")
    return as_json(BAD_REQUEST) if is_ours else defaults.bad_request(request, exception)


def broken_outside_views(request: HttpRequest) -> HttpResponse:
    """Django's handler500, for errors before or after a view. Django logs the error."""
    return answer(problem(sys.exception(), request), request.path)


def answer(found: ErrorAnswer, path: str) -> HttpResponse:
    """JSON below /api/ and for machines, else a page that needs no database and no session."""
    if path.startswith("/api/") or path in {"/healthz", "/readyz", "/metrics"}:
        return as_json(found)
    said = {"problem": found, "heading": HEADINGS[found.status]}
    page = render_to_string("500.html", said)
    return HttpResponse(page, status=found.status, headers=dict(found.headers))


def as_json(found: ErrorAnswer) -> JsonResponse:
    return JsonResponse(found.body(), status=found.status, headers=dict(found.headers))
