"""What the captain of a team decides: its name, its members, and who is captain next."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotAllowed, NotFound
from leaderboard.models import Membership, Team, User
from leaderboard.services import locks, teams


@transaction.atomic
def rename(*, team: Team, name: str, by: User) -> None:
    """Give a team another name. The page of the team keeps the former one with its end."""
    team = locks.lock(team)
    check_captain(team, by)
    teams.check_forming(team.competition)
    teams.change_name(team, name)


@transaction.atomic
def remove_member(*, team: Team, username: str, by: User) -> None:
    """Take another member out of a team. The person's open invitations end."""
    team = locks.lock(team)
    check_captain(team, by)
    teams.check_forming(team.competition)
    member = find_member(team, username)
    if member.user_id == by.pk:
        raise Conflict(
            gettext("You cannot remove yourself. Leave the team instead."),
            code="captain_stays",
        )
    team.invitations.filter(invited_by=member.user_id, accepted_at=None).delete()
    team.webhooks.filter(created_by=member.user_id).delete()
    member.delete()


@transaction.atomic
def hand_over(*, team: Team, username: str, by: User) -> None:
    """Make another member the captain."""
    team = locks.lock(team)
    check_captain(team, by)
    member = find_member(team, username)
    team.memberships.update(is_captain=False)
    team.memberships.filter(pk=member.pk).update(is_captain=True)


def check_captain(team: Team, person: User) -> None:
    teams.check_member(team, person)
    if not team.memberships.filter(user=person, is_captain=True).exists():
        raise NotAllowed(gettext("Only the captain of the team may do this."), code="not_captain")


def find_member(team: Team, username: str) -> Membership:
    """A member by user name. Raises `NotFound`."""
    found = team.memberships.filter(user__username=username).first()
    if found is None:
        raise NotFound(
            gettext("%(team)s has no member %(name)s.") % {"team": team, "name": username[:50]},
            code="unknown_member",
        )
    return found
