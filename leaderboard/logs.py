"""What is not written into logs: whoever holds an invitation's code can use it."""

from __future__ import annotations

import logging
import re

CODE = re.compile(r"(invitations(?:/|%2f)+)[\w.~%-]+", re.IGNORECASE)


class WithoutCodes(logging.Formatter):
    """Invitations' codes are replaced in all that is written, traces included."""

    def format(self, record: logging.LogRecord) -> str:
        return CODE.sub(r"\1-", super().format(record))
