"""Knocks tell the workers of a hardware profile that an evaluation waits in the database.

The row is the queue. A knock goes out after the commit, when workers see the row. A lost knock
costs only time, because the sweep knocks again. So a broker that is down is logged, and no
participant sees an error.
"""

import logging
from typing import Any

from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from leaderboard.celery import app

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 60
"""Seconds after which a knock is dropped. The sweep knocks again, and knocks must not pile up."""


def knock(profile_slug: str, *, is_passed_on: bool = False) -> None:
    """Ask one worker of a profile to take the next evaluation. Without a broker, workers poll.

    `is_passed_on`: a worker that may take nothing passes the knock on to another worker.
    """
    send(
        "leaderboard.work", profile_slug, args=[profile_slug], kwargs={"is_passed_on": is_passed_on}
    )


def post() -> None:
    """Ask the process that sends notices to look at its rows."""
    send("leaderboard.post", settings.POST_QUEUE)


def send(task: str, queue: str, **arguments: Any) -> None:
    if not settings.REDIS_URL:
        return

    def send_now() -> None:
        try:
            app.send_task(task, queue=queue, retry=False, expires=PATIENCE_SECONDS, **arguments)
        except OperationalError as error:
            logger.warning("The broker did not take a knock for %s: %s", queue, error)

    transaction.on_commit(send_now, robust=True)
