"""What the captain of a team decides: its name, its members, and who is captain next."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotAllowed, NotFound
from leaderboard.models import Membership, Team, User
from leaderboard.services import audit, bans, locks, teams

BETWEEN_RENAMES = timedelta(days=1)
"""Each other name makes the boards anew, and people must be able to follow who a team is."""


def of(members: Iterable[Membership]) -> Membership | None:
    """The captain among a team's members: the chosen one, or the earliest with an account in use
    where the chosen one's account has ended."""
    active = [one for one in members if one.user.is_active]
    return min(active, key=lambda one: (not one.is_captain, one.joined_at, one.pk), default=None)


@transaction.atomic
def rename(*, team: Team, name: str, by: User) -> None:
    """Give a team another name, once a day. The page of the team keeps the former one with its
    end."""
    team = locks.lock(team)
    check_captain(team, by)
    teams.check_forming(team.competition)
    if team.former_names.filter(until__gt=timezone.now() - BETWEEN_RENAMES).exists():
        raise Conflict(
            gettext("A team can be renamed once in 24 hours. Try again later."),
            code="renamed_lately",
        )
    teams.change_name(team, name, by=by)


@transaction.atomic
def remove_member(*, team: Team, username: str, by: User) -> None:
    """Take another member out of a team. All open invitations of the team end: each member knows
    their links."""
    team = locks.lock(team)
    check_captain(team, by)
    teams.check_forming(team.competition)
    bans.check_team(team)
    member = find_member(team, username)
    if member.user_id == by.pk:
        raise Conflict(
            gettext("You cannot remove yourself. Leave the team instead."),
            code="captain_stays",
        )
    team.invitations.filter(accepted_at=None).delete()
    team.webhooks.filter(created_by=member.user_id).delete()
    member.delete()
    audit.record(audit.Act.MEMBER_REMOVED, team, by=by, before={"member": username})


@transaction.atomic
def hand_over(*, team: Team, username: str, by: User) -> None:
    """Make another member the captain."""
    team = locks.lock(team)
    check_captain(team, by)
    teams.check_forming(team.competition)
    member = find_member(team, username)
    team.memberships.update(is_captain=False)
    team.memberships.filter(pk=member.pk).update(is_captain=True)
    was, now = {"captain": by.username}, {"captain": username}
    audit.record(audit.Act.CAPTAIN_CHANGED, team, by=by, before=was, after=now)


def check_captain(team: Team, person: User) -> None:
    teams.check_member(team, person)
    captain = of(team.memberships.select_related("user"))
    if captain is None or captain.user_id != person.pk:
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
