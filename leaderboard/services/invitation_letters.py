"""Invitations to a team by mail, for addresses that no account has confirmed.

Each address counts, with an account or without, so the limit does not tell who has one.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from leaderboard import queue, times
from leaderboard.errors import Conflict, NotFound, Refused
from leaderboard.models import Invitation, Letter, QuietAddress, Team, User
from leaderboard.models.ban import hash_of
from leaderboard.services import composing, locks

SALT = "invitations.stop"
MOST = 10
"""Addresses that a team, or a person, may invite within 24 hours."""


def check(team: Team, address: str, *, by: User) -> None:
    """Raises `Refused` for what is no address, and `Conflict` for one too many in a day.

    The team is locked.
    """
    try:
        validate_email(address)
    except ValidationError as error:
        raise Refused(
            gettext("These are not mail addresses: %(wrong)s.") % {"wrong": address[:60]},
            code="no_mail_address",
        ) from error
    # The same person may have left one team and made another, or invites from two at once.
    locks.lock(by)
    lately = Letter.objects.filter(
        Q(team=team) | Q(sent_by=by), created_at__gt=timezone.now() - timedelta(days=1)
    )
    if lately.count() >= MOST:
        raise Conflict(
            gettext(
                "A team can invite at most %(most)d mail addresses within 24 hours. Invite "
                "by user name, or send the link yourself."
            )
            % {"most": MOST},
            code="too_many_addresses_today",
        )


def write(invitation: Invitation, address: str, *, is_sent: bool) -> None:
    """Queue the mail. `is_sent`: False if a notice goes instead; the address counts all the
    same."""
    is_sent = is_sent and bool(settings.EMAIL_URL)
    Letter.objects.create(
        kind=Letter.Kind.INVITED,
        address=address if is_sent else "",
        language=translation.get_language() or settings.LANGUAGE_CODE,
        invitation=invitation,
        team=invitation.team,
        sent_by=invitation.invited_by,
        mail_at=timezone.now() if is_sent else None,
    )
    queue.post()


def is_wanted(letter: Letter) -> bool:
    """Whether the invitation stands, and the address wants such mails."""
    if letter.invitation is None or not letter.invitation.is_usable:
        return False
    return not QuietAddress.objects.filter(mail_hash=hash_of(letter.address)).exists()


def message(letter: Letter) -> EmailMultiAlternatives:
    """The mail of a wanted letter, in the language of the member who invites."""
    invitation = letter.invitation
    assert invitation
    competition = invitation.team.competition
    stop = settings.SITE_URL + reverse("no-invitations", args=[signed(letter.address)])
    with translation.override(letter.language):
        facts = {
            "person": invitation.invited_by.username,
            "team": invitation.team.name,
            "competition": competition.title,
            "site": settings.SITE_HOST,
            "end": times.local(invitation.expires_at, competition.time_zone),
            "zone": competition.time_zone,
        }
        title = gettext("%(person)s invites you to the team %(team)s")
        text = gettext(
            "The team %(team)s takes part in %(competition)s on %(site)s. In this "
            "competition, models must answer well in little time. Open this link, and sign "
            "in or sign up to join. The link works for one person, until %(end)s (%(zone)s)."
        )
        url = settings.SITE_URL + reverse("invitation", args=[invitation.code])
        said = {"title": title % facts, "text": text % facts, "url": url, "stop": stop}
        headers = {
            "List-Unsubscribe": f"<{stop}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        name = f"letter-{letter.pk}"
        return composing.compose("letter", said, to=letter.address, name=name, headers=headers)


def signed(address: str) -> str:
    """What the link to end such mails names: a hash, no address."""
    return signing.dumps(hash_of(address), salt=SALT)


def check_token(token: str) -> str:
    """The hash that a link names. Raises `NotFound`."""
    try:
        return str(signing.loads(token, salt=SALT))
    except signing.BadSignature as error:
        raise NotFound(
            gettext("This link is not valid. Copy the whole link from the mail."),
            code="unknown_subscription",
        ) from error


def stop(token: str) -> None:
    """Send no more invitations to the address of a link."""
    QuietAddress.objects.get_or_create(mail_hash=check_token(token))
