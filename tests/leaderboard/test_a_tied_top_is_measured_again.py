"""Ranks that are not certain get more measurements by themselves, pooled, bounded, and in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from leaderboard import tasks
from leaderboard.errors import Conflict
from leaderboard.models import Competition, Evaluation, Submission, Team, User, Worker
from leaderboard.services import (
    competitions,
    preparing,
    rankings,
    recording,
    running,
    submissions,
    sweeping,
)
from scoring.job import Report
from tests.leaderboard.conftest import finish, report

pytestmark = pytest.mark.django_db
Scored = Callable[..., Submission]
State = Evaluation.State


@pytest.fixture(autouse=True)
def idle_worker(competition: Competition) -> Worker:
    now = timezone.now()
    return Worker.objects.create(
        name="lab:1", profile=competition.profile, started_at=now, seen_at=now
    )


@pytest.fixture
def close(team: Team, rivals: Team, scored: Scored) -> tuple[Submission, Submission]:
    """The first two ranks, too close to tell."""
    first = scored(team, seed=1, time_ratio=0.50, half_width=0.02)
    return first, scored(rivals, seed=2, time_ratio=0.51, half_width=0.02)


def swept() -> Evaluation | None:
    sweeping.sweep()
    return Evaluation.objects.filter(state=State.QUEUED).first()


def test_the_least_measured_of_two_that_are_tied_is_measured_again(close: Any) -> None:
    first, second = close
    extra = swept()
    assert (extra.submission, extra.why) == (first, "top_overlap")
    assert swept() == extra, "one at a time"
    finish(extra, report(time_ratio=0.50, half_width=0.02))
    assert swept().submission == second


def test_it_ends_when_the_order_is_certain(close: Any, team: Team) -> None:
    finish(swept(), report(time_ratio=0.47, half_width=0.005))
    assert swept() is None
    first = rankings.entry_of(team, "public")
    assert (first.time_ratio, first.evaluation.measurements) == (0.47, 2)
    assert not any(row.is_tied for row in rankings.rows(team.competition, "public"))


def test_no_model_is_measured_more_than_three_times_more(close: Any) -> None:
    for _ in range(6):
        finish(swept(), report(time_ratio=0.5, half_width=0.02))
    assert swept() is None
    assert {one.evaluations.count() for one in Submission.objects.all()} == {4}


def test_an_extra_measurement_that_fails_leaves_the_score(close: Any, team: Team) -> None:
    extra = swept()
    for _ in range(3):
        recording.record(running.claim(extra.profile), Report(status="invalid"))
    extra.refresh_from_db()
    assert extra.state == State.ERROR
    assert rankings.entry_of(team, "public").time_ratio == 0.50


def test_a_model_whose_extra_measurement_failed_is_still_one_that_was_sent(
    close: Any, team: Team, owner: User, submit: Scored
) -> None:
    extra = swept()
    Evaluation.objects.filter(pk=extra.pk).update(state=State.ERROR)
    assert submit(team, seed=1) == close[0]


@pytest.mark.parametrize("busy", ["queued", "running"])
def test_only_an_idle_worker_does_it(close: Any, team: Team, submit: Scored, busy: str) -> None:
    upload = submit(team, seed=3)
    if busy == "running":
        running.claim(team.competition.profile)
    sweeping.sweep()
    assert not Evaluation.objects.filter(why="top_overlap").exists()
    assert upload.latest_evaluation.state == busy


def test_without_a_worker_that_may_work_nothing_is_queued(close: Any, idle_worker: Worker) -> None:
    Worker.objects.update(state=Worker.State.SIDELINED)
    assert swept() is None


def test_an_upload_overtakes_it_in_the_queue(close: Any, team: Team, submit: Scored) -> None:
    extra = swept()
    upload = submit(team, seed=3).latest_evaluation
    assert running.claim(extra.profile) == upload
    assert running.claim(extra.profile) == extra


def test_only_the_first_ranks_of_the_competition_are_looked_at(close: Any) -> None:
    Competition.objects.update(remeasured_ranks=1)
    assert swept() is None
    Competition.objects.update(remeasured_ranks=0)
    assert swept() is None


def test_it_never_happens_after_publication(
    close: Any, competition: Competition, organizer: User
) -> None:
    extra = swept()
    competitions.close(competition=competition, by=organizer)
    with pytest.raises(Conflict, match="1 queued and 0 running"):
        competitions.publish(competition=competition, by=organizer)
    finish(extra, report(time_ratio=0.5, half_width=0.02))
    competitions.publish(competition=competition, by=organizer)
    assert swept() is None


def test_a_publication_that_is_prepared_waits_for_no_extra_measurement(
    close: Any, competition: Competition, organizer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "AT_ONCE", -1)
    monkeypatch.setattr(preparing, "SLICE", -1)
    competitions.close(competition=competition, by=organizer)
    assert not competitions.publish(competition=competition, by=organizer)
    for _ in range(3):
        assert swept() is None
        tasks.sweep()
    competition.refresh_from_db()
    assert competition.is_published


def test_teams_with_the_same_model_are_not_told_apart(
    team: Team, rivals: Team, scored: Scored, submit: Scored
) -> None:
    scored(team, seed=1, time_ratio=0.5)
    submit(rivals, seed=1)
    running.run_next("cpu")
    assert [row.is_tied for row in rankings.rows(team.competition, "public")] == [False, True]
    assert swept() is None


def test_a_withdrawn_entry_is_not_measured_again(close: Any, team: Team, owner: User) -> None:
    extra = swept()
    submissions.withdraw(submission=close[0], by=owner)
    extra.refresh_from_db()
    assert extra.state == State.CANCELLED
    assert swept() is None
