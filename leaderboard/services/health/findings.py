"""What a check found: how bad it is, what is wrong, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """It works, but not as it should."""
    ERROR = "error"
    """Something that people need does not work."""


@dataclass(frozen=True)
class Finding:
    level: Level
    said: str
    advice: str = ""
    check: str = ""
    """The name of the check, from the table of checks."""
    about: str = ""
    """What it is about, if a check can find the same of several things: a profile, a worker."""


Findings = Iterator[Finding]


def warning(said: str, advice: str, *, about: object = "") -> Finding:
    return Finding(Level.WARNING, said, advice, about=str(about))


def error(said: str, advice: str, *, about: object = "") -> Finding:
    return Finding(Level.ERROR, said, advice, about=str(about))
