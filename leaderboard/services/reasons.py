"""Reasons that organizers give a team for what they decide."""

from __future__ import annotations

from django.utils.translation import gettext

from leaderboard.errors import Refused

LONGEST = 300


def given(reason: str) -> str:
    """The reason as it is kept. Raises `Refused` without one."""
    if not reason.strip():
        raise Refused(gettext("Give a reason. The team reads it."), code="reason_missing")
    return reason.strip()[:LONGEST]
