"""A file is sent in parts, so that a lost connection costs one part and not the whole file.

The doors speak tus 1.0.0 (https://tus.io/protocols/resumable-upload) with its extensions creation,
termination and expiration. Django's packages for tus check no owner and take no lock, so the rules
stand here.

All parts go into one file in TMPDIR, where the files of forms wait, too. The length of this file is
the offset. A lock on it keeps two requests from writing at once. A sender may also bring the parts
to the bucket, if there is one (`direct_uploads`). A complete file goes to `submissions.submit` or
`trials.begin`, as the file of a form does.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import BinaryIO, Protocol

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard import bodies
from leaderboard.errors import BadModel, Busy, Conflict, NotFound, TooLarge
from leaderboard.models import Competition, PartialUpload, Team, Trial, User
from leaderboard.services import (
    direct_uploads,
    files,
    locks,
    privileges,
    quotas,
    submissions,
    teams,
    trials,
)
from leaderboard.services.submissions import Receipt

logger = logging.getLogger(__name__)
MOST_OPEN = 3
"""Files that a team may send at the same time. It bounds the disk that one team uses."""
KEPT = timedelta(days=1)
SILENT_SECONDS = 600
"""A file without a new part for so long is removed if its team needs room for another file."""
CHUNK = 1 << 20
PURPOSES = ("submission", "trial")


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def begin(
    *,
    competition: Competition,
    by: User,
    size_bytes: int,
    file_name: str,
    purpose: str,
    is_direct: bool = False,
) -> PartialUpload:
    """Begin an upload of a known size. Raises `Refused` if the rules forbid it already, so that
    nobody sends a file in vain. `is_direct`: its sender can bring the parts to a bucket."""
    team = submissions.expect(competition=competition, by=by)
    if purpose == "trial":
        trials.check_room(team)
    else:
        quotas.check(team, competition)
    if size_bytes > competition.max_upload_bytes:
        raise files.too_large(size_bytes, competition.max_upload_bytes)
    if shutil.disk_usage(folder()).free < size_bytes:
        raise OSError(errno.ENOSPC, "The disk has no room for an upload of this size.")
    with transaction.atomic():
        team = locks.lock(team)
        teams.check_member(team, by)
        make_room(team)
        upload = PartialUpload.objects.create(
            key=secrets.token_urlsafe(32),
            competition=competition,
            team=team,
            begun_by=by,
            file_name=(Path(file_name).name or "upload")[:200],
            size_bytes=size_bytes,
            expires_at=timezone.now() + KEPT,
        )
        if is_direct and direct_uploads.is_offered(size_bytes):
            upload.multipart_id = direct_uploads.begin(upload)
            upload.save(update_fields=["multipart_id"])
        else:
            path_of(upload).touch(exist_ok=False)
    return upload


def make_room(team: Team) -> None:
    """Let a team send one more file. If it sends `MOST_OPEN` already, the oldest silent one is
    removed. Raises `Conflict` if none is silent."""
    under_way = list(PartialUpload.objects.of(team).under_way())
    if len(under_way) < MOST_OPEN:
        return
    silent = [one for one in under_way if is_silent(one)]
    if not silent:
        raise Conflict(
            gettext(
                "Your team is sending %(most)d files now, which is the limit. Wait until one "
                "of them has arrived, or cancel one."
            )
            % {"most": MOST_OPEN},
            code="too_many_uploads",
        )
    remove(silent[0])


def is_silent(upload: PartialUpload) -> bool:
    try:
        if upload.multipart_id:
            last = direct_uploads.changed_at(upload).timestamp()
        else:
            last = path_of(upload).stat().st_mtime
        return time.time() - last > SILENT_SECONDS
    except FileNotFoundError:
        return True


def find(key: str, *, by: User) -> PartialUpload:
    """A file under way of a person's team. Raises `NotFound`."""
    rows = PartialUpload.objects.under_way().visible_to(by)
    upload = rows.select_related("competition", "team").filter(key=key).first()
    if upload is None or not is_there(upload):
        raise direct_uploads.unknown()
    return upload


def find_for_end(key: str, *, by: User) -> PartialUpload:
    """Like `find`, and also a file that became a submission or a trial before: a sender asks again
    if the first answer was lost."""
    rows = PartialUpload.objects.unexpired().visible_to(by)
    related = ("competition", "team", "submission", "trial")
    upload = rows.select_related(*related).filter(key=key).first()
    if upload is None:
        raise direct_uploads.unknown()
    return upload


def is_there(upload: PartialUpload) -> bool:
    try:
        offset(upload)
    except NotFound:
        return False
    return True


def offset(upload: PartialUpload) -> int:
    """How many bytes have come. Raises `NotFound`."""
    try:
        if upload.multipart_id:
            return direct_uploads.come(upload)
        return path_of(upload).stat().st_size
    except FileNotFoundError as error:
        raise direct_uploads.unknown() from error


def check_size(size: int, *, key: str) -> None:
    """Raises `TooLarge` for a body that is larger than the whole file. It needs no person, so it
    runs first."""
    most = PartialUpload.objects.filter(key=key).values_list("size_bytes", flat=True).first()
    if most is None:
        bodies.check_form(size)
    elif size > most:
        raise too_much()


def check_part(upload: PartialUpload, *, start: int, size: int, come: int) -> None:
    """Raises `Conflict` unless a part begins where the `come` bytes end, and `TooLarge` if it is
    longer than the rest of the file."""
    submissions.check_open(upload.competition)
    if start != come:
        raise Conflict(
            gettext(
                "This part starts at byte %(start)d, but %(come)d bytes have arrived. "
                "Ask for the offset and send from there."
            )
            % {"start": start, "come": come},
            code="wrong_offset",
        )
    if start + size > upload.size_bytes:
        raise too_much()


def too_much() -> TooLarge:
    return TooLarge(
        gettext("This is more than the size that the upload announced. Start another upload.")
    )


def add(upload: PartialUpload, *, start: int, size: int, source: Readable) -> int:
    """Write a part behind the others; returns how many bytes have come in all.

    If the connection is lost, the bytes of the part that have come are kept.
    """
    if upload.multipart_id:
        raise Conflict(
            gettext("The parts of this upload go to the storage. Ask for their addresses."),
            code="upload_is_direct",
        )
    with held(upload) as file:
        check_part(upload, start=start, size=size, come=file.seek(0, os.SEEK_END))
        rest = size
        while rest and (chunk := source.read(min(CHUNK, rest))):
            file.write(chunk)
            rest -= len(chunk)
        return file.tell()


def submit(
    upload: PartialUpload,
    *,
    by: User,
    door: str,
    note: str = "",
    branch: str = "",
    sha256: str = "",
) -> Receipt:
    """Make a submission of a complete file. A second call returns the same submission.

    Raises the same as `submissions.submit`. A file that the gate refuses is removed. If another
    rule refuses it, such as the quota, the file stays, because the rule may allow it tomorrow.
    """
    with ending(upload):
        if upload.submission:
            return Receipt(upload.submission, is_new=False)
        if upload.multipart_id and not submissions.was_used(upload.team, upload.key):
            direct_uploads.check_end(upload, by=by)  # before the file is brought here
            quotas.check(upload.team, upload.competition)
        with whole(upload, sha256) as file:
            receipt = submissions.submit(
                competition=upload.competition,
                team=upload.team,
                upload=file,
                by=by,
                door=door,
                note=note,
                branch=branch,
                idempotency_key=upload.key,
            )
            upload.submission = receipt.submission
            end(upload)
    return receipt


def begin_trial(upload: PartialUpload, *, by: User, sha256: str = "") -> Trial:
    """Try a complete file. A second call returns the same trial. Raises the same as
    `trials.begin`."""
    with ending(upload):
        if upload.trial:
            return upload.trial
        if upload.multipart_id:
            direct_uploads.check_end(upload, by=by)
            trials.check_room(upload.team)
        with whole(upload, sha256) as file:
            trial = trials.begin(
                competition=upload.competition, team=upload.team, upload=file, by=by
            )
            upload.trial = trial
            end(upload)
    return trial


def cancel(upload: PartialUpload) -> None:
    """Remove an upload that has not ended. Raises `NotFound`, and `Busy` while it ends."""
    with ending(upload):
        if upload.submission or upload.trial:
            raise direct_uploads.unknown()
        remove(upload)


@contextmanager
def ending(upload: PartialUpload) -> Iterator[None]:
    """Keep other requests from a direct upload, and read again what became of it by now.

    Raises as `held` does. `gathered` locks any other upload.
    """
    if not upload.multipart_id or upload.submission or upload.trial:
        yield
        return
    with held(upload):
        try:
            upload.refresh_from_db(fields=["submission", "trial"])
        except PartialUpload.DoesNotExist as error:
            raise direct_uploads.unknown() from error
        yield


@contextmanager
def whole(upload: PartialUpload, sha256: str) -> Iterator[files.Gathered]:
    """The complete file. It is compared with the sender's hash, unless that is empty.

    Raises `Conflict` if bytes are missing. A `BadModel`, also one inside of the `with`, removes the
    file.
    """
    with direct_uploads.whole(upload) if upload.multipart_id else gathered(upload) as file:
        try:
            if sha256 and files.sha256_of(Path(file.temporary_file_path())) != sha256.lower():
                raise BadModel(
                    gettext("The file changed while it was sent. Send it again."),
                    code="wrong_hash",
                )
            yield file
        except BadModel:
            remove(upload)
            raise


@contextmanager
def gathered(upload: PartialUpload) -> Iterator[files.Gathered]:
    """A file whose parts came here. Raises `Conflict` if some are missing."""
    with held(upload) as file:
        direct_uploads.check_whole(upload, file.seek(0, os.SEEK_END))
        yield files.Gathered(file, name=upload.file_name)


@contextmanager
def held(upload: PartialUpload) -> Iterator[BinaryIO]:
    """The file with the bytes that have come, locked for this request. That of a direct upload is
    empty.

    Raises `Busy` if another request holds it, and `NotFound` if it was removed.
    """
    try:
        file = path_of(upload).open("a+b" if upload.multipart_id else "r+b")
    except FileNotFoundError as error:
        raise direct_uploads.unknown() from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(
                gettext("Another request sends to this upload. Try again in a moment.")
            ) from error
        yield file


def end(upload: PartialUpload) -> None:
    """Write down what became of a file, and delete the file here. The model is stored by now."""
    row = PartialUpload.objects.filter(pk=upload.pk)
    row.update(submission=upload.submission, trial=upload.trial)
    forget(upload)


def remove(upload: PartialUpload) -> None:
    """Delete an upload and the bytes that have come."""
    forget(upload)
    upload.delete()


def forget(upload: PartialUpload) -> None:
    if upload.multipart_id:
        direct_uploads.forget(upload)
    path_of(upload).unlink(missing_ok=True)


def sweep() -> None:
    """Remove expired uploads. A worker skips this: its role may not delete, and its disk is another
    one."""
    if not privileges.may_delete(PartialUpload):
        return
    for upload in PartialUpload.objects.filter(expires_at__lte=timezone.now())[:100]:
        try:
            remove(upload)
        except OSError as error:  # the sweep has more to do
            logger.warning("%s could not be removed: %s", upload, error)
    for path in folder().iterdir():  # also a file whose row was deleted with its team
        if time.time() - path.stat().st_mtime > KEPT.total_seconds():
            path.unlink(missing_ok=True)
    direct_uploads.sweep(before=timezone.now() - KEPT)


def path_of(upload: PartialUpload) -> Path:
    return folder() / upload.key


def folder() -> Path:
    """The folder of all parts, which nobody else on this machine may read."""
    path = Path(gettempdir()) / f"featherweight-{os.getuid()}"
    path.mkdir(mode=0o700, exist_ok=True)
    if path.stat().st_uid != os.getuid():
        raise PermissionError(f"{path} belongs to somebody else.")
    return path
