"""What may be wrong with an installation, and what to do about it.

One table of checks feeds `manage.py doctor` (all of them), /readyz (those without which no request
can be answered), /metrics and the mails to operators (those that look at rows only).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext

from leaderboard.services.health import data, setup, work
from leaderboard.services.health.findings import Finding, Findings, Level, error

__all__ = ["CHECKS", "NAMES", "VITAL", "WATCHED", "Finding", "Level", "examine", "worst"]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Check:
    name: str
    look: Callable[[], Findings]
    is_vital: bool = False
    """Without it no request can be answered."""
    is_watched: bool = False
    """It looks at rows alone, so that it can be asked each half minute by any process."""


CHECKS = (
    Check("database", data.database, is_vital=True),
    Check("migrations", data.migrations, is_vital=True),
    Check("clock", data.clock, is_watched=True),
    Check("storage", data.storage, is_vital=True),
    Check("room", data.room, is_watched=True),
    Check("broker", work.broker, is_watched=True),
    Check("queue", work.queue, is_watched=True),
    Check("sweep", work.sweep, is_watched=True),
    Check("post", work.post, is_watched=True),
    Check("calibration", work.calibration, is_watched=True),
    Check("versions", work.versions, is_watched=True),
    Check("faults", work.faults, is_watched=True),
    Check("weak", work.weak, is_watched=True),
    Check("secret_key", setup.secret_key),
    Check("hosts", setup.hosts),
    Check("key_files", setup.key_files),
    Check("people", setup.people),
    Check("mail", setup.mails),
    Check("front", setup.front),
    Check("sandbox", setup.sandbox),
)
NAMES = tuple(one.name for one in CHECKS)
VITAL = tuple(one.name for one in CHECKS if one.is_vital)
WATCHED = tuple(one.name for one in CHECKS if one.is_watched)


def examine(names: Collection[str] = NAMES) -> list[Finding]:
    """What the named checks found, in the order of the table; a check that found nothing is OK."""
    found: list[Finding] = []
    for check in CHECKS:
        if check.name in names:
            found += examined(check)
    return found


def examined(check: Check) -> list[Finding]:
    """The findings of a check. One that breaks is an error itself, so that the others go on."""
    try:
        found = list(check.look())
    except (DatabaseError, InterfaceError) as problem:
        said = gettext("The database does not answer: %(error)s")
        found = [
            error(
                said % {"error": str(problem).strip()},
                gettext("Start it, compare DATABASE_URL with it, and run manage.py migrate."),
            )
        ]
    except Exception as problem:
        logger.exception("The check %s broke", check.name)
        found = [
            error(
                gettext("This check broke: %(error)s") % {"error": repr(problem)},
                gettext("Report it with the log of this command."),
            )
        ]
    return [replace(one, check=check.name) for one in found or [Finding(Level.OK, "")]]


def worst(found: Collection[Finding]) -> Level:
    levels = {one.level for one in found}
    return next((one for one in (Level.ERROR, Level.WARNING) if one in levels), Level.OK)
