"""Celery's door."""

from celery import shared_task

from leaderboard.services import evaluations


@shared_task(name="leaderboard.work")
def work(profile: str, is_passed_on: bool = False) -> None:
    """Answer one knock: evaluate the next queued evaluation of the profile, if there is one."""
    evaluations.run_next(profile, is_passed_on=is_passed_on)


@shared_task(name="leaderboard.sweep")
def sweep() -> None:
    evaluations.sweep()
