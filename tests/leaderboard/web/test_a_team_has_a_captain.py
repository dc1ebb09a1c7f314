"""One click to compete alone; a captain who renames, removes and hands over; rules with a date."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from leaderboard.errors import Refused
from leaderboard.models import Competition, Membership, Team, User
from leaderboard.services import captains, teams, versions
from tests.leaderboard.web.conftest import text

PAGE = "/competitions/waste/team/"


def captain_of(team: Team) -> User:
    return team.memberships.get(is_captain=True).user


def test_one_click_is_enough_to_compete_alone(
    see: Any, send: Any, competition: Competition, outsider: User
) -> None:
    assert "Compete alone as outsider" in text(see(outsider, PAGE))
    page = send(outsider, f"{PAGE}alone/")
    assert page.redirect_chain == [("/competitions/waste/submit/", 302)]
    team = teams.own(outsider, competition)
    assert team.name == "outsider"
    assert captain_of(team) == outsider


def test_a_taken_name_gets_a_number(competition: Competition, owner: User, outsider: User) -> None:
    teams.create(competition=competition, name="Outsider", by=owner)
    assert teams.compete_alone(competition=competition, by=outsider).name == "outsider 2"


def test_the_captain_renames_the_team_and_the_former_name_stays_with_its_date(
    see: Any, send: Any, team: Team, owner: User, teammate: User
) -> None:
    send(teammate, f"{PAGE}name/", name="Mine")
    team.refresh_from_db()
    assert team.name == "Sorters"
    send(owner, f"{PAGE}name/", name="Better sorters")
    page = text(see(teammate, PAGE))
    assert "<h1>Better sorters</h1>" in page
    assert "Named Sorters until" in page


def test_a_team_has_one_new_name_a_day(
    send: Any, competition: Competition, team: Team, owner: User
) -> None:
    page = f"{PAGE}name/"
    version = versions.of(competition, "public")
    send(owner, page, name="Sorters")  # its own name: nothing changes
    assert versions.of(competition, "public") == version
    send(owner, page, name="Better sorters")
    assert versions.of(competition, "public") != version
    with pytest.raises(Refused) as refusal:
        captains.rename(team=team, name="Best sorters", by=owner)
    assert refusal.value.code == "renamed_lately"
    team.refresh_from_db()
    assert team.name == "Better sorters"
    team.former_names.update(until=timezone.now() - timedelta(hours=25))
    send(owner, page, name="Best sorters")
    team.refresh_from_db()
    assert team.name == "Best sorters"


@pytest.mark.parametrize("maker", ["owner", "teammate"])
def test_the_captain_removes_a_member_and_no_link_leads_back(
    send: Any, team: Team, owner: User, teammate: User, maker: str
) -> None:
    code = teams.invite(team=team, by={"owner": owner, "teammate": teammate}[maker]).code
    send(teammate, f"{PAGE}members/", member="owner", remove="1")
    assert team.memberships.count() == 2
    send(owner, f"{PAGE}members/", member="teammate", remove="1")
    assert [one.user for one in team.memberships.all()] == [owner]
    with pytest.raises(Refused):
        teams.find_invitation(code)


def test_the_captain_hands_the_team_over(
    send: Any, team: Team, owner: User, teammate: User
) -> None:
    send(owner, f"{PAGE}members/", member="teammate", captain="1")
    assert captain_of(team) == teammate
    with pytest.raises(Refused) as refusal:
        captains.rename(team=team, name="New", by=owner)
    assert refusal.value.code == "not_captain"


def test_a_captain_stays_once_the_ranking_is_published(
    team: Team, owner: User, teammate: User
) -> None:
    Competition.objects.update(state=Competition.State.PUBLISHED)
    with pytest.raises(Refused) as refusal:
        captains.hand_over(team=Team.objects.get(pk=team.pk), username="teammate", by=owner)
    assert refusal.value.code == "competition_not_open"


def test_a_team_whose_captain_leaves_has_another(team: Team, owner: User, teammate: User) -> None:
    teams.leave(team=team, by=owner)
    assert captain_of(team) == teammate


@pytest.mark.parametrize("how", ["deleted", "deactivated"])
def test_a_captain_whose_account_ends_is_followed_by_the_earliest_member(
    see: Any, send: Any, team: Team, owner: User, teammate: User, outsider: User, how: str
) -> None:
    teams.accept(code=teams.invite(team=team, by=owner).code, by=outsider)
    if how == "deleted":
        owner.delete()
    else:
        User.objects.filter(pk=owner.pk).update(is_active=False)
    assert "Rename the team" not in text(see(outsider, PAGE))
    assert "Rename the team" in text(see(teammate, PAGE))
    send(teammate, f"{PAGE}members/", member="outsider", captain="1")
    assert captain_of(team) == outsider


@pytest.mark.parametrize(
    ("username", "code"), [("owner", "captain_stays"), ("rival", "unknown_member")]
)
def test_only_other_members_are_removed(team: Team, owner: User, username: str, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        captains.remove_member(team=team, username=username, by=owner)
    assert refusal.value.code == code


def test_joining_keeps_which_rules_were_accepted(
    see: Any, competition: Competition, outsider: User
) -> None:
    competition.rules = "Be kind."
    competition.save()
    assert "If you join, you accept the" in text(see(outsider, PAGE))
    teams.compete_alone(competition=competition, by=outsider)
    membership = Membership.objects.get(user=outsider)
    assert membership.rules_sha256 == competition.rules_sha256
    assert "accepted the rules then" in text(see(outsider, PAGE))
    competition.rules = "Be kind.\r\n"  # as a form of the panel sends the same text
    competition.save()
    assert "accepted the rules then" in text(see(outsider, PAGE))
    competition.rules = "Be kinder."
    competition.save()
    assert "accepted earlier rules then" in text(see(outsider, PAGE))


def test_a_competition_without_rules_asks_for_nothing(
    see: Any, competition: Competition, outsider: User
) -> None:
    competition.rules = ""
    competition.save()
    assert "If you join, you accept" not in text(see(outsider, PAGE))
    teams.compete_alone(competition=competition, by=outsider)
    assert Membership.objects.get(user=outsider).rules_sha256 == ""


def test_the_last_member_of_a_team_with_submissions_reads_why_it_stays(
    see: Any, submit: Any, rivals: Team, rival: User
) -> None:
    leave = f'action="{PAGE}leave/"'
    before = text(see(rival, PAGE))
    assert leave in before
    assert "the team is deleted when you leave" in before
    submit(rivals)
    after = text(see(rival, PAGE))
    assert leave not in after
    assert "Invite another person before you leave." in after
