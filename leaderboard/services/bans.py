"""A ban keeps a team or a person from uploading, joining and making teams in one competition.

A ban outlives the account: a keyed hash of each mail address of the person stays. Whoever signs up
with one of these addresses is banned, too.

Rows stay on the boards. An organizer disqualifies single submissions instead.
"""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotAllowed
from leaderboard.models import Ban, Competition, Team, User
from leaderboard.models.ban import hash_of
from leaderboard.services import audit, events, locks, organizers, reasons


@transaction.atomic
def ban(*, team: Team, person: User | None, reason: str, by: User) -> Ban:
    """Ban a team, or one person, with a reason that they read."""
    competition = team.competition
    organizers.check_organizer(by, competition)
    reason = reasons.given(reason)
    locks.lock(team)
    whom = Q(user=person) if person else Q(team=team)
    if Ban.objects.filter(whom, competition=competition).exists():
        raise Conflict(gettext("This ban already exists."), code="banned_already")
    made = Ban.objects.create(
        competition=competition,
        team=None if person else team,
        user=person,
        reason=reason,
        banned_by=by,
    )
    audit.record(audit.Act.BANNED, made, by=by, why=reason)
    tell(made, "banned", team)
    return made


@transaction.atomic
def lift(*, ban: Ban, by: User) -> None:
    """Let a banned team or person take part again."""
    organizers.check_organizer(by, ban.competition)
    audit.record(audit.Act.BAN_LIFTED, ban, by=by, before={"reason": ban.reason})
    tell(ban, "ban_lifted", ban.team)
    ban.delete()


def tell(ban: Ban, change: str, team: Team | None) -> None:
    """Tell a ban to the person or the team that it is about, and to the team on whose page it was
    made.

    A ban of a deleted account is told to nobody.
    """
    facts: dict[str, Any] = {"reason": ban.reason, "change": change}
    if ban.user:
        facts |= {"change": f"person_{change}", "person": ban.user.get_username()}
        facts |= {"people": [ban.user.pk]}
    if team or ban.user:
        events.tell(events.Event.TEAM_CHANGED, team or ban.competition, **facts)


def check(competition: Competition, person: User, team: Team | None = None) -> None:
    """Raises `NotAllowed`, with the reason of the organizers, for a banned person or team."""
    if found := Ban.objects.against(person, competition, team):
        raise refusal(found)


def keep(person: User) -> None:
    """Let the bans of a person, and of the person's teams, outlive the account. Call it in the
    transaction that deletes the account, while its teams are known.

    Anybody can add the address of another person, so only confirmed addresses are kept. A site that
    sends no mails confirms none; there the address of the account is kept.
    """
    teams = person.memberships.values("team")
    found = Ban.objects.filter(Q(user=person.pk) | Q(team__in=teams))
    confirmed = EmailAddress.objects.filter(user=person, verified=True)
    addresses = set(confirmed.values_list("email", flat=True))
    if not settings.EMAIL_URL:
        addresses.add(person.email)
    Ban.objects.bulk_create(
        [
            Ban(
                competition_id=one.competition_id,
                mail_hash=hash_of(address),
                reason=one.reason,
                banned_by_id=one.banned_by_id,
                banned_at=one.banned_at,
            )
            for one in found
            for address in sorted(addresses - {""})
        ],
        ignore_conflicts=True,
    )


def check_team(team: Team) -> None:
    """Raises `NotAllowed` for a banned team. Its members stay in it, or they would make another."""
    if found := Ban.objects.filter(team=team.pk).first():
        raise refusal(found)


def is_banned(team: Team) -> bool:
    return Ban.objects.filter(team=team.pk).exists()


def refusal(found: Ban) -> NotAllowed:
    """The refusal that a banned person or team reads."""
    facts = {"reason": found.reason}
    if found.team_id:
        text = gettext("The organizers have banned your team from this competition: %(reason)s")
    else:
        text = gettext("The organizers have banned you from this competition: %(reason)s")
    return NotAllowed(text % facts, code="banned")
