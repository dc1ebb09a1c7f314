"""Notices are sent by mail, each in the language of its reader, and again if the server refuses.

The row is the queue, as with evaluations. A process claims a row by moving its time of sending, so
a process that dies loses no mail. A mail that was sent but not noted is sent twice with one
Message-ID.
"""

from __future__ import annotations

import logging
import smtplib
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import mail, signing
from django.core.mail import EmailMultiAlternatives
from django.db import DatabaseError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from leaderboard.errors import NotFound
from leaderboard.models import Notice, User
from leaderboard.services import notice_words, notices

logger = logging.getLogger(__name__)
SALT = "notices.unsubscribe"
CLAIM = timedelta(minutes=10)
"""Longer than a mail server may take. A claim that ran out is somebody else's."""
PAUSE = timedelta(minutes=1)
"""After the first failure. It doubles with each further one."""
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
        while time.monotonic() < until and (notice := claim()):
            if not send(notice, connection):
                return
    finally:
        connection.close()


@transaction.atomic
def claim() -> Notice | None:
    """The next notice to send by mail, for this process alone."""
    rows = Notice.objects.select_for_update(skip_locked=True, of=("self",))
    due = rows.filter(mail_at__lte=Now()).select_related("user", "competition")
    notice = due.order_by("mail_at", "pk").first()
    if notice:
        notice.mail_attempts += 1
        Notice.objects.filter(pk=notice.pk).update(
            mail_at=Now() + CLAIM, mail_attempts=notice.mail_attempts
        )
    return notice


def send(notice: Notice, connection: Any) -> bool:
    """Send a claimed notice. Returns False if the server takes no mail of this site now."""
    if not notice.user.is_active or not notice.user.email:
        Notice.objects.filter(pk=notice.pk).update(mail_at=None)
        return True
    try:
        made = message(notice)
    except DatabaseError:
        raise
    except Exception as error:  # one bad row must not end the process
        logger.exception("Notice %s cannot be said", notice.pk)
        refused(notice, error, is_final=False)
        return True
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:  # a wrong password, too
        return closed(notice, error)
    return hand_over(notice, made, connection)


def hand_over(notice: Notice, made: EmailMultiAlternatives, connection: Any) -> bool:
    """Give a mail to the server. Returns False if it takes no mail of this site now."""
    try:
        connection.send_messages([made])
    except smtplib.SMTPSenderRefused as error:
        return closed(notice, error)
    except smtplib.SMTPDataError as error:
        refused(notice, error, is_final=error.smtp_code >= 500)
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        refused(notice, error, is_final=min(codes) >= 500)
    except (OSError, smtplib.SMTPServerDisconnected) as error:
        # The attempt counts, so that a mail at which the server hangs up lets the others pass.
        refused(notice, error, is_final=False)
        all_wait()
        return False
    except Exception as error:  # an address that cannot be written in a mail
        refused(notice, error, is_final=False)
        connection.close()
    else:
        Notice.objects.filter(pk=notice.pk).update(mail_at=None)
    return True


def closed(notice: Notice, error: Exception) -> bool:
    """All mails wait while the server refuses the site itself. No attempt is counted."""
    logger.warning("The mail server refuses this site: %s", type(error).__name__)
    Notice.objects.filter(pk=notice.pk).update(
        mail_at=Now() + PAUSE, mail_attempts=F("mail_attempts") - 1
    )
    all_wait()
    return False


def all_wait() -> None:
    """All mails wait, so that not each one runs into the time-out."""
    Notice.objects.filter(mail_at__lte=Now()).update(mail_at=Now() + PAUSE)


def refused(notice: Notice, error: Exception, *, is_final: bool) -> None:
    """Send it again after a pause, unless the server's word is final."""
    # Without the address, which logs need not know.
    logger.warning("Notice %s was not sent by mail: %s", notice.pk, type(error).__name__)
    is_final = is_final or notice.mail_attempts >= MOST_ATTEMPTS
    pause = PAUSE * 2 ** (notice.mail_attempts - 1)
    Notice.objects.filter(pk=notice.pk).update(mail_at=None if is_final else Now() + pause)


def message(notice: Notice) -> EmailMultiAlternatives:
    """A notice as text and HTML, with a link that ends mails of its kind."""
    person = notice.user
    end = settings.SITE_URL + reverse("unsubscribe", args=[signed(person, notice.kind)])
    with translation.override(person.language_of_mails):
        title, text = notice_words.said(notice)
        said = {
            "title": title,
            "text": text,
            "language": translation.get_language(),
            "url": settings.SITE_URL + notice.path,
            "unsubscribe": end,
            "settings": settings.SITE_URL + reverse("notice-choices"),
        }
        made = EmailMultiAlternatives(
            subject=" ".join(title.split()),
            body=render_to_string("mail/notice.txt", said),
            to=[person.email],
            headers={
                "Message-ID": f"<notice-{notice.pk}@{urlsplit(settings.SITE_URL).hostname}>",
                "List-Unsubscribe": f"<{end}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "Auto-Submitted": "auto-generated",
            },
        )
        made.attach_alternative(render_to_string("mail/notice.html", said), "text/html")
    return made


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
            gettext("This link is not valid. Your profile lists all notices."),
            code="unknown_subscription",
        )
    return person, kind


def unsubscribe(token: str) -> str:
    """End the mails of an unsubscribe link. Returns the name of their kind."""
    person, kind = subscription(token)
    notices.end_mails(person=person, kind=kind)
    return str(Notice.Kind(kind).label)
