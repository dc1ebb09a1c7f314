"""Keeps the codes of invitations out of the logs, because a code is enough to join a team."""

from __future__ import annotations

import logging
import re

CODE = re.compile(r"(invitations(?:/|%2f)+)[\w.~%-]+", re.IGNORECASE)


class WithoutCodes(logging.Formatter):
    """Replaces the codes of invitations in each record, including its stack trace."""

    def format(self, record: logging.LogRecord) -> str:
        return CODE.sub(r"\1-", super().format(record))
