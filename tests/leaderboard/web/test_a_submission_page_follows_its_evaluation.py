"""Queued, running, scored, failed, broken by us: each in words, and the polling ends."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from leaderboard.models import Evaluation, Submission, Team, User
from leaderboard.models.evaluation import MAX_FAULTS
from leaderboard.services import queueing, recording, running, submissions
from scoring.job import Progress
from scoring.sentences import say
from tests.leaderboard.conftest import failure, finish
from tests.leaderboard.web.conftest import text


def polled(page: Any) -> bool:
    return "hx-get=" in text(page)


def test_queued_and_running(
    see: Any, submit: Any, team: Team, rivals: Team, owner: User, rival: User
) -> None:
    first, second = submit(rivals, 1), submit(team, 2)
    page = see(owner, second.get_absolute_url())
    assert "#2 of 2" in text(page)
    assert polled(page)
    claimed = running.claim(first.latest_evaluation.profile)
    claimed.note(stage="measure", percent=41.0, remaining_seconds=250.0)
    status = see(rival, f"/submissions/{first.pk}/status/")
    assert status.status_code == 200
    assert "Measuring" in text(status)
    assert "41 %" in text(status)
    assert "About 4 min" in text(status)
    assert 'data-headline="Measuring, 41 %"' in text(status)
    steps = text(status)[text(status).index("<ol") : text(status).index("</ol>")]
    assert steps.count('class="done"') == 3
    assert '<li class="now" aria-current="step"> <span>Measuring</span>' in steps
    assert "<noscript>" in text(page)  # a link for browsers without scripts


def test_running_on_a_machine_that_went_silent(
    see: Any, submit: Any, team: Team, owner: User, settings: Any
) -> None:
    submission = submit(team)
    claimed = running.claim(submission.latest_evaluation.profile)
    claimed.note(percent=41.0, remaining_seconds=5.0)
    page = f"/submissions/{submission.pk}/status/"
    assert "About 5 s" in text(see(owner, page))
    claimed.note(lease_expires_at=timezone.now() + settings.LEASE / 4)  # and no sweep was there
    shown = text(see(owner, page))
    assert "The machine has not reported" in shown
    assert "to go" not in shown


def test_scored(see: Any, scored: Any, team: Team, owner: User) -> None:
    submission = scored(
        team, quality_public=0.8, quality_private=0.66, time_ratio=0.5, half_width=0.01
    )
    page = see(owner, submission.get_absolute_url())
    shown = text(page)
    assert "0.3692" in shown  # 0.5 × 0.5 + sigmoid(20 × (0.7 − 0.8))
    assert "± 0.0050" in shown
    assert "0.2500" in shown  # time term
    assert "0.1192" in shown  # F1 term
    assert "5.00" in shown  # ms per image
    assert "10.0" in shown  # the reference's
    assert not polled(page)
    assert "<noscript>" not in shown
    assert "Your model has arrived" not in shown
    assert see(owner, f"/submissions/{submission.pk}/status/").status_code == 286


def test_scored_beside_others(
    see: Any, scored: Any, team: Team, rivals: Team, owner: User, organizer: User
) -> None:
    first = scored(team, 1, quality_public=0.75, time_ratio=0.9)
    scored(rivals, 2, quality_public=0.80, time_ratio=0.6)
    second = scored(team, 3, quality_public=0.79, time_ratio=0.65)
    page = text(see(owner, second.get_absolute_url()))
    assert "Better than your previous best" in page
    assert f'href="/competitions/waste/boards/public/?rank=2#team-{team.pk}"' in page
    assert "would pass Rivals (rank 1, score 0.4192)" in page
    assert "Confusion matrix" in page
    assert "slow for its F1" in page
    earlier = text(see(organizer, first.get_absolute_url()))
    assert "Worse than your best" in earlier
    assert "would make it better than your best" in earlier


def test_failed(see: Any, submit: Any, team: Team, owner: User) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, failure())
    page = see(owner, submission.get_absolute_url())
    assert "wrong_output" in text(page)
    assert "Expected (1, 3), got (1, 4)." in text(page)
    assert not polled(page)


def test_broken_by_us(see: Any, submit: Any, team: Team, owner: User, competition: Any) -> None:
    submission = submit(team)
    for _ in range(MAX_FAULTS):
        evaluation = running.claim(submission.latest_evaluation.profile)
        assert evaluation
        recording.give_back(evaluation, code="internal", said=say("secret/path/private.zip"))
        page = text(see(owner, submission.get_absolute_url()))
        assert "secret/path" not in page
        assert "Our system failed" in page
    assert "got the upload back" in page
    assert submissions.quota(team, competition).used == 0


def test_a_failed_repeat_leaves_the_score(
    see: Any, scored: Any, team: Team, owner: User, organizer: User
) -> None:
    submission = scored(team, quality_public=0.8, time_ratio=0.5)
    again = queueing.evaluate_again(submission=submission, by=organizer)
    assert "#1 of 1" in text(see(owner, submission.get_absolute_url()))
    assert "0.3692" in text(see(owner, submission.get_absolute_url()))
    finish(again, failure())
    assert "0.3692" in text(see(owner, submission.get_absolute_url()))
    assert "still counts" in text(see(owner, submission.get_absolute_url()))


def test_a_failure_stays_in_sight_whatever_becomes_of_a_repeat(
    see: Any, submit: Any, team: Team, owner: User, organizer: User, competition: Any
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, failure())

    def page() -> str:
        return text(see(owner, submission.get_absolute_url()))

    again = queueing.evaluate_again(submission=submission, by=organizer)
    assert "wrong_output" in page()
    assert "the result below counts" in page()
    queueing.cancel(evaluation=again, by=organizer)
    assert "This evaluation was cancelled" in page()
    assert "wrong_output" in page()
    queueing.evaluate_again(submission=submission, by=organizer)
    for _ in range(MAX_FAULTS):
        claimed = running.claim(submission.competition.profile)
        assert claimed
        recording.give_back(claimed, code="internal", said=say("a bug of ours"))
    assert "Our system failed, not your model" in page()
    assert "wrong_output" in page()
    assert "counts as an upload" in page()
    assert "got the upload back" not in page()
    assert submissions.quota(team, competition).used == 1


def test_a_failure_after_our_fault_uses_no_quota(
    see: Any, submit: Any, team: Team, owner: User, organizer: User, competition: Any
) -> None:
    submission = submit(team)
    for _ in range(MAX_FAULTS):
        claimed = running.claim(submission.competition.profile)
        assert claimed
        recording.give_back(claimed, code="internal", said=say("a bug of ours"))
    finish(queueing.evaluate_again(submission=submission, by=organizer), failure())
    page = text(see(owner, submission.get_absolute_url()))
    assert "does not count as an upload" in page
    assert submissions.quota(team, competition).used == 0


def test_while_a_model_is_timed_the_page_follows_the_clock_not_the_model(
    see: Any, submit: Any, team: Team, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model may take longer on an image as a signal. The page must not show its team how far it
    is."""
    submission = submit(team)
    claimed = running.claim(submission.latest_evaluation.profile)
    assert claimed
    monkeypatch.setattr(running, "WRITTEN_EVERY", 0.0)
    tell = running.progress_writer(claimed, lambda: False)
    tell(Progress("images", 5.0, 70.0))
    tell(Progress("measure", 10.0, 6000.0))  # long beside the seconds that a page may take
    for percent in (40.0, 41.0, 95.0):
        tell(Progress("measure", percent, 100.0 - percent))
    row = Evaluation.objects.get(pk=claimed.pk)
    assert (row.stage, row.percent, row.remaining_seconds) == ("measure", 10.0, 6000.0)
    assert row.lease_expires_at
    half_ago = timezone.now() - timedelta(seconds=3000)
    Evaluation.objects.update(noted_at=half_ago)
    page = text(see(owner, f"/submissions/{submission.pk}/status/"))
    assert "54 %" in page or "55 %" in page
    assert "About 50 min" in page or "About 49 min" in page
    Evaluation.objects.update(noted_at=half_ago - timedelta(hours=1))
    late = text(see(owner, f"/submissions/{submission.pk}/status/"))
    assert "99 %" in late
    assert "to go" not in late


def test_withdrawn_while_queued(see: Any, send: Any, submit: Any, team: Team, owner: User) -> None:
    submission = submit(team)
    send(owner, f"/submissions/{submission.pk}/withdraw/")
    page = text(see(owner, submission.get_absolute_url()))
    assert "withdrawn before it was measured" in page
    assert Submission.objects.get().latest_evaluation.state == Evaluation.State.CANCELLED


def test_whoever_signed_out_is_asked_to_load_the_page(see: Any, submit: Any, team: Team) -> None:
    answer = see(None, f"/submissions/{submit(team).pk}/status/")
    assert answer.headers["HX-Refresh"] == "true"
    assert not answer.content
