"""Organizers invite people to a competition by mail addresses, each with a code of its own."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotFound, Refused
from leaderboard.models import Competition, Guest, User
from leaderboard.services import audit, bans, locks, organizers, teams
from leaderboard.services.audit import Act

MOST_ADDRESSES = 500
"""Most addresses of one list."""
MOST_DAYS = 365


@transaction.atomic
def invite(*, competition: Competition, addresses: str, days: int, by: User) -> list[Guest]:
    """Invite the people of a list of addresses, which spaces, commas or ends of lines part.

    An address that was invited before and has not come gets a new code; the earlier one ends. Who
    has come stays. Raises `Refused` for the whole list if an address is wrong.
    """
    organizers.check_organizer(by, competition)
    if locks.share(competition).is_published:
        raise Conflict(
            gettext("The competition is over. Its teams can no longer change."),
            code="competition_over",
        )
    if not 1 <= days <= MOST_DAYS:
        raise Refused(
            gettext("An invitation is valid for 1 to %(most)d days.") % {"most": MOST_DAYS},
            code="bad_days",
        )
    return [
        guest
        for address in parsed(addresses)
        if (guest := invited(competition, address, days=days, by=by))
    ]


def parsed(text: str) -> list[str]:
    """The addresses of a list, each once. Raises `Refused` with those that are wrong."""
    found: dict[str, str] = {}
    wrong = []
    for address in re.split(r"[\s,;]+", text.strip()):
        try:
            validate_email(address)
            found.setdefault(address.lower(), address)
        except ValidationError:
            wrong.append(address[:60])
    if wrong:
        raise Refused(
            gettext("These are not mail addresses: %(wrong)s.") % {"wrong": ", ".join(wrong[:5])},
            code="bad_address",
        )
    if len(found) > MOST_ADDRESSES:
        raise Refused(
            gettext("Invite at most %(most)d addresses at once.") % {"most": MOST_ADDRESSES},
            code="too_many_addresses",
        )
    return list(found.values())


def invited(competition: Competition, address: str, *, days: int, by: User) -> Guest | None:
    """A new invitation, or a new code of an open one; None for a person who has come."""
    now = timezone.now()
    known = Guest.objects.filter(competition=competition, address__iexact=address)
    guest = known.select_for_update(no_key=True).first() or Guest(
        competition=competition, address=address
    )
    if guest.accepted_at:
        return None
    guest.code, guest.invited_by, guest.invited_at = secrets.token_urlsafe(32), by, now
    guest.expires_at = now + timedelta(days=days)
    guest.language = translation.get_language() or settings.LANGUAGE_CODE
    guest.mail_at, guest.mail_attempts = (now if settings.EMAIL_URL else None), 0
    guest.save()
    until = {"expires_at": guest.expires_at.isoformat()}
    audit.record(Act.GUEST_INVITED, guest, by=by, after=until)
    return guest


@transaction.atomic
def revoke(*, guest: Guest, by: User) -> None:
    """End an invitation. A person who took it up and is in a team stays there."""
    organizers.check_organizer(by, guest.competition)
    row = locks.lock(guest)
    if row.accepted_by and teams.of(row.accepted_by, row.competition):
        raise Conflict(
            gettext("%(person)s is already in a team. Ban the person instead.")
            % {"person": row.accepted_by},
            code="already_in_a_team",
        )
    audit.record(Act.GUEST_REVOKED, row, by=by)
    row.delete()


def find(slug: str, code: str) -> Guest:
    """A usable invitation. Raises `NotFound`, and never tells why a code cannot be used."""
    known = Guest.objects.select_related("competition")
    guest = known.filter(competition__slug=slug, code=code).first()
    if guest is None or not guest.is_usable:
        raise unusable()
    return guest


@transaction.atomic
def accept(*, slug: str, code: str, by: User) -> Guest:
    """Take up an invitation with this account. The person may then make or join a team."""
    guest = locks.lock(find(slug, code))
    bans.check(guest.competition, by)
    if not guest.is_usable:  # two requests come in the same moment
        raise unusable()
    guest.accepted_by, guest.accepted_at, guest.mail_at = by, timezone.now(), None
    guest.save(update_fields=["accepted_by", "accepted_at", "mail_at"])
    audit.record(Act.GUEST_CAME, guest, by=by, after={"person": by.username})
    return guest


def unusable() -> NotFound:
    return NotFound(
        gettext("This invitation is unknown, used, revoked or expired. Ask for a new one."),
        code="invitation_unusable",
    )
