"""What may be wrong with an installation, and what to do about it.

One table of checks feeds `manage.py doctor` (all of them), /readyz (those without which no request
can be answered), /metrics and the mails to operators (those that look at rows only).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import replace

from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext

from leaderboard.services.health import data, setup, work
from leaderboard.services.health.findings import Finding, Findings, Level, error

__all__ = ["CHECKS", "NAMES", "VITAL", "WATCHED", "Finding", "Level", "examine", "worst"]
logger = logging.getLogger(__name__)


Look = Callable[[], Findings]
"""A check. It is called by its function's name."""
VITAL_CHECKS: tuple[Look, ...] = (data.database, data.migrations, data.storage)
"""Without them no request can be answered."""
WATCHED_CHECKS: tuple[Look, ...] = (
    data.clock,
    data.room,
    work.broker,
    work.queue,
    work.sweep,
    work.post,
    work.calibration,
    work.turns,
    work.versions,
    work.faults,
    work.weak,
)
"""They look at rows alone, so that they can be asked each half minute by any process."""
SETUP_CHECKS: tuple[Look, ...] = (
    setup.secret_key,
    setup.hosts,
    setup.key_files,
    setup.people,
    setup.mail,
    setup.front,
    setup.sandbox,
)
CHECKS = {look.__name__: look for look in VITAL_CHECKS + WATCHED_CHECKS + SETUP_CHECKS}
NAMES = tuple(CHECKS)
VITAL = tuple(look.__name__ for look in VITAL_CHECKS)
WATCHED = tuple(look.__name__ for look in WATCHED_CHECKS)


def examine(names: Collection[str] = NAMES) -> list[Finding]:
    """What the named checks found, in the order of the table; a check that found nothing is OK."""
    found: list[Finding] = []
    for name, look in CHECKS.items():
        if name in names:
            found += examined(name, look)
    return found


def examined(name: str, look: Look) -> list[Finding]:
    """The findings of a check. One that breaks is an error itself, so that the others go on."""
    try:
        found = list(look())
    except (DatabaseError, InterfaceError) as problem:
        said = gettext("The database does not answer: %(error)s")
        found = [
            error(
                said % {"error": str(problem).strip()},
                gettext("Start the database, check DATABASE_URL, and run manage.py migrate."),
            )
        ]
    except Exception as problem:
        logger.exception("The check %s broke", name)
        found = [
            error(
                gettext("This check failed: %(error)s") % {"error": repr(problem)},
                gettext("Report it with the log of this command."),
            )
        ]
    return [replace(one, check=name) for one in found or [Finding(Level.OK, "")]]


def worst(found: Collection[Finding]) -> Level:
    levels = {one.level for one in found}
    return next((one for one in (Level.ERROR, Level.WARNING) if one in levels), Level.OK)
