"""What nothing behind this door could read is refused before Django looks at it.

A NUL byte has no place in an address and none in a text of PostgreSQL. A body or an address in
another encoding than UTF-8 is decoded by whoever asks for a field of it first, and some of Python's
codecs raise then, also where the answer to that error is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from leaderboard.api import errors

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

CHARSET = re.compile(r"charset\s*=\s*\"?([^;\"\s]*)", re.IGNORECASE)
CHARSETS = {"utf-8", "utf8", "us-ascii", "ascii"}
ENCODED_PARAMETER = re.compile(r"\*\s*=")
"""`charset*=...` names an encoding of its own (RFC 2231), which no content type needs."""


class Readable:
    """WSGI middleware: stands before Django, whose requests decode themselves as they are made."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if problem := unreadable(environ):
            answer = errors.answer(problem, environ.get("PATH_INFO", ""))
            status = f"{answer.status_code} {answer.reason_phrase}"
            start_response(status, list(answer.items()))
            return [answer.content]
        return self.application(environ, start_response)


def unreadable(environ: WSGIEnvironment) -> errors.Problem | None:
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
