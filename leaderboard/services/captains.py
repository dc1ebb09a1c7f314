"""What the captain of a team decides: its name, its members, and who is captain next. Organizers
decide about members and the captain, too, with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotAllowed, NotFound
from leaderboard.models import Membership, Team, User
from leaderboard.services import audit, bans, events, locks, organizers, reasons, teams

BETWEEN_RENAMES = timedelta(days=1)
"""Each other name makes the boards anew, and people must be able to follow who a team is."""


def of(members: Iterable[Membership]) -> Membership | None:
    """The captain among a team's members.

    It is the chosen one. If the account of the chosen one has ended, it is the earliest member with
    an account in use.
    """
    active = [one for one in members if one.user.is_active]
    return min(active, key=lambda one: (not one.is_captain, one.joined_at, one.pk), default=None)


@transaction.atomic
def rename(*, team: Team, name: str, by: User) -> None:
    """Give a team another name, once a day. The team's page keeps the former name with its end."""
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
    take_out(member, by=by)


@transaction.atomic
def expel(*, team: Team, username: str, reason: str, by: User) -> None:
    """Take a member out of a team as an organizer, with a reason that the team and the person read.

    The earliest member follows a captain. The last member stays: a ban keeps the whole team out.
    """
    organizers.check_organizer(by, team.competition)
    why = reasons.given(reason)
    team = locks.lock(team)
    teams.check_forming(team.competition)
    member = find_member(team, username)
    if team.memberships.count() == 1:
        raise Conflict(
            gettext("This is the last member of the team. Ban the team instead."),
            code="last_member",
        )
    with audit.because(why):
        take_out(member, by=by)
    teams.pass_on(team)
    tell(team, "member_removed", person=username, people=[member.user_id], reason=why)


@transaction.atomic
def appoint(*, team: Team, username: str, reason: str, by: User) -> None:
    """Make a member the captain as an organizer, with a reason that the team reads."""
    organizers.check_organizer(by, team.competition)
    why = reasons.given(reason)
    team = locks.lock(team)
    teams.check_forming(team.competition)
    member = find_member(team, username)
    former = of(team.memberships.select_related("user"))
    if former and former.pk == member.pk:
        raise Conflict(
            gettext("%(name)s is already the captain of %(team)s.")
            % {"name": username, "team": team},
            code="captain_already",
        )
    with audit.because(why):
        make_captain(member, former.user.username if former else "", by=by)
    tell(team, "captain_changed", person=username, reason=why)


def tell(team: Team, change: str, **facts: Any) -> None:
    events.tell(events.Event.TEAM_CHANGED, team, change=change, **facts)


def take_out(member: Membership, *, by: User) -> None:
    """End a membership, with the open invitations of the team and the webhooks of the person."""
    team = member.team
    team.invitations.filter(accepted_at=None).delete()
    team.webhooks.filter(created_by=member.user_id).delete()
    was = {"member": member.user.username}
    Membership.objects.filter(pk=member.pk).delete()
    audit.record(audit.Act.MEMBER_REMOVED, team, by=by, before=was)


def make_captain(member: Membership, former: str, *, by: User) -> None:
    """Write who is the captain."""
    team = member.team
    team.memberships.update(is_captain=False)
    team.memberships.filter(pk=member.pk).update(is_captain=True)
    was, now = {"captain": former}, {"captain": member.user.username}
    audit.record(audit.Act.CAPTAIN_CHANGED, team, by=by, before=was, after=now)


@transaction.atomic
def hand_over(*, team: Team, username: str, by: User) -> None:
    """Make another member the captain."""
    team = locks.lock(team)
    check_captain(team, by)
    teams.check_forming(team.competition)
    make_captain(find_member(team, username), by.username, by=by)


def check_captain(team: Team, person: User) -> None:
    teams.check_member(team, person)
    captain = of(team.memberships.select_related("user"))
    if captain is None or captain.user_id != person.pk:
        raise NotAllowed(gettext("Only the captain of the team can do this."), code="not_captain")


def find_member(team: Team, username: str) -> Membership:
    """A member by user name. Raises `NotFound`."""
    found = team.memberships.filter(user__username=username).select_related("user").first()
    if found is None:
        raise NotFound(
            gettext("%(team)s has no member %(name)s.") % {"team": team, "name": username[:50]},
            code="unknown_member",
        )
    return found
