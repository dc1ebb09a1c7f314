"""From a draft to the private ranking: what an organizer may do when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from leaderboard.errors import Conflict, NotAllowed, NotFound, Refused
from leaderboard.models import Competition, Entry, Evaluation, Submission, Team, User
from leaderboard.services import (
    competitions,
    queueing,
    rankings,
    references,
    running,
    selections,
    submissions,
    sweeping,
    visibility,
)
from tests.leaderboard.conftest import finish, report, rewrite, told

pytestmark = pytest.mark.django_db
Scored = Callable[..., Submission]


def publish(competition: Competition, organizer: User) -> None:
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)


def test_a_draft_opens_only_with_a_calibrated_reference(
    draft: Competition, organizer: User, model: bytes
) -> None:
    with pytest.raises(Conflict, match="reference"):
        competitions.open_(competition=draft, by=organizer)
    upload = ContentFile(model, name="reference.pt")
    references.set_reference(competition=draft, upload=upload, name="", by=organizer)
    with pytest.raises(Conflict, match="Calibrate"):
        competitions.open_(competition=draft, by=organizer)
    finish(references.calibrate(competition=draft, by=organizer), report(quality_public=0.71239))
    draft.refresh_from_db()
    assert draft.reference_quality == 0.712
    competitions.open_(competition=draft, by=organizer)
    assert draft.accepts_uploads


def test_a_new_dataset_or_machine_needs_a_new_calibration(
    competition: Competition, organizer: User
) -> None:
    Competition.objects.update(state="draft")
    competition.refresh_from_db()
    competition.profile.pk = None
    competition.profile.slug = "other"
    competition.profile.save()
    Competition.objects.update(profile=competition.profile)
    competition.refresh_from_db()
    with pytest.raises(Conflict) as refused:
        competitions.open_(competition=competition, by=organizer)
    assert refused.value.code == "calibration_outdated"


def test_a_calibration_by_an_older_protocol_opens_nothing(
    competition: Competition, organizer: User
) -> None:
    calibration = competition.calibration
    assert calibration
    found = told(calibration)
    found["versions"]["protocol"] = "1"
    rewrite(calibration, found)
    competitions.pause(competition=competition, message="", by=organizer)
    competitions.open_(competition=competition, by=organizer)  # a running one keeps its own
    Competition.objects.update(state="draft")
    competition.refresh_from_db()
    with pytest.raises(Conflict, match="Calibrate again") as refused:
        competitions.open_(competition=competition, by=organizer)
    assert refused.value.code == "calibration_outdated"


def test_only_organizers_run_a_competition(competition: Competition, owner: User) -> None:
    for act in (competitions.close, competitions.publish, references.calibrate):
        with pytest.raises(NotAllowed):
            act(competition=competition, by=owner)


def test_publishing_is_refused_with_numbers_while_something_is_unfinished(
    team: Team, submit: Callable[..., Submission], organizer: User
) -> None:
    submit(team, 1)
    submit(team, 2)
    running.claim(team.competition.profile)
    competitions.close(competition=team.competition, by=organizer)
    with pytest.raises(Conflict, match="1 queued and 1 running"):
        competitions.publish(competition=team.competition, by=organizer)


def test_there_is_no_private_board_before_it_is_published(
    team: Team, scored: Scored, organizer: User
) -> None:
    scored(team)
    assert not Entry.objects.filter(board="private").exists()
    with pytest.raises(NotFound):
        visibility.check_board(team.competition, "private")
    publish(team.competition, organizer)
    visibility.check_board(team.competition, "private")
    assert rankings.entry_of(team, "private").quality == 0.68


def test_the_best_private_score_among_the_selected_counts(
    team: Team, scored: Scored, owner: User, organizer: User
) -> None:
    best_public = scored(team, seed=1, quality_public=0.9, quality_private=0.5)
    chosen = [
        scored(team, seed=2, quality_public=0.8, quality_private=0.6),
        scored(team, seed=3, quality_public=0.7, quality_private=0.7),
    ]
    ids = [one.pk for one in chosen]
    selections.choose(team=team, submission_ids=ids, by=owner)
    publish(team.competition, organizer)
    assert rankings.entry_of(team, "public").submission == best_public
    assert rankings.entry_of(team, "private").submission == chosen[1]


def test_without_a_selection_the_best_public_ones_count(
    team: Team, scored: Scored, organizer: User
) -> None:
    scored(team, seed=1, quality_public=0.9, quality_private=0.5)
    second = scored(team, seed=2, quality_public=0.8, quality_private=0.6)
    scored(team, seed=3, quality_public=0.7, quality_private=0.99)
    publish(team.competition, organizer)
    assert rankings.entry_of(team, "private").submission == second


def test_selections_are_own_scored_submissions_and_not_too_many(
    team: Team, rivals: Team, scored: Scored, submit: Callable[..., Submission], owner: User
) -> None:
    mine = [scored(team, seed=seed).pk for seed in (1, 2, 3)]
    foreign = scored(rivals, seed=4).pk
    waiting = submit(team, 5).pk
    for ids, code in (
        (mine, "too_many_selections"),
        ([foreign], "not_selectable"),
        ([waiting], "not_selectable"),
    ):
        with pytest.raises(Refused) as refused:
            selections.choose(team=team, submission_ids=ids, by=owner)
        assert refused.value.code == code
    selections.choose(team=team, submission_ids=mine[:2], by=owner)
    selections.choose(team=team, submission_ids=mine[2:], by=owner)
    assert [one.pk for one in team.submissions.exclude(selected_at=None)] == mine[2:]


def test_no_more_selections_count_than_the_competition_allows_now(
    team: Team, scored: Scored, owner: User, organizer: User
) -> None:
    better = scored(team, seed=1, quality_public=0.9, quality_private=0.5)
    other = scored(team, seed=2, quality_public=0.8, quality_private=0.6)
    selections.choose(team=team, submission_ids=[better.pk, other.pk], by=owner)
    Competition.objects.update(final_selections=1)
    publish(team.competition, organizer)
    assert rankings.entry_of(team, "private").submission == better


def test_a_published_board_stays_as_it_is(team: Team, scored: Scored, organizer: User) -> None:
    submission = scored(team)
    publish(team.competition, organizer)
    submission.refresh_from_db()
    with pytest.raises(Conflict) as refused:
        queueing.evaluate_again(submission=submission, by=organizer)
    assert refused.value.code == "competition_over"


def test_who_decides_in_the_moment_of_publication_comes_too_late(
    team: Team, scored: Scored, owner: User, organizer: User
) -> None:
    """What they hold of the competition was read before."""
    submission = scored(team)
    stale = Submission.objects.select_related("competition", "team__competition").get()
    publish(Competition.objects.get(), organizer)
    board = list(Entry.objects.values())
    acts: list[Callable[[], object]] = [
        lambda: queueing.evaluate_again(submission=stale, by=organizer),
        lambda: submissions.withdraw(submission=stale, by=owner),
        lambda: selections.choose(team=stale.team, submission_ids=[submission.pk], by=owner),
    ]
    for act in acts:
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "competition_over"
    assert list(Entry.objects.values()) == board


def test_the_private_gate_is_of_the_private_f1(team: Team, scored: Scored, organizer: User) -> None:
    Competition.objects.update(min_quality=0.6)
    team.competition.refresh_from_db()
    scored(team, quality_public=0.65, quality_private=0.55)
    publish(team.competition, organizer)
    assert rankings.entry_of(team, "public").is_ranked
    assert not rankings.entry_of(team, "private").is_ranked


def test_a_competition_closes_at_its_end_and_accepted_uploads_are_still_scored(
    team: Team, submit: Callable[..., Submission]
) -> None:
    submission = submit(team)
    Competition.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    sweeping.sweep()
    team.competition.refresh_from_db()
    assert team.competition.state == Competition.State.CLOSED
    finish(submission.latest_evaluation, report())
    assert submission.latest_evaluation.state == Evaluation.State.SCORED


def test_a_published_competition_never_goes_back(competition: Competition, organizer: User) -> None:
    publish(competition, organizer)
    for act in (competitions.open_, competitions.close, competitions.publish):
        with pytest.raises(Conflict):
            act(competition=competition, by=organizer)


def test_a_closed_competition_takes_no_more_uploads(
    competition: Competition, organizer: User
) -> None:
    competitions.close(competition=competition, by=organizer)
    with pytest.raises(Conflict, match="Reopen it") as refused:
        competitions.open_(competition=competition, by=organizer)
    assert refused.value.code == "wrong_competition_state"
    assert not competition.accepts_uploads
