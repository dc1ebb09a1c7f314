"""Knocking: telling the workers of a profile that there is something in the database for them.

The row is the queue. A lost knock costs nothing but time, since the sweep knocks again; so a broker
that is down is logged and never shown to a participant.
"""

import logging

from django.conf import settings
from kombu.exceptions import OperationalError

from leaderboard.celery import app

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 60
"""How long a knock waits for a worker: the sweep knocks again, and knocks must not pile up."""


def knock(profile_slug: str, *, is_passed_on: bool = False) -> None:
    """Ask one worker of the profile to take the next evaluation. Without a broker workers poll.

    `is_passed_on`: a worker that may take nothing gives its knock to another one.
    """
    if not settings.REDIS_URL:
        return
    try:
        app.send_task(
            "leaderboard.work",
            args=[profile_slug],
            kwargs={"is_passed_on": is_passed_on},
            queue=profile_slug,
            retry=False,
            expires=PATIENCE_SECONDS,
        )
    except OperationalError as error:
        logger.warning("The broker did not take a knock for %s: %s", profile_slug, error)
