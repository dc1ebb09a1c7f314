"""Lines of the log: plain or JSON, with one id from a request to the measurement that it led to.

Codes of invitations are kept out, because a code is enough to join a team.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

CODE = re.compile(r"(invitations(?:/|%2f)+)[\w.~%-]+", re.IGNORECASE)
GIVEN = re.compile(r"[A-Za-z0-9-]{8,36}")
"""An id that a front may give to a request. Another one is replaced."""


class WithoutCodes(logging.Formatter):
    """A plain line, with the ids at its end, and without the codes of invitations."""

    def format(self, record: logging.LogRecord) -> str:
        ids = structlog.contextvars.get_contextvars()
        told = "".join(f" [{name}={value}]" for name, value in ids.items())
        return CODE.sub(r"\1-", super().format(record) + told)


class Json(structlog.stdlib.ProcessorFormatter):
    """A JSON object for each line, without the codes of invitations."""

    def __init__(self, *_: Any, **__: Any) -> None:
        before: list[Any] = [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ]
        after: list[Any] = [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
        super().__init__(foreign_pre_chain=before, processors=after)

    def format(self, record: logging.LogRecord) -> str:
        return CODE.sub(r"\1-", super().format(record))


def new_id(given: str = "") -> str:
    """The id that the front has given to a request, or a new one."""
    return given if GIVEN.fullmatch(given) else uuid.uuid4().hex


def current_id() -> str:
    """The id of what this thread works for; empty outside of requests and evaluations."""
    return str(structlog.contextvars.get_contextvars().get("request", ""))


@contextmanager
def working_for(**ids: object) -> Iterator[None]:
    """The ids stand in each line that the body logs."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield
