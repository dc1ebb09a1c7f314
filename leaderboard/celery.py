"""Celery carries knocks and the clock of the sweep; results and states are rows in the database.

One evaluation at a time: `celery -A leaderboard worker -c 1 --prefetch-multiplier 1 -Q PROFILE`.
"""

import logging.config
import os

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

from leaderboard.environment import told_in_a_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")
app = Celery("leaderboard")
with told_in_a_line(exit_code=2):
    settings.INSTALLED_APPS  # noqa: B018  read them now, so that a slip in them is told now
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["leaderboard"])


@setup_logging.connect
def log_as_the_site_does(**_: object) -> None:
    """Celery leaves the log alone if this signal has a receiver."""
    logging.config.dictConfig(settings.LOGGING)
