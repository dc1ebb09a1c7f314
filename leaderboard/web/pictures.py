"""A picture of each class, as pages show it."""

from __future__ import annotations

import base64

from leaderboard.models import Split
from leaderboard.services import kit


def of(sample: Split | None) -> list[tuple[str, str]]:
    """The name of each of the first classes, and a picture of it as an address."""
    return [(one.label, inline(one.data)) for one in kit.pictures(sample)]


def inline(data: bytes) -> str:
    """A small picture as an address, so that the page is one request."""
    return f"data:image/webp;base64,{base64.b64encode(data).decode()}"
