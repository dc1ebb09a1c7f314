"""On PostgreSQL workers sign in as a role that can do what a worker does, and no more."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.backends.signals import connection_created
from django.utils import timezone

import scoring
from leaderboard import tasks
from leaderboard.models import (
    Baseline,
    Canary,
    Competition,
    Entry,
    Evaluation,
    Preparation,
    Submission,
    Team,
    TrackRange,
    Trial,
    User,
)
from leaderboard.services import (
    competitions,
    preparing,
    queueing,
    references,
    roles,
    running,
    sweeping,
    trials,
)
from scoring.job import Progress
from tests.leaderboard.conftest import answers_of, failure, report

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in os.environ["DATABASE_URL"], reason="SQLite has no roles"),
]
State = Evaluation.State
FORBIDDEN = [
    "SELECT password FROM leaderboard_user",
    "SELECT * FROM django_session",
    "SELECT * FROM leaderboard_apitoken",
    "SELECT code FROM leaderboard_invitation",
    "SELECT * FROM leaderboard_membership",
    "SELECT * FROM account_emailaddress",
    "SELECT * FROM mfa_authenticator",
    "INSERT INTO django_session VALUES ('x', 'x', now())",
    "DELETE FROM leaderboard_submission",
    "UPDATE leaderboard_submission SET team_id = 1",
    "UPDATE leaderboard_training SET asked_by_id = 1",
    "SELECT code FROM leaderboard_guest",
    "DELETE FROM leaderboard_evaluation",
    "DELETE FROM leaderboard_answers",
    "DELETE FROM leaderboard_team",
    "UPDATE leaderboard_team SET name = 'x'",
    "UPDATE leaderboard_competition SET published_at = now()",
    "UPDATE leaderboard_dataset SET classes = '[]'",
    "CREATE TABLE mine (x int)",
    "SELECT * FROM pg_authid",
    "COPY (SELECT 1) TO PROGRAM 'true'",
]


@pytest.fixture
def as_worker() -> Iterator[Callable[[], Any]]:
    """A context in which every connection of this process has the rights of a worker."""
    name = f"worker_{os.getpid()}"
    roles.grant_worker(name=name, password="secret")
    roles.grant_worker(name=name, password="renewed")

    def put_on(connection: Any, **_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET ROLE {name}")

    @contextmanager
    def rights() -> Iterator[None]:
        connection_created.connect(put_on)
        connection.close()
        try:
            yield
        finally:
            connection_created.disconnect(put_on)
            connection.close()

    yield rights
    with connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_it_evaluates_calibrates_checks_itself_and_gives_back(
    as_worker: Any,
    competition: Competition,
    team: Team,
    rivals: Team,
    submit: Callable[..., Submission],
    organizer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    competition.profile.canary_every_minutes, competition.profile.max_foreign_load = 60, None
    competition.profile.save()
    # Two uploads; a baseline that is measured after the calibration; an upload once more.
    ends = iter([report(), RuntimeError("ours"), failure(), report(), report(time_ratio=0.6)])

    def evaluate(job: Any, progress: Any, answered: Any = None) -> Any:
        progress(Progress("measure", 10, 5.0))
        if job.submission is None:
            return report()  # a canary, or a calibration
        if answered:
            answered(answers_of(public=[0] * 24, private=[0] * 36))
        end = next(ends)
        if isinstance(end, Exception):
            raise end
        return end

    def work(times: int) -> None:
        for _ in range(times):
            with as_worker():
                running.run_next("cpu")
            Evaluation.objects.update(not_before=None)  # nobody waits here

    monkeypatch.setattr(scoring, "evaluate", evaluate)
    first, same, broken = submit(team, 1), submit(rivals, 1), submit(rivals, 2)
    work(times=4)
    Trial.objects.create(
        competition=competition,
        team=team,
        file="trials/old.pt",
        size_bytes=1,
        uploaded_at=timezone.now() - 2 * trials.KEPT,
        state=Trial.State.PASSED,
    )
    with as_worker():
        sweeping.sweep()
    assert Trial.objects.exists()  # others delete what is old
    sweeping.sweep()
    assert not Trial.objects.exists()
    states = {one.pk: one.latest_evaluation.state for one in Submission.objects.order_by("pk")}
    assert states == {first.pk: State.SCORED, same.pk: State.SCORED, broken.pk: State.FAILED}
    assert Entry.objects.count() == 2
    assert first.evaluation.answers_id
    assert first.evaluation.answers_id == same.evaluation.answers_id
    assert Canary.objects.count() == 2  # at the start, and after a fault
    queueing.evaluate_again(submission=first, by=organizer)
    Competition.objects.update(state=Competition.State.DRAFT)
    Baseline.objects.create(
        competition=competition,
        name="MobileNetV3",
        file=first.file.name,
        size_bytes=1,
        static=first.static,
        created_at=timezone.now(),
    )
    references.calibrate(competition=competition, by=organizer)
    work(times=3)
    assert Baseline.objects.get().evaluations.get().state == State.SCORED
    assert not Evaluation.objects.unfinished().exists()
    assert Evaluation.objects.filter(why=Evaluation.Why.SHARED).exists()
    latest = Evaluation.objects.filter(kind=Evaluation.Kind.CALIBRATION).latest("pk")
    competition.refresh_from_db()
    assert competition.calibration == latest


def test_boards_that_are_prepared_are_left_to_those_who_may(
    as_worker: Any,
    competition: Competition,
    team: Team,
    scored: Callable[..., Submission],
    submit: Callable[..., Submission],
    organizer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(preparing, "AT_ONCE", -1)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest keeps its own
    monkeypatch.setattr(scoring, "evaluate", lambda job, **_: report(time_ratio=0.1))
    scored(team, seed=1, time_ratio=0.5)
    competition.min_quality = 0.95
    competitions.edit(competition=competition, by=organizer)
    submission = submit(team, 2)
    with as_worker():
        call_command("work", profile="cpu", until_idle=True)
    assert submission.latest_evaluation.state == State.SCORED
    assert Preparation.objects.exists()
    tasks.sweep()
    entry = Entry.objects.get()
    assert (entry.submission, entry.is_ranked) == (submission, False)


def test_what_opens_by_itself_is_left_to_those_who_may(
    as_worker: Any, competition: Competition
) -> None:
    now = timezone.now()
    Competition.objects.update(state=Competition.State.DRAFT, opens_at=now, ends_at=None)
    for expected in (Competition.State.DRAFT, Competition.State.OPEN):
        with as_worker() if expected == Competition.State.DRAFT else nullcontext():
            sweeping.sweep()
        competition.refresh_from_db()
        assert competition.state == expected
    ended = {"ends_at": now, "publishes_at": now, "late_until": now + timedelta(days=1)}
    Competition.objects.update(**ended)
    with as_worker():
        sweeping.sweep()  # it closes
        sweeping.sweep()
    competition.refresh_from_db()
    assert competition.state == Competition.State.CLOSED
    sweeping.sweep()
    competition.refresh_from_db()
    assert competition.is_published


def test_a_row_of_a_track_goes_with_its_range(
    as_worker: Any, team: Team, scored: Callable[..., Submission]
) -> None:
    """A verdict may take a row from a board, and a worker records the verdict."""
    scored(team)
    entry = Entry.objects.get(team=team, board="public")
    TrackRange.objects.create(entry=entry, evaluation=entry.evaluation, first=1, last=1, error=0.1)
    with as_worker():
        Entry.objects.filter(pk=entry.pk).delete()
    assert not TrackRange.objects.exists()


def test_it_can_do_nothing_else(as_worker: Any, team: Team) -> None:
    with as_worker(), connection.cursor() as cursor:
        for statement in FORBIDDEN:
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                cursor.execute(statement)


def test_the_command_says_what_it_needs(settings: Any) -> None:
    with pytest.raises(CommandError, match="WORKER_PASSWORD must be set"):
        call_command("grant_worker")
