"""Other data, another reference or machine: all is measured again beside the board, seen by
organizers only, then applied or cancelled as a whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from leaderboard import tasks
from leaderboard.errors import Conflict, NotAllowed, Refused
from leaderboard.models import (
    AuditEntry,
    Competition,
    Dataset,
    Entry,
    Evaluation,
    HardwareProfile,
    NextEntry,
    Notice,
    Preparation,
    ReferenceModel,
    Rescore,
    Submission,
    Team,
    User,
)
from leaderboard.models.evaluation import Stale
from leaderboard.services import (
    competitions,
    fleet,
    jobs,
    measurements,
    moves,
    placing,
    preparing,
    queueing,
    rankings,
    recording,
    references,
    remeasuring,
    rescoring,
    running,
    submissions,
    sweeping,
    telling,
    versions,
)
from scoring import formula
from scoring.job import Report
from tests.leaderboard.conftest import CLASSES, failure, report

pytestmark = pytest.mark.django_db
Scored = Callable[..., Submission]
State = Evaluation.State
WHY = "Labels of the first images were wrong."


@pytest.fixture
def other(dataset: Dataset) -> Dataset:
    """The same classes on other images."""
    made = Dataset.objects.create(
        name="Waste, corrected", classes=CLASSES, sha256="e" * 64, created_at=timezone.now()
    )
    for split in dataset.splits.all():
        split.pk, split.dataset, split.sha256 = None, made, f"{split.name:e<64}"
        split.save()
    return made


@pytest.fixture
def gpu(db: None) -> HardwareProfile:
    return HardwareProfile.objects.create(
        slug="gpu", name="One GPU", max_half_width=0, canary_every_minutes=0
    )


@pytest.fixture
def board_of_two(team: Team, rivals: Team, scored: Scored) -> dict[str, Submission]:
    """Two submissions of one team, the first of them better, and one of the other."""
    return {
        "best": scored(team, seed=1, quality_public=0.8, time_ratio=0.5),
        "other": scored(team, seed=2, quality_public=0.75, time_ratio=0.9),
        "rival": scored(rivals, seed=3, quality_public=0.7, time_ratio=0.8),
    }


def again(competition: Competition, by: User, **terms: Any) -> Rescore:
    rescore = Rescore(competition=competition, why=WHY, **terms)
    return rescoring.measure_again(rescore=rescore, by=by)


def take(profile: HardwareProfile) -> Evaluation:
    claimed = running.claim(profile)
    assert claimed
    return claimed


def measured(profile: HardwareProfile, **figures: Any) -> Evaluation:
    """Claim the next evaluation and record figures for it."""
    claimed = take(profile)
    recording.record(claimed, report(**figures))
    return Evaluation.every.get(pk=claimed.pk)


def calibrated(rescore: Rescore, **figures: Any) -> None:
    """Measure the reference by the new terms, and let the sweep queue the submissions."""
    assert rescore.profile
    reference = measured(rescore.profile, quality_public=0.653, **figures)
    assert (reference.kind, reference.is_hidden) == ("calibration", True)
    tasks.sweep()
    rescore.refresh_from_db()


def waiting(rescore: Rescore) -> list[int | None]:
    rows = remeasuring.hidden(rescore).filter(state=State.QUEUED)
    return list(rows.values_list("submission_id", flat=True))


def board(competition: Competition) -> list[tuple[str, int, Decimal]]:
    rows = rankings.rows(competition, "public")
    return [(one.entry.team.name, one.entry.submission_id, one.entry.score) for one in rows]


def score(quality: float, ratio: float, quality_ref: float) -> Decimal:
    return Decimal(f"{formula.score(quality, ratio, quality_ref=quality_ref).total:.6f}")


def seen(client: Any, competition: Competition, submission: Submission) -> list[str]:
    """What a participant reads, without what the clock alone changes."""
    base = competition.get_absolute_url()
    pages = ["", "boards/public/", "scoring/", "submissions/", "race/", "data/"]
    addresses = [f"{base}{page}" for page in pages] + [
        submission.get_absolute_url(),
        f"/api/v2/competitions/{competition.slug}",
        f"/api/v2/competitions/{competition.slug}/boards/public",
        f"/api/v2/submissions/{submission.pk}",
    ]
    return [client.get(one).content.decode() for one in addresses]


def test_new_data_are_measured_beside_the_board_and_applied_at_once(
    board_of_two: dict[str, Submission],
    competition: Competition,
    team: Team,
    other: Dataset,
    organizer: User,
    client: Any,
    scored: Scored,
) -> None:
    profile, best, rival = competition.profile, board_of_two["best"], board_of_two["rival"]
    before, token = board(competition), versions.of(competition, "public")
    telling.go_on(seconds=5)
    told = Notice.objects.count()
    client.force_login(team.members.order_by("pk").first())
    seen(client, competition, best)
    rescore = again(competition, organizer, dataset=other)
    assert (rescore.state, rescore.reference) == ("measuring", competition.reference)
    tasks.sweep()
    assert waiting(rescore) == [None], "the reference first"
    assert jobs.for_evaluation(remeasuring.hidden(rescore).get()).submission is None
    calibrated(rescore)
    assert rescore.now_quality_ref == 0.653
    assert waiting(rescore) == [best.pk, rival.pk, board_of_two["other"].pk], (
        "the first ranks first"
    )

    joined = scored(team, seed=9, quality_public=0.9, time_ratio=0.45)  # it goes first
    assert board(competition)[0][1] == joined.pk
    tasks.sweep()
    assert waiting(rescore)[-1] == joined.pk
    found = remeasuring.progress(rescore)
    assert (found.total, found.ended, found.queued) == (4, 0, 4)
    first = measured(profile, quality_public=0.6137, time_ratio=0.5)
    assert (first.submission, first.state, first.counts, first.team) == (
        best,
        State.SCORED,
        False,
        None,
    )
    assert first.quality_ref == 0.653
    job = jobs.for_evaluation(Evaluation.every.get(pk=first.pk))
    assert job.pace
    assert job.formula.quality_ref == 0.653
    with pytest.raises(Conflict) as early:
        rescoring.apply(rescore=rescore, by=organizer)
    assert early.value.code == "rescore_unfinished"
    recording.record(take(profile), failure())  # the rival's
    measured(profile, quality_public=0.62, time_ratio=0.9)
    measured(profile, quality_public=0.5, time_ratio=0.45)
    words = "".join(seen(client, competition, best))
    for hidden in (WHY, other.name, "measured again for a rescore", "0.6137", "0.653"):
        assert hidden not in words, hidden
    telling.go_on(seconds=5)
    assert not Notice.objects.filter(kind="rescored").exists()
    assert {row[1] for row in board(competition)} == {joined.pk, rival.pk}
    assert Submission.objects.get(pk=best.pk).evaluation.quality_public == 0.8
    assert Evaluation.objects.filter(rescore=rescore).count() == 0

    tasks.sweep()
    rescore.refresh_from_db()
    assert rescore.state == "preview"
    assert [one.submission for one in remeasuring.failures(rescore)] == [rival]
    expected = [
        (rivals_name(rival), rival.pk, before[1][2]),
        (team.name, best.pk, score(0.6137, 0.5, 0.653)),
    ]
    shown = [
        (m.pair.team, m.pair.after.submission_id, m.pair.after.score) for m in moves.of(rescore)
    ]
    assert shown == sorted(expected, key=lambda row: row[2])
    now = board(competition)
    rescoring.apply(rescore=rescore, by=organizer)
    competition.refresh_from_db()
    assert board(competition) == shown != now
    assert (competition.dataset, competition.measured_since) == (other, rescore)
    assert (competition.formula_version, competition.reference_quality) == (2, 0.653)
    assert versions.of(competition, "public") != token
    assert not Preparation.objects.exists()
    assert not NextEntry.objects.exists()
    counted = Evaluation.objects.filter(counts=True)
    assert {one.submission_id: one.rescore_id for one in counted} == {
        best.pk: rescore.pk,
        board_of_two["other"].pk: rescore.pk,
        joined.pk: rescore.pk,
        rival.pk: None,  # it failed there and keeps its score
    }
    verdict = Submission.objects.get(pk=best.pk).evaluation
    assert (verdict.pk, verdict.team, verdict.content_sha256) == (
        first.pk,
        team,
        best.content_sha256,
    )
    assert [(one.rescore, one.score) for one in rescoring.since(verdict)] == [
        (rescore, float(score(0.8, 0.5, 0.7)))
    ]
    telling.go_on(seconds=5)
    assert Notice.objects.count() > told
    assert Notice.objects.filter(kind="rescored").exists()
    words = "".join(seen(client, competition, best))
    assert WHY in words
    assert other.name in words
    placing.place(*competition.teams.all())
    assert board(competition) == shown

    # A new upload is measured by the new terms. The same content as one of the set shares its time.
    new = scored(team, seed=11, quality_public=0.66, time_ratio=0.4)
    assert (new.evaluation.dataset, new.evaluation.rescore) == (other, rescore)
    twin = queueing.enqueue(competition=competition, submission=rival)
    assert measurements.stored(twin) is None
    acts = AuditEntry.objects.filter(act__startswith="rescore").order_by("pk")
    assert [one.act for one in acts] == ["rescore_proposed", "rescore_applied"]
    assert acts[0].after["dataset"] == other.name


def rivals_name(submission: Submission) -> str:
    return submission.team.name


def test_failures_are_measured_once_more_or_lose_their_scores(
    board_of_two: dict[str, Submission],
    competition: Competition,
    team: Team,
    rivals: Team,
    other: Dataset,
    organizer: User,
) -> None:
    profile, rival = competition.profile, board_of_two["rival"]
    rescore = again(competition, organizer, dataset=other, scope="all")
    recording.record(take(profile), failure())
    tasks.sweep()
    assert waiting(rescore) == []
    rescoring.retry(rescore=rescore, by=organizer)
    calibrated(rescore)
    measured(profile, time_ratio=0.5)
    recording.record(take(profile), failure())  # the rival's
    measured(profile, time_ratio=0.9)
    tasks.sweep()
    rescore.refresh_from_db()
    assert rescore.state == "preview"
    assert [m.pair.team for m in moves.of(rescore) if m.fails_gate] == []
    rescoring.judge_failures(rescore=rescore, keeps_failed=False, by=organizer)
    tasks.sweep()
    assert [m.pair.team for m in moves.of(rescore) if m.fails_gate] == [rivals.name]
    assert rescoring.retry(rescore=rescore, by=organizer) == 1
    assert waiting(rescore) == [rival.pk]
    recording.record(take(profile), failure())
    rescoring.apply(rescore=rescore, by=organizer)
    assert [row[0] for row in board(competition)] == [team.name]
    assert not Entry.objects.filter(team=rivals).exists()
    lost = Submission.objects.get(pk=rival.pk)
    assert (lost.evaluation.state, lost.evaluation.failure_code) == ("failed", "wrong_output")
    assert lost in Submission.objects.in_state("failed")
    assert lost not in Submission.objects.in_state("scored")
    assert remeasuring.hidden(rescore).filter(state=State.SCORED).count() == 0


def test_what_only_ranks_is_measured_and_the_rest_no_longer_counts(
    board_of_two: dict[str, Submission],
    competition: Competition,
    team: Team,
    gpu: HardwareProfile,
    organizer: User,
    scored: Scored,
    submit: Scored,
) -> None:
    """Another machine; a worker of the old one has an upload in its hands when it is applied."""
    Competition.objects.update(final_selections=1)
    competition.refresh_from_db()
    old = competition.profile
    rescore = again(competition, organizer, profile=gpu)
    calibrated(rescore)
    ranks = [board_of_two["best"].pk, board_of_two["rival"].pk]
    assert waiting(rescore) == ranks
    for ratio in (0.7, 0.6):
        measured(gpu, time_ratio=ratio)
    tasks.sweep()
    held, queued = submit(team, 20), submit(team, 21)
    claimed = take(old)
    assert claimed.submission == held
    rescoring.apply(rescore=rescore, by=organizer)
    assert set(Evaluation.objects.filter(counts=True).values_list("submission", flat=True)) == set(
        ranks
    )
    team.refresh_from_db()
    assert (team.queue, team.waiting, team.running) == (gpu, 1, 1)
    assert Submission.objects.get(pk=queued.pk).latest_evaluation.profile == gpu
    recording.record(claimed, report(quality_public=0.99))
    back = Submission.objects.get(pk=held.pk).latest_evaluation
    assert (back.state, back.profile, back.rescore, back.faults) == ("queued", gpu, rescore, 0)
    assert take(gpu).submission == held
    assert take(gpu).submission == queued
    assert running.claim(old) is None


def test_a_worker_back_from_the_dead_records_nothing_into_a_set(
    board_of_two: dict[str, Submission], competition: Competition, organizer: User, team: Team
) -> None:
    """Lost leases, a stopped and a noisy worker, a pause, and a cancel in the middle."""
    profile = competition.profile
    rescore = again(competition, organizer, scope="all")  # such as for a new protocol
    dead = take(profile)
    Evaluation.every.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    sweeping.sweep()
    calibrated(rescore)
    with pytest.raises(Stale):
        recording.record(dead, report(quality_public=0.1))
    rescore.refresh_from_db()
    assert rescore.now_quality_ref == 0.653

    rescoring.pause(rescore=rescore, by=organizer)
    assert running.claim(profile) is None
    rescoring.resume(rescore=rescore, by=organizer)
    lost = take(profile)
    assert measurements.stored(lost) is None, "nothing of before the rescore is shared"
    assert measurements.pooled(lost) == ()
    Evaluation.every.filter(pk=lost.pk).update(lease_expires_at=timezone.now() - timedelta(1))
    sweeping.sweep()
    successor = take(profile)
    assert (successor.pk, successor.attempt) == (lost.pk, 2)
    recording.give_back(successor, code=recording.STOPPED, said=[])
    for _ in range(2):
        recording.record(take(profile), Report(status="invalid"))
    given_up = Evaluation.every.get(pk=lost.pk)
    assert (given_up.state, given_up.attempt) == ("error", 4)
    assert rescoring.retry(rescore=rescore, by=organizer) == 1
    with pytest.raises(Stale):
        recording.record(lost, report(quality_public=0.1))
    team.refresh_from_db()
    assert (team.running, team.waiting) == (0, 0), "no turn of the team is used"

    doing = take(profile)
    assert fleet.by_profile()
    rescoring.cancel(rescore=rescore, by=organizer)
    with pytest.raises(Stale):
        recording.record(doing, report(quality_public=0.1))
    assert running.claim(profile) is None
    tasks.sweep()
    assert remeasuring.hidden(rescore).unfinished().count() == 0
    competition.refresh_from_db()
    assert (competition.formula_version, competition.measured_since) == (1, None)
    assert not Evaluation.objects.filter(rescore__isnull=False).exists()
    placing.place(*competition.teams.all())
    assert [row[1] for row in board(competition)] == [
        board_of_two["best"].pk,
        board_of_two["rival"].pk,
    ]
    for act in (rescoring.pause, rescoring.retry, rescoring.apply, rescoring.cancel):
        with pytest.raises(Conflict) as refused:
            act(rescore=rescore, by=organizer)
        assert refused.value.code == "rescore_decided"


def test_what_a_sweep_queues_in_the_moment_of_a_cancel_is_cancelled_too(
    board_of_two: dict[str, Submission],
    competition: Competition,
    organizer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rescore, decide = again(competition, organizer), rescoring.decide

    def waits(*given: Any) -> None:
        """As the database does: the sweep holds the row of the rescore until it has queued."""
        remeasuring.enqueue(rescore, [board_of_two["best"]])
        decide(*given)

    monkeypatch.setattr(rescoring, "decide", waits)
    rescoring.cancel(rescore=rescore, by=organizer)
    assert not remeasuring.hidden(rescore).unfinished().exists()


def test_earlier_boards_keep_their_figures(
    team: Team, rivals: Team, competition: Competition, organizer: User, scored: Scored, client: Any
) -> None:
    """The race before the rescore shows what counted then, also of uploads that only stood on
    earlier boards and were not measured again."""
    begin = timezone.now() - timedelta(hours=9)
    sent = [
        (scored(team, seed=1, quality_public=0.72, time_ratio=0.9), 0),
        (scored(rivals, seed=2, quality_public=0.7, time_ratio=0.8), 1),
        (scored(team, seed=3, quality_public=0.8, time_ratio=0.5), 2),
    ]
    for one, hours in sent:
        at = begin + timedelta(hours=hours)
        Submission.objects.filter(pk=one.pk).update(uploaded_at=at)
        one.evaluations.update(finished_at=at)
    placing.place(team, rivals)
    competition.final_selections = 1
    competition.save()
    rescore = again(competition, organizer)
    calibrated(rescore)
    assert waiting(rescore) == [sent[2][0].pk, sent[1][0].pk]
    measured(competition.profile, quality_public=0.6, time_ratio=0.5)
    recording.record(take(competition.profile), failure())  # the rival's, which keeps its score
    tasks.sweep()
    rescoring.apply(rescore=rescore, by=organizer)
    Evaluation.every.filter(rescore=rescore).update(finished_at=begin + timedelta(hours=3))
    Rescore.objects.update(decided_at=begin + timedelta(hours=4))
    competition.refresh_from_db()
    new = scored(team, seed=5, quality_public=0.61, time_ratio=0.4)
    Submission.objects.filter(pk=new.pk).update(uploaded_at=begin + timedelta(hours=5))
    placing.place(team)
    steeper = Rescore(
        competition=competition, why="Steeper.", k=30.0, time_weight=0.5, min_quality=0.0
    )
    Evaluation.objects.filter(submission=new).update(finished_at=begin + timedelta(hours=5))
    rescoring.propose(rescore=steeper, by=organizer)
    rescoring.apply(rescore=steeper, by=organizer)
    Rescore.objects.filter(version=3).update(decided_at=begin + timedelta(hours=6))
    versions.change(competition.pk)

    def race(hours: float) -> list[tuple[str, Decimal]]:
        moment = (begin + timedelta(hours=hours)).isoformat()
        page = client.get("/competitions/waste/race/", {"as_of": moment, "by": "score"})
        return [(row.name, Decimal(f"{row.placed.step.score:.6f}")) for row in page.context["rows"]]

    kept = (rivals.name, score(0.7, 0.8, 0.7))
    assert race(0.5) == [(team.name, score(0.72, 0.9, 0.7))]
    assert race(1.5) == [(team.name, score(0.72, 0.9, 0.7)), kept]
    assert race(3) == [(team.name, score(0.8, 0.5, 0.7)), kept]
    assert race(4.5) == [kept, (team.name, score(0.6, 0.5, 0.653))]
    assert race(5.5) == [kept, (team.name, score(0.61, 0.4, 0.653))]
    competition.refresh_from_db()
    now = [(row.entry.team.name, row.entry.score) for row in rankings.rows(competition, "public")]
    assert race(8) == now
    assert now != race(5.5)


def test_a_withdrawn_submission_is_measured_no_more(
    board_of_two: dict[str, Submission], competition: Competition, organizer: User, owner: User
) -> None:
    """One waits and one is being measured. What ranks instead joins."""
    profile, best, other = competition.profile, board_of_two["best"], board_of_two["other"]
    Competition.objects.update(final_selections=1)
    rescore = again(competition, organizer)
    calibrated(rescore)
    assert waiting(rescore) == [best.pk, board_of_two["rival"].pk]
    doing = take(profile)
    submissions.withdraw(submission=best, by=owner)
    with pytest.raises(Stale):
        recording.record(doing, report(quality_public=0.1))
    tasks.sweep()
    assert waiting(rescore) == [board_of_two["rival"].pk, other.pk]
    submissions.withdraw(submission=other, by=owner)
    assert waiting(rescore) == [board_of_two["rival"].pk]
    measured(profile, quality_public=0.6, time_ratio=0.9)
    tasks.sweep()
    assert (remeasuring.progress(rescore).total, running.claim(profile)) == (1, None)
    rescoring.apply(rescore=rescore, by=organizer)
    assert [row[1] for row in board(competition)] == [board_of_two["rival"].pk]


def test_uploads_go_first_and_do_not_wait_for_the_same_content(
    board_of_two: dict[str, Submission],
    competition: Competition,
    team: Team,
    rivals: Team,
    organizer: User,
    submit: Scored,
) -> None:
    profile, best = competition.profile, board_of_two["best"]
    rescore = again(competition, organizer)
    upload = submit(rivals, 1)  # the content of the team's best
    place = queueing.place(upload.latest_evaluation)
    assert (place.position, place.length) == (1, 1)
    assert running.run_next("cpu") == upload.latest_evaluation
    assert upload.evaluation.measured_by == best.evaluation
    calibrated(rescore)
    assert take(profile).submission == best
    repeat = queueing.evaluate_again(submission=best, by=organizer)
    claimed = take(profile)
    assert claimed == repeat, "a hidden one of the same content runs"
    recording.record(claimed, report(quality_public=0.8, time_ratio=0.5))


def test_a_set_stands_between_other_decisions(
    board_of_two: dict[str, Submission],
    competition: Competition,
    draft: Competition,
    other: Dataset,
    organizer: User,
    owner: User,
    make_model: Callable[..., bytes],
) -> None:
    with pytest.raises(NotAllowed):
        again(competition, owner, dataset=other)
    Dataset.objects.filter(pk=other.pk).update(classes=CLASSES[::-1])
    other.refresh_from_db()
    with pytest.raises(Refused) as refused:
        again(competition, organizer, dataset=other)
    assert refused.value.code == "wrong_classes"
    upload = ContentFile(make_model(seed=1001), name="reference.pt")
    new = references.add_reference(
        competition=competition, upload=upload, name="ResNet34", by=organizer
    )
    assert competition.reference != new
    rescore = again(competition, organizer, reference=new)
    competition.refresh_from_db()
    assert competition.reference != new
    one = Rescore(competition=competition, why=WHY, k=3.0, time_weight=0.5, min_quality=0.0)
    competitions.close(competition=competition, by=organizer)
    for act in (
        lambda: again(competition, organizer),
        lambda: rescoring.propose(rescore=one, by=organizer),
        lambda: competitions.publish(competition=competition, by=organizer),
    ):
        with pytest.raises(Conflict) as conflict:
            act()
        assert conflict.value.code == "rescore_pending"
    calibrated(rescore)
    rescoring.cancel(rescore=rescore, by=organizer)
    stranger = ReferenceModel.objects.get(pk=new.pk)
    stranger.pk, stranger.competition = (
        None,
        Competition.objects.create(slug="x", title="X", profile=competition.profile),
    )
    stranger.save()
    with pytest.raises(Refused) as refused:
        again(competition, organizer, reference=stranger)
    assert refused.value.code == "wrong_reference"
    assert rescoring.waiting(competition) is None
    competitions.publish(competition=competition, by=organizer)


def test_a_formula_follows_a_measuring_and_both_are_kept(
    board_of_two: dict[str, Submission], competition: Competition, other: Dataset, organizer: User
) -> None:
    rescore = again(competition, organizer, dataset=other)
    calibrated(rescore)
    for quality in (0.6137, 0.7, 0.8):
        measured(competition.profile, quality_public=quality, time_ratio=0.5)
    tasks.sweep()
    rescoring.apply(rescore=rescore, by=organizer)
    competition.refresh_from_db()
    steeper = Rescore(
        competition=competition, why="Steeper.", k=30.0, time_weight=0.5, min_quality=0.0
    )
    rescoring.propose(rescore=steeper, by=organizer)
    rescoring.apply(rescore=steeper, by=organizer)
    competition.refresh_from_db()
    first = Submission.objects.get(pk=board_of_two["best"].pk).evaluation
    assert [
        (one.rescore.version, Decimal(f"{one.score:.6f}")) for one in rescoring.since(first)
    ] == [
        (3, score(0.6137, 0.5, 0.653)),
        (2, score(0.8, 0.5, 0.7)),
    ]
    assert [
        (one.version, one.kind, one.after.quality_ref) for one in rescoring.of(competition)
    ] == [
        (3, "formula", 0.653),
        (2, "measured", 0.653),
    ]
    assert preparing.of(competition) is None
