"""A command is signed in by a browser, in the steps of RFC 8628, the device authorization grant.

1. The command asks to begin. It gets a code of eight letters for its person, and a secret.
2. Its person types the code on a page of this site, and confirms what the command may do.
3. The command asks with its secret, every `INTERVAL`, until it gets its token. It gets it once.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import NotAllowed, NotFound, Refused
from leaderboard.models import ApiToken, Device, Scope, User
from leaderboard.services import audit, names, tokens

LIFETIME = timedelta(minutes=10)
INTERVAL = timedelta(seconds=5)
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels a code spells no word. 20^8 codes: 60 guesses a minute for ten minutes find one of
1,000 waiting commands with a probability of 2 in 100,000."""


@dataclass(frozen=True)
class Begun:
    device: Device
    secret: str


def begin(*, name: str, scope: str) -> Begun:
    """Note a command that waits; anybody may ask."""
    name = names.clean(
        name, longest=tokens.LONGEST_NAME, what=gettext("A token's name"), code="bad_token_name"
    )
    tokens.check_is_scope(scope)
    now, secret = timezone.now(), secrets.token_urlsafe(32)
    Device.objects.filter(expires_at__lte=now).delete()
    device = Device.objects.create(
        secret_sha256=hashed(secret),
        code="".join(secrets.choice(LETTERS) for _ in range(8)),
        name=name,
        scope=scope,
        expires_at=now + LIFETIME,
    )
    return Begun(device, secret)


def find(code: str) -> Device:
    """The command that waits with a code, however it is typed. Raises `NotFound`."""
    letters = "".join(letter for letter in code.upper() if letter in LETTERS)
    waiting = Device.objects.filter(state=Device.State.WAITING, expires_at__gt=timezone.now())
    found = waiting.filter(code=letters).first()
    if found is None:
        raise NotFound(
            gettext(
                "No command waits with this code. Run `featherweight login` again, and type the "
                "code that it shows."
            ),
            code="unknown_device_code",
        )
    return found


@transaction.atomic
def confirm(*, code: str, by: User) -> Device:
    """Let a command act for this person."""
    device = find(code)
    tokens.check_room(by)
    return decide(device, Device.State.CONFIRMED, by)


def confirmed(user: User) -> list[Device]:
    """The commands of a person that have not fetched their token yet."""
    of_person = Device.objects.filter(user=user, state=Device.State.CONFIRMED)
    return list(of_person.filter(expires_at__gt=timezone.now()).order_by("asked_at"))


@transaction.atomic
def refuse(*, code: str, by: User) -> Device:
    """Tell a command that it gets no token."""
    return decide(find(code), Device.State.REFUSED, by)


def decide(device: Device, state: Device.State, by: User) -> Device:
    """Write a decision, if nobody decided in between. Raises `NotFound`."""
    waiting = Device.objects.filter(pk=device.pk, state=Device.State.WAITING)
    if not waiting.update(state=state, user=by):
        find("")
    acts = {
        Device.State.CONFIRMED: audit.Act.DEVICE_CONFIRMED,
        Device.State.REFUSED: audit.Act.DEVICE_REFUSED,
    }
    now = {"name": device.name, "scope": device.scope}
    audit.record(acts[state], by, by=by, after=now)
    return device


def collect(secret: str) -> tuple[ApiToken, str]:
    """The token of a confirmed command, once.

    Raises `Refused` (authorization_pending, slow_down, access_denied, expired_device_code), whose
    first two mean: ask again.
    """
    now = timezone.now()
    device = Device.objects.filter(secret_sha256=hashed(secret), expires_at__gt=now).first()
    if device is None:
        raise Refused(
            gettext("The code has expired. Run `featherweight login` again."),
            code="expired_device_code",
        )
    match device.state:
        case Device.State.WAITING:
            wait(device, now)
        case Device.State.REFUSED:
            device.delete()
            raise NotAllowed(
                gettext("You refused to give this command a token."), code="access_denied"
            )
    return hand_out(device)


def wait(device: Device, now: datetime) -> None:
    """Raises `Refused`, which says whether the command asks too often."""
    last = device.polled_at
    Device.objects.filter(pk=device.pk).update(polled_at=now)
    # Half a second less, for clocks and lines that are uneven.
    if last and now - last < INTERVAL - timedelta(seconds=0.5):
        raise Refused(
            gettext("Wait %(seconds)d seconds before you ask again.")
            % {"seconds": INTERVAL.total_seconds()},
            code="slow_down",
        )
    raise Refused(gettext("Nobody has confirmed the code yet."), code="authorization_pending")


@transaction.atomic
def hand_out(device: Device) -> tuple[ApiToken, str]:
    """Issue the token, and forget the command. Of two requests at once, one gets it."""
    owner = device.user
    removed, _ = Device.objects.filter(pk=device.pk, state=Device.State.CONFIRMED).delete()
    if owner is None or not removed or not owner.is_active:
        raise Refused(
            gettext("The code has expired. Run `featherweight login` again."),
            code="expired_device_code",
        )
    return tokens.issue(user=owner, name=device.name, scope=Scope(device.scope))


def hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
