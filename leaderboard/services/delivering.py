"""Calls to webhooks are signed, sent, and sent again after a pause if the answer is not good.

The signature follows https://www.standardwebhooks.com, so receivers can use its libraries. The row
is the queue, as with mails.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F, Window
from django.db.models.functions import Now, RowNumber
from django.utils import timezone

from leaderboard.models import Delivery, Notice, User, Webhook
from leaderboard.services import audit, captains, notices, outgoing, webhooks

logger = logging.getLogger(__name__)
AT_ONCE = 20
"""Calls that are sent side by side, so that a slow address delays no other."""
CLAIM = timedelta(minutes=5)
PAUSE = timedelta(minutes=1)
"""The pause after the first failure. It doubles with each further one."""
MOST_ATTEMPTS = 8
"""Attempts until a delivery is given up: two hours after the first one."""
MOST_FAILURES = 50
"""Failed calls in a row after which an address is called no more."""
KEPT = timedelta(days=30)


def go_on(*, seconds: float) -> None:
    """Send what is due, for some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and (batch := claim()):
        made = calls(batch)
        note_all(made, outgoing.send(list(made.values())))


class BackgroundCalls:
    """Sends while an embedded worker evaluates, so that a slow address delays no evaluation.

    A thread waits for the answers. It does not use the database.
    """

    def __init__(self) -> None:
        self.thread = ThreadPoolExecutor(1)
        self.made: dict[Delivery, outgoing.Call] = {}
        self.answers: Future[list[outgoing.Answer]] | None = None

    def go_on(self) -> None:
        """Note the answers that came, and send what is due."""
        if self.answers and self.answers.done():
            self.finish()
        if self.answers is None and (batch := claim()):
            self.made = calls(batch)
            self.answers = self.thread.submit(outgoing.send, list(self.made.values()))

    def finish(self) -> None:
        """Wait for the calls that are on their way."""
        if self.answers:
            answers, self.answers = self.answers.result(), None
            note_all(self.made, answers)


def sweep() -> None:
    """Delete old deliveries."""
    Delivery.objects.filter(created_at__lt=timezone.now() - KEPT).delete()


@transaction.atomic
def claim() -> list[Delivery]:
    """Deliveries to send now, for this process alone: the oldest one of each address.

    The other deliveries of these addresses move behind all that wait, so that addresses take turns.
    """
    due = Delivery.objects.filter(due_at__lte=Now(), webhook__stopped_at=None)
    place = Window(RowNumber(), partition_by="webhook", order_by=["due_at", "pk"])
    oldest = due.annotate(place=place).filter(place=1).order_by("due_at", "pk")
    keys = list(oldest.values_list("pk", flat=True)[:AT_ONCE])
    rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",))
    # Another process may have taken some meanwhile.
    batch = list(rows.filter(pk__in=keys, due_at__lte=Now()).select_related("webhook"))
    addresses = [one.webhook_id for one in batch]
    Delivery.objects.filter(webhook__in=addresses, due_at__lte=Now()).update(due_at=Now())
    for one in batch:
        one.attempts, one.attempted_at = one.attempts + 1, timezone.now()
        one.due_at = one.attempted_at + CLAIM
    Delivery.objects.bulk_update(batch, ["attempts", "attempted_at", "due_at"])
    return batch


def calls(batch: list[Delivery]) -> dict[Delivery, outgoing.Call]:
    """The requests of a batch. One that cannot be made counts as a failure."""
    now = timezone.now()
    made = {}
    for delivery in batch:
        try:
            made[delivery] = call(delivery, now)
        except Exception:  # one bad row must not end the process
            logger.exception("Delivery %s cannot be sent", delivery.pk)
            note(delivery, outgoing.Answer(None, outgoing.NO_ANSWER))
    return made


def call(delivery: Delivery, now: datetime) -> outgoing.Call:
    """The signed request of a delivery."""
    body = delivery.body.encode()
    identifier, stamp = str(delivery.identifier), str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Featherweight",
        "webhook-id": identifier,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(delivery.webhook.secret, identifier, stamp, body),
    }
    return outgoing.Call(delivery.webhook.url, body, headers)


def signature(secret: str, identifier: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 of the identifier, the time and the body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{identifier}.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def note_all(made: Iterable[Delivery], answers: list[outgoing.Answer]) -> None:
    for delivery, answer in zip(made, answers, strict=True):
        note(delivery, answer)


@transaction.atomic
def note(delivery: Delivery, answer: outgoing.Answer) -> None:
    """Write what became of an attempt. After a failure all calls to the address wait.

    A delivery that a member sends again meanwhile stays due.
    """
    rows = Delivery.objects.filter(pk=delivery.pk, attempted_at=delivery.attempted_at)
    address = Webhook.objects.filter(pk=delivery.webhook_id)
    if answer.is_good:
        rows.update(due_at=None, delivered_at=Now(), status=answer.status, error="")
        address.update(failures=0)
        return
    pause = PAUSE * 2 ** (delivery.attempts - 1)
    due_at = None if delivery.attempts >= MOST_ATTEMPTS else timezone.now() + pause
    error = answer.error or "bad_status"
    rows.update(due_at=due_at, status=answer.status, error=error)
    others = Delivery.objects.filter(webhook=delivery.webhook_id, due_at__lt=timezone.now() + pause)
    others.exclude(pk=delivery.pk).update(due_at=timezone.now() + pause)
    address.update(failures=F("failures") + 1)
    if address.filter(failures__gte=MOST_FAILURES).update(stopped_at=Now()):
        logger.info("Calls of %s have stopped.", delivery.webhook)
        Delivery.objects.filter(webhook=delivery.webhook_id).update(due_at=None)
        webhooks.write_down(audit.Act.WEBHOOK_STOPPED, delivery.webhook, audit.SERVICE)
        tell_stopped(delivery.webhook)


def tell_stopped(webhook: Webhook) -> None:
    """Tell the captain of the team, who may not look at the log for weeks."""
    team = webhook.team
    captain = captains.of(team.memberships.select_related("user"))
    if captain is None:
        return
    notices.give(
        Notice.Kind.WEBHOOK_STOPPED,
        to=User.objects.filter(pk=captain.user_id),
        competition=team.competition,
        path=f"/competitions/{team.competition.slug}/team/webhooks/{webhook.pk}/",
        team=team.name,
        host=urlsplit(webhook.url).hostname,
        failures=MOST_FAILURES,
    )
