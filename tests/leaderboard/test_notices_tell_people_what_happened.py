"""Notices: who is told what, once, in the reader's language, and nothing that is hidden."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone, translation

from leaderboard.errors import NotFound
from leaderboard.models import Competition, Evaluation, Happening, Notice, Submission, Team, User
from leaderboard.services import (
    competitions,
    notice_words,
    notices,
    queueing,
    recording,
    running,
    submissions,
    teams,
    telling,
)
from scoring.sentences import say
from tests.leaderboard.conftest import failure, finish
from tests.leaderboard.conftest import person as new_person

Kind = Notice.Kind


def tell() -> None:
    """What the process that sends notices does."""
    telling.sweep()
    telling.go_on(seconds=60)


def told(person: User, kind: str) -> list[tuple[str, str]]:
    """The titles and texts of a person's notices of a kind."""
    return [notice_words.said(one) for one in notices.of(person).filter(kind=kind)]


def test_each_member_is_told_of_a_score_once(
    team: Team, owner: User, teammate: User, outsider: User, scored: Callable[..., Submission]
) -> None:
    sent = scored(team, quality_public=0.75, quality_private=0.6123, time_ratio=0.5)
    tell()
    tell()
    for person in (owner, teammate):
        [(title, text)] = told(person, Kind.SCORED)
        assert title.startswith(f"Submission #{sent.pk} of Sorters is scored: 0.5189")
        assert "rank 1" in text
        assert "0.6123" not in title + text
    assert not Notice.objects.filter(user=outsider).exists()
    assert not Happening.objects.exists()


def test_a_worse_submission_is_told_as_such(
    team: Team, owner: User, scored: Callable[..., Submission]
) -> None:
    scored(team, time_ratio=0.5)
    scored(team, seed=1, time_ratio=1.5)
    tell()
    assert "Another submission of your team" in told(owner, Kind.SCORED)[0][1]


def test_a_failure_says_why_in_the_readers_language(
    team: Team, owner: User, submit: Callable[..., Submission]
) -> None:
    finish(submit(team).latest_evaluation, failure())
    tell()
    [(title, text)] = told(owner, Kind.FAILED)
    assert "failed" in title
    assert text == "Expected (1, 3), got (1, 4)."
    with translation.override("ko"):
        assert "실패" in told(owner, Kind.FAILED)[0][0]


def test_a_second_measurement_is_no_news(
    team: Team, owner: User, organizer: User, scored: Callable[..., Submission]
) -> None:
    sent = scored(team)
    tell()
    queueing.enqueue(competition=team.competition, submission=sent, why=Evaluation.Why.REQUESTED)
    finish(sent.latest_evaluation, failure())
    tell()
    assert len(told(owner, Kind.SCORED)) == 1
    assert not told(owner, Kind.FAILED)


def test_a_fault_of_ours_gives_the_upload_back(
    team: Team, owner: User, submit: Callable[..., Submission]
) -> None:
    submit(team)
    for _ in range(3):
        claimed = running.claim(team.competition.profile)
        assert claimed
        recording.give_back(claimed, code="broken", said=say("It broke."))
    tell()
    [(title, text)] = told(owner, Kind.QUOTA_BACK)
    assert "was not measured" in title
    assert "You get the upload back" in text
    assert "It broke" not in text  # what the organizers are told


def test_a_withdrawn_upload_is_no_news_to_those_who_withdrew_it(
    team: Team, owner: User, submit: Callable[..., Submission]
) -> None:
    submissions.withdraw(submission=submit(team), by=owner)
    tell()
    assert not Notice.objects.exists()


def test_the_next_day_is_told_to_a_team_that_used_its_quota(
    team: Team, owner: User, submit: Callable[..., Submission]
) -> None:
    Competition.objects.update(submissions_per_day=2)
    team.competition.refresh_from_db()
    submit(team)
    assert not Happening.objects.filter(event="quota_used").exists()
    last = submit(team, seed=1)
    [happening] = Happening.objects.filter(event="quota_used")
    assert happening.due_at == submissions.quota(team, team.competition).resets_at
    tell()
    assert not told(owner, Kind.QUOTA_BACK)
    Submission.objects.update(uploaded_at=last.uploaded_at - timedelta(days=1))
    Happening.objects.update(due_at=timezone.now())
    tell()
    [(title, text)] = told(owner, Kind.QUOTA_BACK)
    assert title == "Sorters can upload again"
    assert text == "2 uploads to Waste sorting are left today."


class TestOvertaken:
    @pytest.fixture
    def ahead(self, team: Team, rivals: Team, scored: Callable[..., Submission]) -> Submission:
        """The team leads, and its rivals are told nothing of it."""
        first = scored(team, time_ratio=1.0)
        tell()
        return first

    def test_a_team_is_told_who_passed_it(
        self, ahead: Submission, rivals: Team, owner: User, rival: User, scored: Any
    ) -> None:
        scored(rivals, seed=1, time_ratio=0.5)
        tell()
        [(title, text)] = told(owner, Kind.OVERTAKEN)
        assert title == "Rivals has overtaken Sorters in Waste sorting"
        assert text == "Sorters now has rank 2 on the public board."
        assert not told(rival, Kind.OVERTAKEN)

    def test_an_order_within_doubt_is_no_news(
        self, ahead: Submission, rivals: Team, owner: User, scored: Any
    ) -> None:
        scored(rivals, seed=1, time_ratio=0.995)
        tell()
        assert not told(owner, Kind.OVERTAKEN)

    def test_nobody_is_told_twice_by_a_team_that_is_ahead(
        self, ahead: Submission, rivals: Team, owner: User, scored: Any
    ) -> None:
        scored(rivals, seed=1, time_ratio=0.5)
        scored(rivals, seed=2, time_ratio=0.3)
        tell()
        assert len(told(owner, Kind.OVERTAKEN)) == 1

    def test_only_the_nearest_teams_are_told(
        self,
        monkeypatch: pytest.MonkeyPatch,
        ahead: Submission,
        rivals: Team,
        owner: User,
        outsider: User,
        scored: Any,
    ) -> None:
        monkeypatch.setattr(telling, "NEAREST", 1)
        other = teams.create(competition=rivals.competition, name="Others", by=outsider)
        scored(other, seed=3, time_ratio=2.0)
        tell()
        scored(rivals, seed=1, time_ratio=0.5)
        tell()
        assert told(owner, Kind.OVERTAKEN)
        assert not told(outsider, Kind.OVERTAKEN)

    def test_nobody_is_told_once_the_private_board_is_published(
        self, ahead: Submission, rivals: Team, owner: User, organizer: User, scored: Any
    ) -> None:
        sent = scored(rivals, seed=1, time_ratio=0.5)
        submissions.disqualify(submission=sent, reason="Late.", by=organizer)
        Happening.objects.all().delete()
        competitions.close(competition=rivals.competition, by=organizer)
        competitions.publish(competition=rivals.competition, by=organizer)
        submissions.reinstate(submission=sent, reason="Fine.", by=organizer)
        tell()
        assert not told(owner, Kind.OVERTAKEN)


def test_an_end_is_told_a_day_before_and_again_if_it_moves(
    team: Team, owner: User, outsider: User, organizer: User
) -> None:
    competition = team.competition
    competition.ends_at = timezone.now() + timedelta(days=2)
    competition.save()
    tell()
    assert not told(owner, Kind.ENDS_SOON)
    for count, hours in enumerate((23, 22), start=1):
        competition.ends_at = timezone.now() + timedelta(hours=hours)
        competition.save()
        tell()
        tell()
        assert len(told(owner, Kind.ENDS_SOON)) == count
    assert "(Asia/Seoul)" in told(owner, Kind.ENDS_SOON)[0][1]
    assert not told(outsider, Kind.ENDS_SOON)


def test_a_publication_is_told_to_all_teams_and_leads_to_the_board(
    team: Team, rivals: Team, owner: User, rival: User, organizer: User
) -> None:
    competitions.close(competition=team.competition, by=organizer)
    competitions.publish(competition=team.competition, by=organizer)
    tell()
    for person in (owner, rival):
        [notice] = notices.of(person).filter(kind=Kind.PUBLISHED)
        assert notice.path == "/competitions/waste/boards/private/"


def test_what_a_person_does_not_want_is_not_told(
    team: Team, owner: User, teammate: User, scored: Callable[..., Submission]
) -> None:
    wanted = [kind for kind in Kind.values if kind != Kind.SCORED]
    notices.choose(person=owner, on_pages=wanted, by_mail=[])
    scored(team)
    tell()
    assert not told(owner, Kind.SCORED)
    assert told(teammate, Kind.SCORED)


def test_what_cannot_be_told_keeps_nothing_else_waiting(
    team: Team, owner: User, scored: Callable[..., Submission]
) -> None:
    old = timezone.now() - timedelta(hours=1)
    Happening.objects.create(event="of another version", competition=team.competition, due_at=old)
    scored(team)
    tell()
    assert told(owner, Kind.SCORED)
    assert Happening.objects.get().due_at > timezone.now()


def test_old_notices_are_deleted(team: Team, owner: User, scored: Any) -> None:
    scored(team)
    tell()
    Notice.objects.filter(user=owner).update(created_at=timezone.now() - timedelta(days=91))
    tell()
    assert not Notice.objects.filter(user=owner).exists()


def test_the_number_of_questions_to_the_database_does_not_grow_with_the_teams(
    team: Team, organizer: User, django_assert_max_num_queries: Any
) -> None:
    people = User.objects.bulk_create(User(username=f"person{n}") for n in range(300))
    every = Team.objects.bulk_create(
        Team(competition=team.competition, name=f"Team {n}") for n in range(300)
    )
    team.memberships.model.objects.bulk_create(
        team.memberships.model(team=one, user=person, competition=team.competition)
        for one, person in zip(every, people, strict=True)
    )
    competitions.close(competition=team.competition, by=organizer)
    competitions.publish(competition=team.competition, by=organizer)
    with django_assert_max_num_queries(30):
        tell()
    assert Notice.objects.count() == 302


class TestInvited:
    @pytest.mark.parametrize("name", ["rival", "RIVAL@example.org"])
    def test_a_person_who_is_named_is_told(
        self, team: Team, owner: User, rival: User, name: str
    ) -> None:
        EmailAddress.objects.create(user=rival, email=rival.email, verified=True)
        invitation = teams.invite(team=team, by=owner, to=name)
        tell()
        [notice] = notices.of(rival)
        assert notice.path == f"/invitations/{invitation.code}/"
        assert notice_words.said(notice)[0] == "owner invites you to Sorters"

    def test_a_team_tells_a_person_once_a_day(self, team: Team, owner: User, rival: User) -> None:
        for _ in range(2):
            teams.invite(team=team, by=owner, to="rival")
        tell()
        assert notices.unread(rival) == 1

    def test_a_team_writes_to_few_strangers_a_day_and_to_the_others_later(
        self, team: Team, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(telling, "MOST_INVITED", 2)
        for number in range(3):
            stranger = new_person(f"stranger{number}")
            invitation = teams.invite(team=team, by=owner, to=stranger.username)
            tell()
            if number < 2:
                teams.revoke_invitation(team=team, invitation_pk=invitation.pk, by=owner)
        told = Notice.objects.filter(kind=Kind.INVITED)
        assert told.count() == 2
        assert not notices.unread(stranger)
        told.update(created_at=timezone.now() - timedelta(days=1))
        Happening.objects.update(due_at=timezone.now())
        tell()
        assert notices.unread(stranger) == 1

    def test_a_revoked_invitation_is_not_told(self, team: Team, owner: User, rival: User) -> None:
        invitation = teams.invite(team=team, by=owner, to="rival")
        teams.revoke_invitation(team=team, invitation_pk=invitation.pk, by=owner)
        tell()
        assert not notices.unread(rival)

    def test_an_address_does_not_tell_whether_it_has_an_account(
        self, team: Team, owner: User
    ) -> None:
        assert teams.invite(team=team, by=owner, to="nobody@example.org").is_usable
        tell()
        assert not Notice.objects.filter(kind=Kind.INVITED).exists()

    def test_an_address_that_nobody_confirmed_names_nobody(
        self, team: Team, owner: User, rival: User
    ) -> None:
        EmailAddress.objects.create(user=rival, email=rival.email, verified=False)
        assert teams.invite(team=team, by=owner, to=rival.email).is_usable
        tell()
        assert not notices.unread(rival)

    def test_an_unknown_user_name_is_refused(self, team: Team, owner: User) -> None:
        with pytest.raises(NotFound) as refusal:
            teams.invite(team=team, by=owner, to="nobody")
        assert refusal.value.code == "unknown_person"
