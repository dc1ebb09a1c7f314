"""Operators are told what needs attention, by mail and by a call: once for each matter.

The checks are those of `services.health` that look at rows. A matter is told once it has lasted for
`LASTING`. It is told again only if it was over for `OVER`.
"""

from __future__ import annotations

import json
import logging
import smtplib
from collections.abc import Collection
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import mail
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext

from leaderboard.models import Matter, User
from leaderboard.services import health, outgoing
from leaderboard.services.health.findings import Finding, Level

logger = logging.getLogger(__name__)
LASTING = timedelta(minutes=2)
"""How long a matter lasts before it is told. A worker that starts again needs nobody."""
OVER = timedelta(hours=1)
LEVELS: dict[str, set[Level]] = {"error": {Level.ERROR}, "warning": {Level.ERROR, Level.WARNING}}
Key = tuple[str, str]


@transaction.atomic
def sweep() -> None:
    """Note what needs attention now, and tell what is new and has lasted."""
    if settings.ATTENTION == "none":
        return
    now = timezone.now()
    found = matters()
    # Locked, so that of two processes only one tells a matter.
    rows = Matter.objects.select_for_update().order_by("pk")
    known = {(one.check_name, one.about): one for one in rows}
    for key in found.keys() - known.keys():
        Matter.objects.get_or_create(check_name=key[0], about=key[1])
    still = [one.pk for key, one in known.items() if key in found]
    Matter.objects.filter(pk__in=still).update(seen_at=now)
    Matter.objects.filter(seen_at__lt=now - OVER).delete()
    due = [
        key
        for key, one in known.items()
        if key in found and one.told_at is None and one.since <= now - LASTING
    ]
    if due and tell(due):
        Matter.objects.filter(pk__in=[known[key].pk for key in due]).update(told_at=now)


def matters() -> dict[Key, Finding]:
    """What is wrong now, in the language of this thread."""
    wanted = LEVELS[settings.ATTENTION]
    found = health.examine(health.WATCHED)
    return {(one.check, one.about[:120]): one for one in found if one.level in wanted}


def tell(due: Collection[Key]) -> bool:
    """Send what is due by each way there is. True unless there are ways and all of them failed."""
    ways = []
    if settings.EMAIL_URL and (people := readers()):
        sent = [mail_to(person, address, due) for person, address in people]
        ways.append(any(sent))
    if settings.ATTENTION_WEBHOOK:
        ways.append(call(due))
    if not ways:
        logger.warning("Nobody can be told what needs attention: %s", sorted(due))
    return any(ways) or not ways


def readers() -> list[tuple[User, str]]:
    """The operators with a confirmed address."""
    rows = EmailAddress.objects.filter(
        verified=True, primary=True, user__is_superuser=True, user__is_active=True
    )
    return [(one.user, one.email) for one in rows.select_related("user")]


def mail_to(person: User, address: str, due: Collection[Key]) -> bool:
    with translation.override(person.language_of_mails):
        said = sentences(due)
        subject = gettext("%(site)s needs attention") % {"site": settings.SITE_HOST}
        end = gettext("The panel: %(url)s") % {"url": f"{settings.SITE_URL}/admin/"}
        body = "\n\n".join([f"{one.said}\n{one.advice}" for one in said] + [end])
    try:
        mail.send_mail(subject, body, None, [address])
    except (OSError, smtplib.SMTPException) as error:
        logger.warning("Operators could not be told by mail: %s", type(error).__name__)
        return False
    return True


def call(due: Collection[Key]) -> bool:
    """Call ATTENTION_WEBHOOK. Chats such as Mattermost and Slack show the field `text`."""
    with translation.override("en"):
        said = sentences(due)
    told = {
        "text": "\n".join(f"{settings.SITE_HOST}: {one.said} {one.advice}" for one in said),
        "site": settings.SITE_URL,
        "matters": [
            {"check": one.check, "level": one.level, "said": one.said, "advice": one.advice}
            for one in said
        ],
    }
    headers = {"Content-Type": "application/json", "User-Agent": "Featherweight"}
    body = json.dumps(told).encode()
    [answer] = outgoing.send([outgoing.Call(settings.ATTENTION_WEBHOOK, body, headers)])
    if not answer.is_good:
        logger.warning("ATTENTION_WEBHOOK does not answer well: %s", answer.error or answer.status)
    return answer.is_good


def sentences(due: Collection[Key]) -> list[Finding]:
    """What is due, in the language of this thread."""
    found = matters()
    return [found[key] for key in due if key in found]
