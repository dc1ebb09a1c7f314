"""Notices, invitations of organizers and letters about accounts are sent by mail, again if the
server refuses.

The row is the queue, as with evaluations. A process claims a row by moving its time of sending, so
a process that dies loses no mail. A mail that was sent but not noted is sent twice with one
Message-ID.
"""

from __future__ import annotations

import logging
import smtplib
import time
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import mail, signing
from django.core.mail import EmailMultiAlternatives
from django.db import DatabaseError, transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from leaderboard import times
from leaderboard.errors import NotFound
from leaderboard.models import Guest, Letter, Notice, User
from leaderboard.services import composing, invitation_letters, letters, notice_words, notices

Row = Letter | Guest | Notice
"""What is sent: a letter about an account, an invitation to an address, or a notice."""
RELATED: dict[type[Row], tuple[str, ...]] = {
    Letter: ("invitation__team__competition", "invitation__invited_by"),
    Guest: ("competition",),
    Notice: ("user", "competition"),
}
"""What each mail reads besides its row. Letters come first: somebody waits for them."""
logger = logging.getLogger(__name__)
SALT = "notices.unsubscribe"
CLAIM = timedelta(minutes=10)
"""How long a claim holds: longer than a mail server may take. After that another process may claim
the mail."""
PAUSE = timedelta(minutes=1)
"""The pause after the first failure. It doubles with each further one."""
MOST_ATTEMPTS = 10
"""Attempts until a mail is given up: eight hours and a half after the first one.

Only what the server says of this mail counts. While it refuses the site, all mails wait.
"""


def go_on(*, seconds: float) -> None:
    """Send what is due, for some seconds. It stops early if the server does not answer."""
    if not settings.EMAIL_URL:
        return
    until = time.monotonic() + seconds
    connection = mail.get_connection()
    try:
        while time.monotonic() < until and (row := claim()):
            if not send(row, connection):
                return
    finally:
        connection.close()


@transaction.atomic
def claim() -> Row | None:
    """The next mail to send, for this process alone."""
    for model, related in RELATED.items():
        rows = model._default_manager.select_for_update(skip_locked=True, of=("self",))
        due = rows.filter(mail_at__lte=Now()).select_related(*related)
        row: Row | None = due.order_by("mail_at", "pk").first()
        if row:
            row.mail_attempts += 1
            own(row).update(mail_at=Now() + CLAIM, mail_attempts=row.mail_attempts)
            return row
    return None


def own(row: Row) -> QuerySet[Any]:
    """A query set of this row alone, to change it in the database."""
    return type(row)._default_manager.filter(pk=row.pk)


def send(row: Row, connection: Any) -> bool:
    """Send a claimed mail. Returns False if the server takes no mail of this site now."""
    if not is_wanted(row):
        finish(row)
        return True
    try:
        made = composed(row)
    except DatabaseError:
        raise
    except Exception as error:  # one bad row must not end the process
        logger.exception("%s cannot be said", name_of(row))
        refused(row, error, is_final=False)
        return True
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:  # a wrong password, too
        return closed(row, error)
    return hand_over(row, made, connection)


def is_wanted(row: Row) -> bool:
    """Whether a mail still has a reader who wants it."""
    if isinstance(row, Letter):
        return row.kind != Letter.Kind.INVITED or invitation_letters.is_wanted(row)
    if isinstance(row, Guest):
        return row.is_usable
    return row.user.is_active and bool(row.user.email)


def composed(row: Row) -> EmailMultiAlternatives:
    if isinstance(row, Letter):
        if row.kind == Letter.Kind.INVITED:
            return invitation_letters.message(row)
        return letters.message(row)
    return message(row) if isinstance(row, Notice) else invitation(row)


def finish(row: Row) -> None:
    """Note that nothing more is sent of a row. A letter is deleted, because its link is a
    secret."""
    if isinstance(row, Letter) and row.kind == Letter.Kind.INVITED:
        own(row).update(mail_at=None, address="")
    elif isinstance(row, Letter):
        own(row).delete()
    else:
        own(row).update(mail_at=None)


def name_of(row: Row) -> str:
    """What logs call a mail: never by its address."""
    return f"{type(row).__name__} {row.pk}"


def hand_over(row: Row, made: EmailMultiAlternatives, connection: Any) -> bool:
    """Give a mail to the server. Returns False if it takes no mail of this site now."""
    try:
        connection.send_messages([made])
    except smtplib.SMTPSenderRefused as error:
        return closed(row, error)
    except smtplib.SMTPDataError as error:
        refused(row, error, is_final=error.smtp_code >= 500)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        refused(row, error, is_final=min(codes) >= 500)
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        # The attempt counts, so that a mail at which the server hangs up lets the others pass.
        refused(row, error, is_final=False)
        all_wait()
        return False
    except Exception as error:  # an address that cannot be written in a mail
        refused(row, error, is_final=False)
        connection.close()
    else:
        finish(row)
    return True


def closed(row: Row, error: Exception) -> bool:
    """Make all mails wait while the server refuses this site itself. No attempt is counted."""
    logger.warning("The mail server refuses this site: %s", type(error).__name__)
    own(row).update(mail_at=Now() + PAUSE, mail_attempts=F("mail_attempts") - 1)
    all_wait()
    return False


def all_wait() -> None:
    """Make all mails wait, so that only one of them runs into the time-out."""
    for model in RELATED:
        model._default_manager.filter(mail_at__lte=Now()).update(mail_at=Now() + PAUSE)


def refused(row: Row, error: Exception, *, is_final: bool) -> None:
    """Send a mail again after a pause, unless the refusal of the server is final."""
    # Without the address, which logs need not know.
    logger.warning("%s was not sent by mail: %s", name_of(row), type(error).__name__)
    if is_final or row.mail_attempts >= MOST_ATTEMPTS:
        finish(row)
    else:
        own(row).update(mail_at=Now() + PAUSE * 2 ** (row.mail_attempts - 1))


def waiting(*, since: datetime) -> int:
    """The number of mails that were due at a moment and are not sent."""
    return sum(model._default_manager.filter(mail_at__lte=since).count() for model in RELATED)


def message(notice: Notice) -> EmailMultiAlternatives:
    """A notice as text and HTML, with a link that ends mails of its kind."""
    person = notice.user
    end = settings.SITE_URL + reverse("unsubscribe", args=[signed(person, notice.kind)])
    with translation.override(person.language_of_mails):
        title, text = notice_words.said(notice)
        said = {
            "title": title,
            "text": text,
            "url": settings.SITE_URL + notice.path,
            "unsubscribe": end,
            "settings": settings.SITE_URL + reverse("notice-choices"),
        }
        headers = {
            "List-Unsubscribe": f"<{end}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        name = f"notice-{notice.pk}"
        return composing.compose("notice", said, to=person.email, name=name, headers=headers)


def invitation(guest: Guest) -> EmailMultiAlternatives:
    """An invitation to a competition, in the language of the organizer who sent it."""
    with translation.override(guest.language):
        facts = {"competition": guest.competition.title}
        title = gettext("You are invited to the competition %(competition)s") % facts
        text = gettext(
            "The organizers of %(competition)s invite you to take part. Open this link, and sign "
            "in or sign up. The link works for one account, until %(end)s (%(zone)s)."
        )
        zone = guest.competition.time_zone
        facts |= {"end": times.local(guest.expires_at, zone), "zone": zone}
        url = settings.SITE_URL + guest.get_absolute_url()
        said = {"title": title, "text": text % facts, "url": url}
        sent = f"{guest.pk}-{guest.invited_at.timestamp():.0f}"  # a renewed one is another mail
        return composing.compose("letter", said, to=guest.address, name=f"guest-{sent}")


def signed(person: User, kind: str) -> str:
    return signing.dumps([person.pk, kind], salt=SALT)


def subscription(token: str) -> tuple[User, str]:
    """The person and the kind of notice of an unsubscribe link. Raises `NotFound`."""
    try:
        pk, kind = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        pk, kind = None, ""
    person = User.objects.filter(pk=pk).first()
    if person is None or kind not in Notice.Kind.values:
        raise NotFound(
            gettext("This link is not valid. You can change all notices on your profile page."),
            code="unknown_subscription",
        )
    return person, kind


def unsubscribe(token: str) -> str:
    """End the mails of an unsubscribe link. Returns the name of their kind."""
    person, kind = subscription(token)
    notices.end_mails(person=person, kind=kind)
    return str(Notice.Kind(kind).label)
