"""Celery carries knocks and the clock of the sweep; results and states are rows in the database.

One evaluation at a time: `celery -A leaderboard worker -c 1 --prefetch-multiplier 1 -Q PROFILE`.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leaderboard.settings")
app = Celery("leaderboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["leaderboard"])
