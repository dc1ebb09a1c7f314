"""A limit on changes for each user, so that one script cannot slow the site. Reading has no limit.

API and pages share one count: `WriteThrottle` counts in the API, `web.hurry` counts forms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import ngettext
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle, UserRateThrottle

from leaderboard import bodies
from leaderboard.errors import TooFast

if TYPE_CHECKING:  # views import throttles themselves
    from rest_framework.views import APIView


class WriteThrottle(UserRateThrottle):
    scope = "writes"
    rate = "60/min"

    def allow_request(self, request: Request, view: APIView) -> bool:
        changes_nothing = request.method in SAFE_METHODS or bodies.is_question(request)
        return changes_nothing or super().allow_request(request, view)


class PartThrottle(WriteThrottle):
    """The limit for parts of files. A fast connection sends many in a minute, and the size of each
    file is bounded."""

    scope = "parts"
    rate = "600/min"


class BeginThrottle(AnonRateThrottle):
    """The limit for commands that begin to sign in, for each address. A classroom has one
    address."""

    scope = "begin"
    rate = "60/min"


class CollectThrottle(AnonRateThrottle):
    """The limit for questions whether a command is confirmed, for each address."""

    scope = "collect"
    rate = "600/min"


def refusal(wait: float | None) -> TooFast:
    """The refusal of a change above the limit. `wait`: seconds until the next one; None if
    unknown."""
    seconds = round(wait or 60)
    text = ngettext(
        "Too many changes in a short time. Try again in {seconds} second.",
        "Too many changes in a short time. Try again in {seconds} seconds.",
        seconds,
    )
    return TooFast(text.format(seconds=seconds), seconds=seconds)
