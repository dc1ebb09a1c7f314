"""Creating, joining and leaving teams."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from leaderboard.errors import Conflict, NotAMember, NotFound
from leaderboard.models import Competition, Invitation, Submission, Team, User
from leaderboard.services import teams

pytestmark = pytest.mark.django_db


def test_an_invitation_lets_one_person_join_once(
    team: Team, owner: User, rival: User, outsider: User
) -> None:
    code = teams.invite(team=team, by=owner).code
    assert teams.accept(code=code, by=rival) == team
    with pytest.raises(NotFound):
        teams.accept(code=code, by=outsider)
    assert rival in team.members.all()


def test_an_expired_invitation_is_not_told_from_an_unknown_one(
    team: Team, owner: User, rival: User
) -> None:
    code = teams.invite(team=team, by=owner).code
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    said = []
    for one in (code, "no-such-code"):
        with pytest.raises(NotFound) as refused:
            teams.accept(code=one, by=rival)
        said.append((refused.value.code, refused.value.detail))
    assert said[0] == said[1]


def test_a_person_is_in_one_team_of_a_competition(
    team: Team, rivals: Team, owner: User, rival: User
) -> None:
    with pytest.raises(Conflict):
        teams.create(competition=team.competition, name="Second", by=owner)
    with pytest.raises(Conflict):
        teams.accept(code=teams.invite(team=team, by=owner).code, by=rival)


def test_names_are_unique_whatever_their_case(team: Team, outsider: User) -> None:
    with pytest.raises(Conflict, match="SORTERS"):
        teams.create(competition=team.competition, name="SORTERS", by=outsider)


def test_a_team_is_not_larger_than_the_competition_allows(
    team: Team, owner: User, rival: User
) -> None:
    Competition.objects.update(max_team_size=2)
    with pytest.raises(Conflict, match="full"):
        teams.accept(code=teams.invite(team=team, by=owner).code, by=rival)


def test_only_members_invite(team: Team, outsider: User) -> None:
    with pytest.raises(NotAMember):
        teams.invite(team=team, by=outsider)


def test_who_leaves_may_join_another_and_an_empty_team_is_gone(
    team: Team, owner: User, teammate: User
) -> None:
    teams.leave(team=team, by=owner)
    teams.leave(team=team, by=teammate)
    assert not Team.objects.filter(pk=team.pk).exists()
    assert teams.create(competition=team.competition, name="Sorters", by=owner)


def test_submissions_are_never_left_without_a_person(
    team: Team, owner: User, teammate: User, submit: Callable[..., Submission]
) -> None:
    submit(team)
    teams.leave(team=team, by=owner)
    with pytest.raises(Conflict, match="last member"):
        teams.leave(team=team, by=teammate)


def test_who_leaves_cannot_come_back_by_a_colleagues_invitation(
    team: Team, owner: User, teammate: User
) -> None:
    code = teams.invite(team=team, by=owner).code  # each member reads it on the team's page
    teams.leave(team=team, by=teammate)
    with pytest.raises(NotFound):
        teams.accept(code=code, by=teammate)
    assert not team.members.filter(pk=teammate.pk).exists()
