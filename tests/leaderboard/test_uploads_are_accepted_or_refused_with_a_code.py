"""The rules of an upload, through the service that every door calls."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from leaderboard.errors import CompetitionNotOpen, Conflict, NotAMember, QuotaExceeded, TooLarge
from leaderboard.models import Competition, Evaluation, Submission, Team, User
from leaderboard.services import competitions, queueing, recording, running, submissions
from scoring.sentences import say
from tests.leaderboard.conftest import failure, finish, report

pytestmark = pytest.mark.django_db
Submit = Callable[..., Submission]


def send(team: Team, by: User, data: bytes, **fields: str) -> submissions.Receipt:
    return submissions.submit(
        competition=team.competition,
        team=team,
        upload=ContentFile(data, name="model.pt"),
        by=by,
        door="api",
        **fields,
    )


def test_an_accepted_upload_is_stored_under_its_hash_and_queued(
    team: Team, owner: User, model: bytes
) -> None:
    receipt = send(team, owner, model)
    submission = receipt.submission
    assert receipt.is_new
    assert submission.sha256 in submission.file.name
    assert submission.file.read() == model
    assert submission.static["parameters"] == 12
    assert submission.evaluation.state == Evaluation.State.QUEUED


def test_the_same_model_again_returns_the_first_submission_and_costs_nothing(
    team: Team, owner: User, teammate: User, model: bytes
) -> None:
    first = send(team, owner, model)
    again = send(team, teammate, model)
    assert again.submission == first.submission
    assert not again.is_new
    assert submissions.quota(team, team.competition).used == 1


def test_the_same_model_by_another_team_shares_the_stored_measurement(
    team: Team, rivals: Team, scored: Submit, submit: Submit
) -> None:
    first = scored(team, time_ratio=0.5)
    second = submit(rivals)
    running.run_next("cpu")
    shared = second.latest_evaluation
    assert shared.measured_by == first.evaluation
    assert shared.score_public == first.evaluation.score_public
    assert submissions.quota(rivals, rivals.competition).used == 1


def test_an_idempotency_key_names_one_upload(
    team: Team, owner: User, make_model: Callable[..., bytes]
) -> None:
    first = send(team, owner, make_model(1), idempotency_key="run-17")
    assert send(team, owner, make_model(1), idempotency_key="run-17").submission == first.submission
    with pytest.raises(Conflict) as refused:
        send(team, owner, make_model(2), idempotency_key="run-17")
    assert refused.value.code == "idempotency_key_reused"


def test_a_retry_is_answered_even_after_the_end(
    team: Team, owner: User, organizer: User, model: bytes
) -> None:
    first = send(team, owner, model, idempotency_key="run-17")
    competitions.close(competition=team.competition, by=organizer)
    team.refresh_from_db()
    submissions.expect(competition=team.competition, by=owner, idempotency_key="run-17")
    assert send(team, owner, model, idempotency_key="run-17").submission == first.submission
    with pytest.raises(CompetitionNotOpen):
        send(team, owner, model, idempotency_key="run-18")


def test_an_organizers_cancelled_repeat_does_not_make_the_model_new(
    team: Team, owner: User, organizer: User, model: bytes
) -> None:
    first = send(team, owner, model).submission
    finish(first.latest_evaluation, report())
    repeat = queueing.evaluate_again(submission=first, by=organizer)
    queueing.cancel(evaluation=repeat, by=organizer)
    assert not send(team, owner, model).is_new


def test_what_a_crash_left_of_a_file_is_written_anew(team: Team, owner: User, model: bytes) -> None:
    sha256 = hashlib.sha256(model).hexdigest()
    default_storage.save(f"models/{sha256[:2]}/{sha256}.pt", ContentFile(model[:100]))
    assert send(team, owner, model).submission.file.read() == model


def test_a_model_that_ended_by_our_fault_may_be_sent_again(
    team: Team, owner: User, model: bytes
) -> None:
    first = send(team, owner, model).submission
    for _ in range(3):
        claimed = running.claim(team.competition.profile)
        assert claimed
        recording.give_back(claimed, code="internal", said=say("a bug of ours"))
    assert first.latest_evaluation.state == Evaluation.State.ERROR
    assert send(team, owner, model).is_new


def test_only_members_upload(team: Team, outsider: User, model: bytes) -> None:
    with pytest.raises(NotAMember):
        send(team, outsider, model)


@pytest.mark.parametrize("state", ["draft", "paused", "closed", "published"])
def test_uploads_are_taken_only_while_open(
    team: Team, owner: User, model: bytes, state: str
) -> None:
    Competition.objects.update(state=state)
    team.refresh_from_db()
    with pytest.raises(CompetitionNotOpen):
        send(team, owner, model)
    assert not Submission.objects.exists()


def test_a_pause_says_why(team: Team, owner: User, organizer: User, model: bytes) -> None:
    competitions.pause(competition=team.competition, message="new worker", by=organizer)
    with pytest.raises(CompetitionNotOpen, match="new worker"):
        send(team, owner, model)


def test_nothing_is_taken_after_the_end(team: Team, owner: User, model: bytes) -> None:
    team.competition.ends_at = timezone.now() - timedelta(seconds=1)
    team.competition.save()
    with pytest.raises(CompetitionNotOpen, match="ended"):
        send(team, owner, model)


def test_a_file_above_the_limit_is_refused(team: Team, owner: User, model: bytes) -> None:
    Competition.objects.update(max_upload_bytes=100)
    team.competition.refresh_from_db()
    with pytest.raises(TooLarge):
        send(team, owner, model)


def test_the_quota_counts_verdicts_and_refunds_our_faults(
    team: Team, owner: User, make_model: Callable[..., bytes]
) -> None:
    Competition.objects.update(submissions_per_day=2)
    team.competition.refresh_from_db()
    failed = send(team, owner, make_model(1)).submission
    finish(failed.latest_evaluation, failure())
    ours = send(team, owner, make_model(2)).submission
    with pytest.raises(QuotaExceeded, match="2 of 2"):
        send(team, owner, make_model(3))
    for _ in range(3):
        claimed = running.claim(team.competition.profile)
        assert claimed
        recording.give_back(claimed, code="internal", said=say("a bug of ours"))
    assert ours.latest_evaluation.state == Evaluation.State.ERROR
    assert submissions.quota(team, team.competition).left == 1


def test_what_is_refused_is_not_kept(
    team: Team, owner: User, make_model: Callable[..., bytes]
) -> None:
    Competition.objects.update(submissions_per_day=0)
    team.competition.refresh_from_db()
    data = make_model(1)
    with pytest.raises(QuotaExceeded):
        send(team, owner, data)
    sha256 = hashlib.sha256(data).hexdigest()
    assert not default_storage.exists(f"models/{sha256[:2]}/{sha256}.pt")


def test_withdrawing_before_a_worker_took_it_refunds_it_and_later_does_not(
    team: Team, owner: User, make_model: Callable[..., bytes]
) -> None:
    waiting = send(team, owner, make_model(1)).submission
    submissions.withdraw(submission=waiting, by=owner)
    assert submissions.quota(team, team.competition).used == 0
    taken = send(team, owner, make_model(2)).submission
    running.claim(team.competition.profile)
    submissions.withdraw(submission=taken, by=owner)
    assert submissions.quota(team, team.competition).used == 1


def test_the_quota_begins_anew_with_the_day_of_the_competition(
    team: Team, owner: User, model: bytes
) -> None:
    submission = send(team, owner, model).submission
    noon_in_seoul = timezone.now().replace(hour=3, minute=0)
    Submission.objects.filter(pk=submission.pk).update(uploaded_at=noon_in_seoul)
    used = [
        submissions.quota(team, team.competition, now=noon_in_seoul + timedelta(hours=hours)).used
        for hours in (1, 11, 13)
    ]
    assert used == [1, 1, 0]


def test_weeks_months_and_the_whole_competition_have_limits_of_their_own(
    team: Team, owner: User, model: bytes, make_model: Callable[..., bytes]
) -> None:
    """Wednesday, 30 June 2027, at noon in Seoul; the week began on the 28th."""
    now = datetime(2027, 6, 30, 3, tzinfo=UTC)
    sent = send(team, owner, model).submission
    limits = {"submissions_per_day": 4}

    def left(at: datetime, **more: int) -> tuple[str, int, int, str | None]:
        Competition.objects.update(
            submissions_per_week=None, submissions_per_month=None, submissions_in_total=None
        )
        Competition.objects.update(**limits | more)
        team.competition.refresh_from_db()
        Submission.objects.filter(pk=sent.pk).update(uploaded_at=at)
        found = submissions.quota(team, team.competition, now=now)
        one = found.tightest
        reset = one.resets_at.date().isoformat() if one.resets_at else None
        return one.period, one.used, found.left, reset

    today, monday, sunday = now, now - timedelta(days=2), now - timedelta(days=3)
    month_before = now - timedelta(days=30)
    assert left(today) == ("day", 1, 3, "2027-07-01")
    assert left(today, submissions_per_week=9) == ("day", 1, 3, "2027-07-01")
    assert left(monday, submissions_per_week=2) == ("week", 1, 1, "2027-07-05")
    assert left(sunday, submissions_per_week=2) == ("week", 0, 2, "2027-07-05")
    assert left(sunday, submissions_per_month=2) == ("month", 1, 1, "2027-07-01")
    assert left(month_before, submissions_per_month=2) == ("month", 0, 2, "2027-07-01")
    assert left(month_before, submissions_in_total=2) == ("total", 1, 1, None)
    assert left(today, submissions_per_week=2, submissions_in_total=2)[0] == "total"

    left(timezone.now(), submissions_in_total=1)
    with pytest.raises(QuotaExceeded, match="Sorters has used all 1 submissions"):
        send(team, owner, make_model(7))
    left(timezone.now(), submissions_per_week=1)
    with pytest.raises(QuotaExceeded, match="Sorters has used 1 of 1 submissions this week"):
        send(team, owner, make_model(7))


@pytest.mark.django_db(transaction=True)
def test_two_uploads_in_the_same_instant_do_not_both_take_the_last_slot(
    team: Team, owner: User, make_model: Callable[..., bytes]
) -> None:
    Competition.objects.update(submissions_per_day=1)
    team.competition.refresh_from_db()
    start = threading.Barrier(4)
    outcomes = []

    def upload(seed: int) -> None:
        data = make_model(seed)
        start.wait()
        try:
            send(team, owner, data)
            outcomes.append("accepted")
        except QuotaExceeded:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=upload, args=[seed]) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["accepted", "refused", "refused", "refused"]
