"""State machine, lease and fencing."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from celery import Celery
from django.db import DataError, OperationalError, connection
from django.utils import timezone

import scoring
from leaderboard import queue
from leaderboard.errors import Conflict
from leaderboard.models import Competition, Evaluation, Submission, Team, User, Worker
from leaderboard.models.evaluation import Stale
from leaderboard.services import (
    measurements,
    placing,
    queueing,
    recording,
    running,
    sweeping,
    teams,
)
from scoring.job import PROTOCOL, Report
from scoring.sentences import say
from tests.leaderboard.conftest import failure, finish, person, report

pytestmark = pytest.mark.django_db
Submit = Callable[..., Submission]
State = Evaluation.State


@pytest.fixture
def outsiders(competition: Competition) -> list[Team]:
    """Teams of one person each."""
    people = [person(f"person{number}") for number in range(6)]
    return [teams.create(competition=competition, name=one.username, by=one) for one in people]


def expire(evaluation: Evaluation) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Evaluation.objects.filter(pk=evaluation.pk).update(lease_expires_at=past)


def test_only_the_moves_of_the_table_are_made(team: Team, submit: Submit) -> None:
    evaluation = submit(team).latest_evaluation
    Evaluation.objects.update(score_public=1.0, time_ratio=1.0)
    for state, target in itertools.product(State, State):
        Evaluation.objects.filter(pk=evaluation.pk).update(state=state)
        evaluation.refresh_from_db()
        if target in Evaluation.TRANSITIONS[state]:
            evaluation.move_to(target)
            assert Evaluation.objects.get(pk=evaluation.pk).state == target
        else:
            with pytest.raises(ValueError, match="cannot go"):
                evaluation.move_to(target)


def test_a_worker_that_went_away_loses_its_lease_and_the_next_one_takes_over(
    team: Team, submit: Submit
) -> None:
    submission = submit(team)
    lost = running.claim(team.competition.profile)
    expire(lost)
    sweeping.sweep()
    assert submission.latest_evaluation.state == State.QUEUED
    successor = running.claim(team.competition.profile)
    assert successor.attempt == 2


def test_a_worker_back_from_the_dead_cannot_record_over_its_successor(
    team: Team, submit: Submit
) -> None:
    submission = submit(team)
    dead = running.claim(team.competition.profile)
    expire(dead)
    sweeping.sweep()
    successor = running.claim(team.competition.profile)
    recording.record(successor, report(quality_public=0.9))
    with pytest.raises(Stale):
        recording.record(dead, report(quality_public=0.1))
    assert submission.latest_evaluation.quality_public == 0.9


def test_after_three_lost_attempts_it_is_our_error(team: Team, submit: Submit) -> None:
    submission = submit(team)
    for _ in range(3):
        expire(running.claim(team.competition.profile))
        sweeping.sweep()
    ended = submission.latest_evaluation
    assert (ended.state, ended.error_code, ended.failure_code) == (State.ERROR, "worker_lost", "")


def test_too_noisy_a_measurement_goes_back_to_the_queue(team: Team, submit: Submit) -> None:
    submission = submit(team)
    for attempt in (1, 2, 3):
        recording.record(running.claim(team.competition.profile), Report(status="invalid"))
        expected = State.QUEUED if attempt < 3 else State.ERROR
        assert submission.latest_evaluation.state == expected


def test_a_stopped_worker_uses_up_no_attempt(team: Team, submit: Submit) -> None:
    submission = submit(team)
    for _ in range(5):
        claimed = running.claim(team.competition.profile)
        recording.give_back(claimed, code=recording.STOPPED, said=say("a new version"))
    assert submission.latest_evaluation.state == State.QUEUED
    assert submission.latest_evaluation.attempt == 5


def test_a_database_that_fails_once_while_a_result_is_written_costs_nothing(
    team: Team, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = submit(team)
    claimed = running.claim(team.competition.profile)
    place, failures = placing.place, [OperationalError("the server went away")]

    def failing_once(team: Team) -> None:
        if failures:
            raise failures.pop()
        place(team)

    monkeypatch.setattr(placing, "place", failing_once)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(connection, "close", lambda: None)  # the test's own
    running.patiently(claimed, partial(recording.record, report=report(quality_public=0.9)))
    assert submission.latest_evaluation.quality_public == 0.9
    assert team.entries.count() == 1


def test_the_lease_is_kept_until_what_was_found_is_written(
    team: Team, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = submit(team)
    failures = [OperationalError("the server went away")]
    beating: list[bool] = []

    def place(team: Team) -> None:
        if failures:
            raise failures.pop()

    def sleep(seconds: float) -> None:
        beating.append("lease" in {thread.name for thread in threading.enumerate()})

    monkeypatch.setattr(placing, "place", place)
    monkeypatch.setattr(scoring, "evaluate", lambda job, **_: report())
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(connection, "close", lambda: None)  # the test's own
    running.run_next("cpu")
    assert submission.latest_evaluation.state == State.SCORED
    assert beating == [True]


def test_a_result_that_cannot_be_written_goes_back_to_the_queue(
    team: Team, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = submit(team)
    claimed = running.claim(team.competition.profile)

    def broken(team: Team) -> None:
        raise DataError("a bug of ours")

    monkeypatch.setattr(placing, "place", broken)
    running.patiently(claimed, partial(recording.record, report=report()))
    latest = submission.latest_evaluation
    assert (latest.state, latest.error_code) == (State.QUEUED, "not_recorded")


def test_a_failed_verdict_stays_when_a_repeat_ends_by_our_fault(
    team: Team, submit: Submit, organizer: User
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, failure())
    queueing.evaluate_again(submission=submission, by=organizer)
    for _ in range(3):
        claimed = running.claim(team.competition.profile)
        recording.give_back(claimed, code="internal", said=say("a bug of ours"))
    submission = Submission.objects.get(pk=submission.pk)
    assert submission.latest_evaluation.state == State.ERROR
    assert submission.evaluation.state == State.FAILED


def test_a_repeat_is_shared_with_the_other_submissions_of_the_same_content(
    team: Team, rivals: Team, scored: Submit, submit: Submit, organizer: User
) -> None:
    first = scored(team, time_ratio=0.5)
    second = submit(rivals)
    running.run_next("cpu")
    repeat = queueing.evaluate_again(submission=first, by=organizer)
    finish(repeat, report(time_ratio=0.8))
    shown = {entry.team: entry.time_ratio for entry in team.competition.entries.all()}
    assert shown == {team: 0.8, rivals: 0.8}
    assert Submission.objects.get(pk=second.pk).evaluation.measured_by == repeat


def test_two_repeats_of_one_content_leave_both_submissions_with_the_last_time(
    team: Team, rivals: Team, scored: Submit, submit: Submit, organizer: User
) -> None:
    first, second = scored(team, time_ratio=0.5), submit(rivals)
    running.run_next("cpu")
    Team.objects.update(turn=0)  # the repeats are measured as they were asked for
    one = queueing.evaluate_again(submission=first, by=organizer)
    other = queueing.evaluate_again(submission=second, by=organizer)
    finish(one, report(time_ratio=0.8))
    waiting = Submission.objects.get(pk=second.pk)
    assert waiting.evaluation.measured_by == one, "shared meanwhile"
    assert waiting.latest_evaluation == other, "and still under way"
    finish(other, report(time_ratio=0.7))
    shown = {entry.team: entry.time_ratio for entry in team.competition.entries.all()}
    assert shown == {team: 0.7, rivals: 0.7}
    assert Submission.objects.get(pk=second.pk).latest_evaluation == other


def test_what_is_being_measured_is_not_begun_twice(
    team: Team, rivals: Team, submit: Submit
) -> None:
    profile = team.competition.profile
    first, twin, another = submit(team, 1), submit(rivals, 1), submit(rivals, 2)
    claimed = running.claim(profile)
    assert claimed.submission == first
    assert running.claim(profile).submission == another
    assert running.claim(profile) is None
    recording.record(claimed, report(time_ratio=0.6))
    assert running.run_next("cpu").submission == twin
    assert twin.evaluation.measured_by == claimed


def test_nor_after_an_upgrade_under_which_its_key_is_another_one(
    team: Team, rivals: Team, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(team)
    submit(rivals)
    monkeypatch.setattr(measurements, "PROTOCOL", PROTOCOL + 1)
    claimed = running.claim(team.competition.profile)
    measurements.hold_to_today(claimed)
    assert running.claim(team.competition.profile) is None


def test_a_failed_repeat_does_not_take_the_score_away(
    team: Team, scored: Submit, organizer: User
) -> None:
    submission = scored(team, quality_public=0.8)
    repeat = queueing.evaluate_again(submission=submission, by=organizer)
    with pytest.raises(Conflict):
        queueing.evaluate_again(submission=submission, by=organizer)
    finish(repeat, failure())
    submission = Submission.objects.get(pk=submission.pk)
    assert submission.evaluation.quality_public == 0.8
    assert team.entries.get(board="public").quality == 0.8


def test_teams_with_nothing_running_go_first_then_the_oldest(
    team: Team, rivals: Team, submit: Submit
) -> None:
    first, second = submit(team, 1), submit(team, 2)
    third = submit(rivals, 3)
    profile = team.competition.profile
    order = [running.claim(profile).submission for _ in range(3)]
    assert order == [first, third, second]
    assert running.claim(profile) is None


def test_a_queued_team_sees_its_place_and_wait(team: Team, rivals: Team, submit: Submit) -> None:
    submit(team, 1)
    last = submit(rivals, 2)
    place = queueing.place(last.latest_evaluation)
    assert (place.position, place.length) == (2, 2)


def test_the_sweep_knocks_once_for_every_worker_that_was_seen(
    competition: Competition, monkeypatch: pytest.MonkeyPatch
) -> None:
    knocks: list[str] = []
    monkeypatch.setattr(queue, "knock", knocks.append)
    sweeping.sweep()
    assert knocks == ["cpu"]
    now = timezone.now()
    for name in ("one", "two", "three"):
        Worker.objects.create(name=name, profile=competition.profile, started_at=now, seen_at=now)
    sweeping.sweep()
    assert knocks == ["cpu"] * 4


def test_a_broker_that_is_down_changes_nothing_for_the_user(
    team: Team,
    submit: Submit,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(queue, "app", Celery(broker=settings.REDIS_URL))
    with django_capture_on_commit_callbacks(execute=True):
        submission = submit(team)
    assert "did not take a knock" in caplog.text
    assert submission.latest_evaluation.state == State.QUEUED


@pytest.mark.django_db(transaction=True)
def test_uploads_and_verdicts_of_a_team_do_not_wait_for_each_other_in_circles(
    team: Team, submit: Submit
) -> None:
    Competition.objects.update(submissions_per_day=1000)
    team.refresh_from_db()
    profile = team.competition.profile
    waiting = [submit(team, seed) for seed in range(6)]
    start = threading.Barrier(2)
    broken: list[BaseException] = []

    def run(work: Callable[[int], object]) -> None:
        start.wait()
        try:
            for number in range(6):
                work(number)
        except BaseException as error:
            broken.append(error)
        finally:
            connection.close()

    def verdict(number: int) -> None:
        recording.record(running.claim(profile), report(time_ratio=0.5 + number / 100))

    threads = [
        threading.Thread(target=run, args=[verdict]),
        threading.Thread(target=run, args=[lambda number: submit(team, 100 + number)]),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not broken
    assert Submission.objects.count() == len(waiting) + 6


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_only_one_begins_a_content_that_many_have_sent(
    competition: Competition, outsiders: list[Team], submit: Submit
) -> None:
    for one in outsiders:
        submit(one)
    start = threading.Barrier(len(outsiders))
    claimed: list[Evaluation | None] = []

    def take() -> None:
        connection.ensure_connection()
        start.wait()
        claimed.append(running.claim(competition.profile))
        connection.close()

    threads = [threading.Thread(target=take) for _ in outsiders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in claimed if one]) == 1


@pytest.mark.django_db(transaction=True)
def test_many_workers_claim_each_evaluation_once(team: Team, submit: Submit) -> None:
    profile = team.competition.profile
    waiting = {submit(team, seed).latest_evaluation.pk for seed in range(5)}
    start = threading.Barrier(8)
    claimed: list[int] = []

    def take() -> None:
        start.wait()
        while evaluation := running.claim(profile):
            claimed.append(evaluation.pk)
        connection.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(waiting)
