"""Teams share their competition's row while they upload; whoever changes it waits for them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest
from django.db import OperationalError, connection, transaction

from leaderboard.models import Competition, Submission, Team
from leaderboard.services import locks

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in os.environ["DATABASE_URL"], reason="SQLite has no row locks"),
]


def elsewhere(work: Callable[[], object]) -> BaseException | None:
    """Do it on a connection of its own that waits for no lock longer than a moment."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '500ms'")
            work()
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised[0] if raised else None


def change(competition: Competition) -> None:
    with transaction.atomic():
        locks.lock(competition)


def test_one_teams_upload_keeps_no_other_waiting_but_the_one_who_closes(
    competition: Competition, team: Team, rivals: Team, submit: Callable[..., Submission]
) -> None:
    with transaction.atomic():
        submit(team, 1)
        assert elsewhere(lambda: submit(rivals, 2)) is None
        assert isinstance(elsewhere(lambda: change(competition)), OperationalError)
    assert Submission.objects.count() == 2
    assert elsewhere(lambda: change(competition)) is None


def test_who_closes_keeps_uploads_waiting(
    competition: Competition, team: Team, submit: Callable[..., Submission]
) -> None:
    with transaction.atomic():
        locks.lock(competition)
        assert isinstance(elsewhere(lambda: submit(team, 1)), OperationalError)
    assert not Submission.objects.exists()
