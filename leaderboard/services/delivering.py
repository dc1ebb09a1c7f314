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
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from leaderboard.models import Delivery, Webhook
from leaderboard.services import outgoing, privileges

logger = logging.getLogger(__name__)
AT_ONCE = 20
"""Calls that are sent side by side, so that a slow address delays no other."""
CLAIM = timedelta(minutes=5)
PAUSE = timedelta(minutes=1)
"""After the first failure. It doubles with each further one."""
MOST_ATTEMPTS = 8
"""Attempts until a delivery is given up: two hours after the first one."""
MOST_FAILURES = 50
"""Failed calls in a row after which an address is called no more."""
KEPT = timedelta(days=30)


def go_on(*, seconds: float) -> None:
    """Send what is due, for some seconds."""
    if not privileges.may_update(Webhook):
        return
    until = time.monotonic() + seconds
    while time.monotonic() < until and (batch := claim()):
        now = timezone.now()
        answers = outgoing.send([call(delivery, now) for delivery in batch])
        for delivery, answer in zip(batch, answers, strict=True):
            note(delivery, answer)


def sweep() -> None:
    """Delete old deliveries."""
    if privileges.may_update(Webhook):
        Delivery.objects.filter(created_at__lt=timezone.now() - KEPT).delete()


@transaction.atomic
def claim() -> list[Delivery]:
    """Deliveries to send now, for this process alone: one for each address, the oldest first."""
    rows = Delivery.objects.select_for_update(skip_locked=True, of=("self",))
    due = rows.filter(due_at__lte=Now(), webhook__stopped_at=None).select_related("webhook")
    first: dict[int, Delivery] = {}
    for delivery in due.order_by("due_at", "pk")[: AT_ONCE * 5]:
        first.setdefault(delivery.webhook_id, delivery)
    batch = list(first.values())[:AT_ONCE]
    Delivery.objects.filter(pk__in=[one.pk for one in batch]).update(
        due_at=Now() + CLAIM, attempts=F("attempts") + 1, attempted_at=Now()
    )
    return batch


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


@transaction.atomic
def note(delivery: Delivery, answer: outgoing.Answer) -> None:
    """Write what became of an attempt. After a failure all calls to the address wait."""
    rows, webhooks = Delivery.objects.filter(pk=delivery.pk), Webhook.objects
    address = webhooks.filter(pk=delivery.webhook_id)
    if answer.is_good:
        rows.update(due_at=None, delivered_at=Now(), status=answer.status, error="")
        address.update(failures=0)
        return
    attempts = delivery.attempts + 1
    pause = PAUSE * 2 ** (attempts - 1)
    due_at = None if attempts >= MOST_ATTEMPTS else timezone.now() + pause
    error = answer.error or "bad_status"
    rows.update(due_at=due_at, status=answer.status, error=error)
    others = Delivery.objects.filter(webhook=delivery.webhook_id, due_at__lt=timezone.now() + pause)
    others.exclude(pk=delivery.pk).update(due_at=timezone.now() + pause)
    address.update(failures=F("failures") + 1)
    if address.filter(failures__gte=MOST_FAILURES).update(stopped_at=Now()):
        logger.info("Calls of %s have stopped.", delivery.webhook)
        Delivery.objects.filter(webhook=delivery.webhook_id).update(due_at=None)
