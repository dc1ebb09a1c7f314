"""Partial uploads whose parts their sender brings to the bucket, by addresses that are signed here.

An address is for one part of one upload, with its size and SHA-256, and ends soon. The parts become
an object only by a request of ours, and then no address changes it. So what was checked is what
stays, and no reader or writer of the bucket is needed besides our own key.
"""

from __future__ import annotations

import base64
import errno
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotFound, Refused
from leaderboard.models import PartialUpload, User
from leaderboard.services import files, submissions, teams
from leaderboard.services.copies import storage

if TYPE_CHECKING:
    from leaderboard.services.objects import Part

logger = logging.getLogger(__name__)
FOLDER = "incoming"
PART_BYTES = 8 << 20
"""A lost connection costs one part. Every storage takes parts of 5 MiB and more."""
MOST_PARTS = 10_000
SIGNED_SECONDS = 900
"""How long an address holds: enough for a part over a slow connection. A sender can ask again."""
MOST_AT_ONCE = 100
"""Most addresses in one answer."""


@dataclass(frozen=True)
class Wanted:
    """A part that a sender is about to send."""

    number: int
    sha256: str


@dataclass(frozen=True)
class Address:
    """Where a part goes, by PUT with these headers."""

    number: int
    url: str
    headers: dict[str, str]
    expires_at: datetime


def is_offered(size_bytes: int) -> bool:
    return settings.BUCKET is not None and size_bytes > 0


def public_address() -> str:
    """The address below which all signed addresses lie; empty without a bucket."""
    return settings.BUCKET.public_address if settings.BUCKET else ""


def begin(upload: PartialUpload) -> str:
    """Begin to take parts; returns the storage's key of the upload."""
    return storage().begin(name_of(upload))


def addresses(upload: PartialUpload, wanted: Sequence[Wanted]) -> list[Address]:
    """Signed addresses of parts. Raises `Refused` for a part that the file does not have, and
    `CompetitionNotOpen`."""
    from leaderboard.services.objects import Part  # with the client of the storage

    submissions.check_open(upload.competition)
    most = len(sizes(upload))
    if not upload.multipart_id or any(not 1 <= one.number <= most for one in wanted):
        raise Refused(
            gettext("This upload has no such part. It has %(most)d parts, numbered from 1.")
            % {"most": most if upload.multipart_id else 0},
            code="no_such_part",
        )
    expires_at = timezone.now() + timedelta(seconds=SIGNED_SECONDS)
    made = []
    for one in wanted:
        checksum = base64.b64encode(bytes.fromhex(one.sha256)).decode()
        part = Part(one.number, sizes(upload)[one.number - 1], checksum)
        url = storage().address(name_of(upload), upload.multipart_id, part, seconds=SIGNED_SECONDS)
        made.append(Address(one.number, url, {"x-amz-checksum-sha256": checksum}, expires_at))
    return made


def part_bytes(upload: PartialUpload) -> int:
    """The size of each part but the last one."""
    return max(PART_BYTES, -(-upload.size_bytes // MOST_PARTS))


def sizes(upload: PartialUpload) -> list[int]:
    each = part_bytes(upload)
    return [min(each, upload.size_bytes - start) for start in range(0, upload.size_bytes, each)]


def numbers(upload: PartialUpload) -> list[int]:
    """The parts that had come when this row was first asked: one answer asks the bucket once.
    Raises `FileNotFoundError` for an upload that is gone."""
    if upload.parts_come is None:
        upload.parts_come = numbers_now(upload)
    return upload.parts_come


def numbers_now(upload: PartialUpload) -> list[int]:
    try:
        return [one.number for one in there(upload)]
    except FileNotFoundError:
        if not storage().exists(name_of(upload)):
            raise
        return list(range(1, len(sizes(upload)) + 1))  # a rule forbade the end before


def come(upload: PartialUpload) -> int:
    """How many bytes have come. Raises like `numbers`."""
    each = sizes(upload)
    return sum(each[number - 1] for number in numbers(upload))


def there(upload: PartialUpload) -> list[Part]:
    """The parts that have come. Raises `FileNotFoundError` after the end of the upload."""
    if settings.BUCKET is None:  # there was a bucket when the upload began
        raise FileNotFoundError(errno.ENOENT, "There is no bucket.", name_of(upload))
    return storage().parts(name_of(upload), upload.multipart_id)


def changed_at(upload: PartialUpload) -> datetime:
    """When the last part came, the upload began, or its parts became an object. Raises
    `FileNotFoundError` for an upload that is gone."""
    try:
        found = there(upload)
    except FileNotFoundError:
        return storage().get_modified_time(name_of(upload))
    return max([upload.created_at, *(one.came_at for one in found if one.came_at)])


def complete(upload: PartialUpload) -> None:
    """Make an object of all parts, once. Raises `Conflict` if some are missing, and
    `FileNotFoundError` for an upload that is gone."""
    if storage().exists(name_of(upload)):  # a rule forbade the end before
        return
    try:
        found = there(upload)
        check_whole(upload, sum(one.size_bytes for one in found))
        storage().complete(name_of(upload), upload.multipart_id, found)
    except FileNotFoundError:
        if not storage().exists(name_of(upload)):  # else another machine did the same just now
            raise


def check_whole(upload: PartialUpload, come: int) -> None:
    """Raises `Conflict` if not so many bytes have come as were announced."""
    if come != upload.size_bytes:
        raise Conflict(
            gettext("%(come)d of %(size)d bytes have arrived. Send the rest first.")
            % {"come": come, "size": upload.size_bytes},
            code="upload_unfinished",
        )


def check_end(upload: PartialUpload, *, by: User) -> None:
    """Raises `Refused` by rules that need no file."""
    teams.check_member(upload.team, by)
    submissions.check_allowed(upload.competition, upload.team, by=by)


def unknown() -> NotFound:
    return NotFound(
        gettext(
            "This upload is unknown: it has ended, was cancelled, or is older than 24 hours. Send "
            "the file again."
        ),
        code="unknown_upload",
    )


@contextmanager
def whole(upload: PartialUpload) -> Iterator[files.Gathered]:
    """The file on this machine, if all of it has come. Raises `Conflict`, and `NotFound` if it was
    removed, also inside of the `with`."""
    try:
        complete(upload)
        with tempfile.NamedTemporaryFile(prefix="featherweight-") as target:
            storage().fetch(name_of(upload), target)
            target.flush()
            yield files.Gathered(target, name=upload.file_name, stored=name_of(upload))
    except FileNotFoundError as error:
        if error.filename != name_of(upload):
            raise
        raise unknown() from error


def forget(upload: PartialUpload) -> None:
    """Remove all that has come."""
    if settings.BUCKET is None:
        return
    storage().abort(name_of(upload), upload.multipart_id)
    storage().delete(name_of(upload))


def sweep(before: datetime) -> None:
    """Remove what is older than a time, and left of rows that went with their team or person."""
    if settings.BUCKET is None:
        return
    try:
        found = storage().left(f"{FOLDER}/", before)
        names = {name.removeprefix(f"{FOLDER}/") for name, _ in found}
        known = set(PartialUpload.objects.filter(key__in=names).values_list("key", flat=True))
        for name, multipart_id in found:
            if name.removeprefix(f"{FOLDER}/") in known:
                continue
            if multipart_id:
                storage().abort(name, multipart_id)
            else:
                storage().delete(name)
    except OSError as error:  # the sweep has more to do
        logger.warning("Abandoned uploads could not be removed: %s", error)


def name_of(upload: PartialUpload) -> str:
    return f"{FOLDER}/{upload.key}"
