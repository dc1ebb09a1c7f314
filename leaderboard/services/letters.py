"""Mails about an account: to confirm an address, to choose a new password.

The request only writes a row, whatever it found, so its time does not tell who has an account.
`mailing` sends them, and deletes each one with its link.
"""

from __future__ import annotations

from datetime import timedelta

from allauth.account import app_settings
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone, translation
from django.utils.translation import gettext

from leaderboard import queue
from leaderboard.models import Letter
from leaderboard.services import composing

Kind = Letter.Kind
KEPT = timedelta(days=1)
"""A letter that could not be sent goes with its link. The person asks again."""


def write(*, kind: Letter.Kind, address: str, url: str, account: str) -> None:
    """Queue a mail in the active language. A site without a mail server keeps nothing."""
    if not settings.EMAIL_URL:
        return
    Letter.objects.create(
        kind=kind,
        address=address,
        url=url,
        account=account,
        language=translation.get_language() or settings.LANGUAGE_CODE,
        mail_at=timezone.now(),
    )
    queue.post()


def forget() -> None:
    """Delete the letters that are older than `KEPT`."""
    Letter.objects.filter(created_at__lt=timezone.now() - KEPT).delete()


def message(letter: Letter) -> EmailMultiAlternatives:
    with translation.override(letter.language):
        title, text = words(letter)
        said = {"title": title, "text": text, "url": letter.url}
        return composing.compose("letter", said, to=letter.address, name=f"letter-{letter.pk}")


def words(letter: Letter) -> tuple[str, str]:
    """The title and the text of a letter."""
    title, text, days = {
        Kind.CONFIRM: (
            gettext("Confirm your mail address"),
            gettext(
                "Somebody, probably you, entered this address for the account %(account)s on "
                "%(site)s. Open this link to confirm the address. The link works for "
                "%(days)d days."
            ),
            app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS,
        ),
        Kind.RESET: (
            gettext("Choose a new password"),
            gettext(
                "Somebody, probably you, asked for a new password for the account "
                "%(account)s on %(site)s. Open this link to choose one. The link works once, "
                "for %(days)d days."
            ),
            timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT).days,
        ),
        Kind.EXISTS: (
            gettext("You already have an account"),
            gettext(
                "Somebody, probably you, tried to sign up on %(site)s with this address. An "
                "account already has this address. If you forgot its password, open this "
                "link."
            ),
            0,
        ),
        Kind.UNKNOWN: (
            gettext("No account has this address"),
            gettext(
                "Somebody, probably you, asked for a new password on %(site)s. No account has this "
                "address. Open this link to sign up, or try another address of yours."
            ),
            0,
        ),
    }[Kind(letter.kind)]
    return title, text % {"account": letter.account, "site": settings.SITE_HOST, "days": days}
