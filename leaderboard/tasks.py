"""Celery's tasks."""

import multiprocessing

from celery import shared_task
from celery.signals import worker_shutting_down

from leaderboard.services import posting, preparing, ranges, running, sweeping

# Celery's main process sets it, and its forked child sees it: a running evaluation is given back.
stopping = multiprocessing.Event()


@worker_shutting_down.connect
def stop(**_: object) -> None:
    stopping.set()


@shared_task(name="leaderboard.work")
def work(profile: str, is_passed_on: bool = False) -> None:
    """Answer one knock: run the next queued evaluation of a hardware profile, if there is one."""
    running.run_next(profile, should_stop=stopping.is_set, is_passed_on=is_passed_on)


@shared_task(name="leaderboard.sweep")
def sweep() -> None:
    sweeping.sweep()
    preparing.go_on_all(seconds=preparing.SLICE)
    ranges.renew_all()


@shared_task(name="leaderboard.post")
def post() -> None:
    posting.sweep()
    posting.go_on(seconds=posting.SLICE)
