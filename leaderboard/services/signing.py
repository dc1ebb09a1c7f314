"""The key that signs results. Its private half is one file that only this site can read.

The post makes the file when it starts, so that anybody can keep the public half before a result is
signed. Workers do not have it: in compose only the process of the post mounts its folder. Public
halves stay in the database, also after a rotation, so that older files can be checked for ever.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.models import SigningKey
from leaderboard.services import audit
from scoring.snapshots import signing

logger = logging.getLogger(__name__)
NAME = "signing.pem"
OWN = 0o600
"""Only the owner of the file may read it."""


def prepare() -> None:
    """Make the first key of a site. Later starts and further processes find it."""
    if keys().filter(retired_at=None).exists():
        return
    try:
        current()
    except (OSError, ValueError) as error:
        logger.warning("There is no key that signs results, and none can be made: %s", error)


def current(*, by: str = audit.SERVICE) -> tuple[SigningKey, Ed25519PrivateKey]:
    """The key in force. It is made if there is none.

    Raises `OSError` where the folder cannot be written, `ValueError` for another kind of file.
    """
    path = place()
    if not path.exists():
        keep(signing.new_key())
    if path.stat().st_mode & 0o077:
        path.chmod(OWN)
    private = signing.private_key(path.read_bytes())
    return known(signing.public_hex(private), by=by), private


@transaction.atomic
def known(public: str, *, by: str) -> SigningKey:
    """The row of the key in force. Any other key is retired by it."""
    key, is_new = SigningKey.objects.get_or_create(public=public)
    if is_new:
        audit.record(audit.Act.SIGNING_KEY_MADE, None, by=by, subject=public)
    SigningKey.objects.filter(retired_at=None).exclude(pk=key.pk).update(retired_at=timezone.now())
    if key.retired_at:  # an older copy of the file was put back
        key.retired_at = None
        key.save()
    return key


def rotate() -> SigningKey:
    """Make a new key and delete the private half of the old one. Files that it signed stay good."""
    current()
    keep(signing.new_key(), is_new=False)
    return current(by=audit.CONSOLE)[0]


def keep(pem: bytes, *, is_new: bool = True) -> None:
    """Write the file as a whole or not at all. With `is_new` a file that is there already stays."""
    path = place()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{NAME}.{os.getpid()}")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWN), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    try:
        if is_new:
            os.link(part, path)  # fails if another process was faster
        else:
            part.replace(path)
    except FileExistsError:
        pass
    finally:
        part.unlink(missing_ok=True)


def place() -> Path:
    return Path(settings.KEYS_DIR) / NAME


def keys() -> QuerySet[SigningKey]:
    """All public keys, the present one first."""
    return SigningKey.objects.order_by("-made_at", "-pk")


def none_yet() -> str:
    return gettext("There is no key yet. It is made when the process that sends mail starts.")
