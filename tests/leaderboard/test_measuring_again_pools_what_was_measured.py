"""The quads of earlier measurements and of noisy attempts go into the next one, each once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import pytest

import scoring
from leaderboard.models import Competition, Evaluation, Submission, Team, User
from leaderboard.services import jobs, measurements, queueing, rankings, recording, running
from scoring.job import PROTOCOL, RETRY_FACTOR, Job, Quad, Report
from scoring.sentences import say
from tests.leaderboard.conftest import finish, report

pytestmark = pytest.mark.django_db
Make = Callable[..., Submission]


def quad(at: float, segment: int = 0) -> Quad:
    return Quad(at, segment, 0.1 + at / 1000, 10, 0.05 + at / 1000, 10, 0.1, 0.05)


def with_quads(*quads: Quad, status: Literal["scored", "invalid"] = "scored") -> Report:
    found = report(time_ratio=0.5)
    assert found.timing
    return replace(found, status=status, timing=replace(found.timing, quads=quads))


def starts(evaluation: Evaluation) -> list[tuple[float, int]]:
    evaluation.refresh_from_db()
    return [(one.at_seconds, one.segment) for one in measurements.pooled(evaluation)]


def test_a_repeat_starts_with_the_quads_of_the_measurement_before(
    team: Team, submit: Make, organizer: User
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, with_quads(quad(1), quad(2, segment=1)))
    repeat = queueing.evaluate_again(submission=submission, by=organizer)
    assert [segment for _, segment in starts(repeat)] == [1, 2]
    finish(repeat, with_quads(quad(3), quad(4, segment=1)))
    third = queueing.evaluate_again(submission=submission, by=organizer)
    assert [segment for _, segment in starts(third)] == [1, 2, 3, 4]
    began = [at for at, _ in starts(third)]
    assert began == sorted(set(began)), "one after the other, as if measuring had gone on"
    finish(third, with_quads(quad(5)))
    third.refresh_from_db()
    assert third.measurements == 3
    assert rankings.entry_of(team, "public").evaluation == third


def test_a_report_that_tells_the_pooled_quads_again_adds_only_its_own(
    team: Team, submit: Make, organizer: User
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, with_quads(quad(1)))
    repeat = queueing.evaluate_again(submission=submission, by=organizer)
    moved = replace(quad(1), at_seconds=0.0, segment=1)
    finish(repeat, with_quads(moved, quad(2, segment=2)))
    third = queueing.evaluate_again(submission=submission, by=organizer)
    assert len(starts(third)) == 2


def test_attempts_too_noisy_to_count_are_kept_and_pooled(team: Team, submit: Make) -> None:
    evaluation = submit(team).latest_evaluation
    finish(evaluation, with_quads(quad(1), status="invalid"))
    lost = running.claim(evaluation.profile)
    assert lost
    allowed = lost.competition.limits().total_seconds
    assert jobs.for_evaluation(lost).limits.total_seconds == RETRY_FACTOR * allowed
    recording.give_back(lost, code="worker_lost", said=say("It went away."))
    assert len(starts(evaluation)) == 1
    finish(evaluation, with_quads(quad(2)))
    evaluation.refresh_from_db()
    shown = [(one.is_noisy, len(one.quads)) for one in measurements.attempts(evaluation)]
    assert (evaluation.state, shown) == ("scored", [(True, 1), (False, 1)])
    assert evaluation.measurements == 1


def test_another_model_another_plan_and_a_shared_measurement_pool_nothing(
    team: Team, rivals: Team, submit: Make, scored: Make, organizer: User
) -> None:
    first = scored(team, seed=1)
    assert starts(submit(team, seed=2).latest_evaluation) == []
    finish(Evaluation.objects.get(state="queued"), report())
    submit(rivals, seed=1)
    running.run_next("cpu")
    repeat = queueing.evaluate_again(submission=first, by=organizer)
    assert len(starts(repeat)) == 1, "the rivals' row shares the measurement and adds none"
    finish(repeat, report())
    repeat.profile.max_seconds = 30
    repeat.profile.save()
    again = queueing.evaluate_again(submission=Submission.objects.get(pk=first.pk), by=organizer)
    assert starts(again) == []


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that workers gave to an engine whose every answer is the same."""
    seen: list[Job] = []

    def evaluate(job: Job, progress: object, answered: object = None) -> Report:
        seen.append(job)
        return with_quads(quad(9))

    monkeypatch.setattr(scoring, "evaluate", evaluate)
    return seen


def test_attempts_by_an_older_protocol_are_kept_but_do_not_count_after_an_upgrade(
    team: Team, submit: Make, engine: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = submit(team)
    evaluation = submission.latest_evaluation
    finish(evaluation, with_quads(quad(1), status="invalid"))
    assert len(starts(evaluation)) == 1
    monkeypatch.setattr(measurements, "PROTOCOL", PROTOCOL + 1)
    running.run_next("cpu")
    assert [job.earlier for job in engine] == [()]
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.faults, evaluation.error_code) == ("scored", 0, "")
    assert [one.is_noisy for one in measurements.attempts(evaluation)] == [False]
    assert evaluation.reports.filter(is_noisy=True).count() == 1
    competition = submission.competition
    today = measurements.key(competition, competition.profile, submission)
    assert evaluation.measurement_key == today


def test_nor_do_those_of_a_calibration(
    competition: Competition, engine: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    calibration = queueing.enqueue(competition=competition)
    finish(calibration, with_quads(quad(1), status="invalid"))
    assert len(starts(calibration)) == 1
    monkeypatch.setattr(measurements, "PROTOCOL", PROTOCOL + 1)
    running.run_next("cpu")
    assert [job.earlier for job in engine] == [()]


def test_a_plan_changed_while_a_submission_waits_is_the_one_it_is_measured_by(
    team: Team, rivals: Team, submit: Make, engine: list[Job]
) -> None:
    submission = submit(team)
    profile = submission.competition.profile
    profile.max_seconds = 30
    profile.save()
    running.run_next("cpu")
    assert [job.plan.max_seconds for job in engine] == [30]
    twin = submit(rivals)
    running.run_next("cpu")
    assert twin.latest_evaluation.measured_by == submission.latest_evaluation


def test_whoever_was_measured_before_an_upgrade_gets_the_new_time_of_the_same_model_too(
    team: Team, rivals: Team, submit: Make, organizer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, twin = submit(team, seed=1), submit(rivals, seed=1)
    finish(first.latest_evaluation, report(time_ratio=0.50))
    running.run_next("cpu")
    assert rankings.entry_of(rivals, "public").time_ratio == 0.50
    monkeypatch.setattr(measurements, "PROTOCOL", PROTOCOL + 1)
    again = queueing.evaluate_again(submission=first, by=organizer)
    finish(again, report(time_ratio=0.48))
    assert rankings.entry_of(rivals, "public").time_ratio == 0.48
    assert twin.latest_evaluation.measured_by == again


def test_a_repeat_that_was_cancelled_shows_nothing_that_was_measured_after_it(
    team: Team, submit: Make, organizer: User
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, with_quads(quad(1)))
    cancelled = queueing.evaluate_again(submission=submission, by=organizer)
    queueing.cancel(evaluation=cancelled, by=organizer)
    finish(queueing.evaluate_again(submission=submission, by=organizer), with_quads(quad(2)))
    assert len(starts(cancelled)) == 1


def test_a_repeat_that_waited_over_an_upgrade_pools_what_was_measured_meanwhile(
    team: Team, rivals: Team, submit: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = submit(team, seed=1)
    finish(first.latest_evaluation, with_quads(quad(1)))
    repeat = queueing.enqueue(
        competition=first.competition, submission=first, why=Evaluation.Why.TOP_OVERLAP
    )
    monkeypatch.setattr(measurements, "PROTOCOL", PROTOCOL + 1)
    twin = submit(rivals, seed=1).latest_evaluation
    found = iter([with_quads(quad(2)), with_quads(quad(2), quad(3))])
    seen: list[Job] = []

    def evaluate(job: Job, progress: object, answered: object = None) -> Report:
        seen.append(job)
        return next(found)

    monkeypatch.setattr(scoring, "evaluate", evaluate)
    assert running.run_next("cpu") == twin, "uploads go first"
    assert running.run_next("cpu") == repeat
    assert [one.reference_seconds for one in seen[1].earlier] == [quad(2).reference_seconds]
    for evaluation, own in ((twin, [2]), (repeat, [2, 3])):
        evaluation.refresh_from_db()
        quads = [one for each in measurements.attempts(evaluation) for one in each.quads]
        assert [one.reference_seconds for one in quads] == [
            quad(at).reference_seconds for at in own
        ]
        assert evaluation.measurements == len(own)


def test_whoever_sent_the_same_model_gets_the_new_time_too(
    team: Team, rivals: Team, submit: Make, scored: Make, organizer: User
) -> None:
    first = scored(team, seed=1, time_ratio=0.50)
    submit(rivals, seed=1)
    running.run_next("cpu")
    repeat = queueing.evaluate_again(submission=first, by=organizer)
    finish(repeat, report(time_ratio=0.48))
    entry = rankings.entry_of(rivals, "public")
    assert (entry.time_ratio, entry.evaluation.measured_by) == (0.48, repeat)
    assert (entry.evaluation.measurements, entry.evaluation.why) == (2, "shared")
    assert running.run_next("cpu") is None


def test_the_engine_gets_the_quads(team: Team, submit: Make, organizer: User) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, with_quads(quad(1)))
    repeat = queueing.evaluate_again(submission=submission, by=organizer)
    job = jobs.for_evaluation(repeat)
    assert [one.reference_seconds for one in job.earlier] == [quad(1).reference_seconds]
