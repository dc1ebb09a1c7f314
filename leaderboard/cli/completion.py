"""Names of competitions for the shell's completion.

The site's list is kept for some minutes. The shell shows no error: where the site does not answer,
the names of before are offered, or none.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx

from leaderboard.cli.server import PAGE, Account, Trouble, config_path

FRESH_SECONDS = 300
PATIENCE_SECONDS = 2
"""Somebody waits at the prompt."""


def competitions(incomplete: str) -> list[tuple[str, str]]:
    """Slug and title of the competitions that begin with what was typed."""
    try:
        url = Account.found().url
    except (Trouble, OSError, ValueError):
        return []
    found = kept(url)
    if found is None or time.time() - found["at"] > FRESH_SECONDS:
        found = asked(url) or found or {"names": []}
    return [(slug, title) for slug, title in found["names"] if slug.startswith(incomplete)]


def kept(url: str) -> dict[str, Any] | None:
    """What this site answered last; None if nothing is kept of it."""
    try:
        found: dict[str, Any] = json.loads(path().read_text())
        return found if found["url"] == url and found["names"] and found["at"] else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def asked(url: str) -> dict[str, Any] | None:
    """What the site answers now, which is kept. None without an answer."""
    try:
        answer = httpx.get(
            f"{url}/api/v2/competitions", params={"limit": PAGE}, timeout=PATIENCE_SECONDS
        )
        rows = answer.raise_for_status().json()["results"]
        names = [(str(one["slug"]), str(one["title"])) for one in rows]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, LookupError, TypeError):
        return None
    found = {"url": url, "at": time.time(), "names": names}
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        path().write_text(json.dumps(found))
    except OSError:
        pass  # the next completion asks again
    return found


def path() -> Path:
    return config_path().with_name("competitions.json")
