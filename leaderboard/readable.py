"""Refuses unreadable requests before Django reads them, and answers a proxy's question.

Unreadable: a NUL byte in the address, a cookie or the content type, or an encoding other than
UTF-8. PostgreSQL stores no NUL byte. Django decodes a request at the first access to a field. Some
of Python's codecs then raise, even while the error's own answer is made.

A proxy asks whether it may accept a body. Every refusal becomes the status 403, which nginx
understands. The proxy asks a second time for the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.http.request import HttpHeaders

from leaderboard import bodies
from leaderboard.api import errors

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

CHARSET = re.compile(r"charset\s*=\s*\"?([^;\"\s]*)", re.IGNORECASE)
CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii"}
ENCODED_PARAMETER = re.compile(r"\*\s*=")
"""`charset*=...` names an encoding of its own (RFC 2231), which no content type needs."""


class Readable:
    """WSGI middleware before Django, because Django decodes a request when it creates it."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if HttpHeaders.to_wsgi_name(bodies.UNSENT) in environ:
            is_second = HttpHeaders.to_wsgi_name(bodies.SAY_WHY) in environ
            start_response = (without_yes if is_second else with_one_no)(start_response)
        if problem := unreadable(environ):
            answer = errors.answer(problem, environ.get("PATH_INFO", ""))
            status = f"{answer.status_code} {answer.reason_phrase}"
            start_response(status, list(answer.items()))
            return [answer.content]
        return self.application(environ, start_response)


def with_one_no(start_response: StartResponse) -> StartResponse:
    """Turn every refusal into 403, the only one that nginx understands. It asks again for the
    reason."""

    def started(status: str, *more: Any) -> Callable[[bytes], object]:
        is_refusal = 300 <= int(status.split()[0]) < 500
        return start_response("403 Forbidden" if is_refusal else status, *more)

    return started


def without_yes(start_response: StartResponse) -> StartResponse:
    """Turn a yes into 503. The proxy no longer has the body, so the client must send it again."""

    def started(status: str, headers: list[tuple[str, str]], *more: Any) -> Callable[..., object]:
        if status.startswith("204"):
            return start_response(
                "503 Service Unavailable", [("Retry-After", "1"), *headers], *more
            )
        return start_response(status, headers, *more)

    return started


def unreadable(environ: WSGIEnvironment) -> errors.ErrorAnswer | None:
    has_nul = (
        "\0" in environ.get("PATH_INFO", "")
        or re.search(r"\0|%00", environ.get("QUERY_STRING", ""))
        or re.search(r"\0|\\000", environ.get("HTTP_COOKIE", ""))
        or "\0" in environ.get("CONTENT_TYPE", "")
    )
    if has_nul:
        return errors.BAD_REQUEST
    content_type = environ.get("CONTENT_TYPE", "")
    charsets = {found.lower() for found in CHARSET.findall(content_type)}
    if charsets - CHARSETS or ENCODED_PARAMETER.search(content_type):
        return errors.FOREIGN_ENCODING
    return None
