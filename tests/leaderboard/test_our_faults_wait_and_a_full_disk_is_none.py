"""An attempt that broke waits before the next one; a worker whose disk is full takes nothing."""

from __future__ import annotations

import errno
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

import scoring
from leaderboard import queue
from leaderboard.models import Evaluation, Submission, Team, Worker
from leaderboard.services import recording, running, sweeping, workers
from scoring.job import Report
from scoring.sentences import say
from scoring.timing import machine
from tests.leaderboard.conftest import report

pytestmark = pytest.mark.django_db
Submit = Callable[..., Submission]
State = Evaluation.State
FULL = [
    scoring.EngineError("cache_failed", say("No space left on device."), wanted_bytes=1 << 60),
    OSError(errno.ENOSPC, "No space left on device"),
    OSError(errno.EDQUOT, "Disk quota exceeded"),
]


@pytest.fixture
def retry_after(monkeypatch: pytest.MonkeyPatch) -> timedelta:
    pause = timedelta(seconds=30)
    monkeypatch.setattr(recording, "RETRY_AFTER", pause)
    return pause


@pytest.fixture(autouse=True)
def no_worker_lacks_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "wanted", {})


def waits(evaluation: Evaluation) -> timedelta:
    """How long no worker takes an evaluation, by the clock of the database."""
    evaluation.refresh_from_db()
    return evaluation.not_before - timezone.now()


def due(evaluation: Evaluation) -> None:
    Evaluation.objects.filter(pk=evaluation.pk).update(not_before=Now())


@pytest.mark.parametrize("noisy", [False, True])
def test_each_pause_after_a_fault_is_twice_as_long_and_no_two_are_alike(
    team: Team, submit: Submit, retry_after: timedelta, noisy: bool
) -> None:
    evaluation = submit(team).latest_evaluation
    for pause in (retry_after, 2 * retry_after):
        claimed = running.claim(team.competition.profile)
        if noisy:
            recording.record(claimed, Report(status="invalid"))
        else:
            recording.give_back(claimed, code="internal", said=say("a bug of ours"))
        assert pause * 0.9 < waits(evaluation) <= pause * 1.5
        assert running.claim(team.competition.profile) is None
        due(evaluation)
    assert running.claim(team.competition.profile).pk == evaluation.pk
    assert len({recording.pause(1) for _ in range(20)}) > 1


def test_others_are_measured_while_one_waits(
    team: Team, rivals: Team, submit: Submit, retry_after: timedelta
) -> None:
    submit(team, 1)
    claimed = running.claim(team.competition.profile)
    recording.give_back(claimed, code="internal", said=say("a bug of ours"))
    later = submit(rivals, 2)
    assert running.claim(team.competition.profile).submission == later


def test_a_broken_service_does_not_burn_the_queue(
    team: Team, submit: Submit, retry_after: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        submit(team, seed)

    def breaks(job: Any, progress: Any, **_: Any) -> Report:
        raise ValueError("a bug of ours")

    monkeypatch.setattr(scoring, "evaluate", breaks)
    while running.run_next("cpu"):
        pass
    states = Evaluation.objects.exclude(submission=None).values_list("state", "faults")
    assert set(states) == {(State.QUEUED, 1)}


@pytest.mark.parametrize("error", FULL, ids=str)
def test_a_full_disk_costs_an_evaluation_nothing_and_its_worker_takes_no_more(
    team: Team, submit: Submit, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    waiting = [submit(team, seed).latest_evaluation for seed in range(3)]
    tries: list[object] = []

    def full(job: Any, progress: Any, **_: Any) -> Report:
        tries.append(job)
        raise error

    monkeypatch.setattr(scoring, "evaluate", full)
    monkeypatch.setattr(machine, "can_hold", lambda folder, size: False)
    for _ in range(10):
        running.run_next("cpu")
        Worker.objects.update(canary_due_at=timezone.now())  # time goes by
    assert len(tries) == 1
    for evaluation in waiting:
        evaluation.refresh_from_db()
        assert (evaluation.state, evaluation.faults) == (State.QUEUED, 0)
    worker = Worker.objects.get()
    assert worker.state == Worker.State.SIDELINED
    assert "disk" in worker.reason or "space" in worker.reason

    monkeypatch.setattr(machine, "can_hold", lambda folder, size: True)
    monkeypatch.setattr(scoring, "evaluate", lambda job, **_: report())
    while running.run_next("cpu"):
        pass
    assert set(Evaluation.objects.values_list("state", flat=True)) == {State.SCORED}
    worker.refresh_from_db()
    assert worker.state == Worker.State.READY


def test_a_model_that_fills_the_disk_by_itself_is_given_up_like_any_fault(
    team: Team, rivals: Team, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk has room again after each attempt, so that waiting for room would never end."""
    large, small = submit(team, 1), submit(rivals, 2)

    def fills(job: Any, progress: Any, **_: Any) -> Report:
        if str(large.file.name) in str(job.submission):
            raise OSError(errno.ENOSPC, "No space left on device")
        return report()

    monkeypatch.setattr(scoring, "evaluate", fills)
    for _ in range(5):
        running.run_next("cpu")
        Worker.objects.update(canary_due_at=timezone.now())
    assert large.latest_evaluation.state == State.ERROR
    assert small.latest_evaluation.state == State.SCORED


def test_a_worker_without_room_looks_again_after_seconds(
    team: Team, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(team)

    def full(job: Any, progress: Any, **_: Any) -> Report:
        raise FULL[0]

    monkeypatch.setattr(scoring, "evaluate", full)
    running.run_next("cpu")
    pause = Worker.objects.get().canary_due_at - timezone.now()
    assert timedelta(0) < pause <= timedelta(seconds=10)


def test_room_is_tried_and_not_guessed(tmp_path: Any) -> None:
    assert machine.can_hold(tmp_path / "new", 1 << 20)
    assert not machine.can_hold(tmp_path, 1 << 60)
    assert list((tmp_path / "new").iterdir()) == []


def test_what_a_stopped_worker_hands_back_is_knocked_for_at_once(
    team: Team,
    submit: Submit,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    submit(team)
    claimed = running.claim(team.competition.profile)
    knocks: list[str] = []
    monkeypatch.setattr(queue, "knock", knocks.append)
    with django_capture_on_commit_callbacks(execute=True):
        recording.give_back(claimed, code=recording.STOPPED, said=say("a new version"))
    assert knocks == ["cpu"]
    claimed.refresh_from_db()
    assert (claimed.not_before, claimed.faults) == (None, 0)


def test_leases_go_by_the_databases_clock_and_not_by_a_workers(
    team: Team, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker or a sweep whose clock is wrong by an hour takes no evaluation from another
    worker."""
    evaluation = submit(team).latest_evaluation
    now = timezone.now()
    for wrong in (timedelta(hours=1), timedelta(hours=-1)):
        monkeypatch.setattr(timezone, "now", lambda wrong=wrong: now + wrong)
        claimed = running.claim(team.competition.profile)
        assert abs(claimed.lease_expires_at - now) < timedelta(minutes=5)
        sweeping.sweep()
        claimed.refresh_from_db()
        assert claimed.state == State.RUNNING
        recording.give_back(claimed, code=recording.STOPPED, said=say("a new version"))
    monkeypatch.undo()
    assert evaluation.pk == claimed.pk
