"""The records of a zip, read so that `zipfile` and torch find the same ones.

Standard library only. The zip is refused wherever the two readers could differ.
"""

from __future__ import annotations

import hashlib
import io
import pickletools
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from scoring.errors import Rejected
from scoring.sentences import say

MAX_RECORDS = 20_000
MAX_DIRECTORY_BYTES = 4 << 20
HEAD_BYTES = 1 << 16
"""Of a file that is no zip: enough to tell whether it is a Python pickle."""
CHUNK_BYTES = 1 << 20
END, END_64, LOCATOR = (
    struct.Struct("<4s4H2IH"),
    struct.Struct("<4sQ2H2I4Q"),
    struct.Struct("<4sIQI"),
)
"""The last structures of a zip: end of central directory, its 64-bit form, and the locator of that.

Source: PKWARE's APPNOTE.TXT, sections 4.3.14 to 4.3.16.
"""


@dataclass(frozen=True)
class Records:
    """The records of one zip, by their names below its one top folder."""

    stream: BinaryIO
    archive: zipfile.ZipFile
    infos: dict[str, zipfile.ZipInfo]

    def read(self, name: str, limit: int) -> bytes:
        """One record. Raises `Rejected` if the record is longer than `limit` bytes."""
        if self.infos[name].file_size > limit:
            raise Rejected(
                "record_too_large",
                say(
                    "%(name)s is larger than %(limit)s bytes.",
                    name=repr(name)[:80],
                    limit=format(limit, ","),
                ),
            )
        return b"".join(self.chunks(name))

    def chunks(self, name: str) -> Iterator[bytes]:
        """One record piece by piece. Raises `Rejected` (truncated_zip)."""
        try:
            with self.archive.open(self.infos[name]) as record:
                while chunk := record.read(CHUNK_BYTES):
                    yield chunk
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise Rejected(
                "truncated_zip", say("The record %(name)s cannot be read.", name=repr(name)[:80])
            ) from error
        except Exception as error:  # zlib.error, LZMAError: each codec has its own
            raise Rejected(
                "truncated_zip",
                say("The record %(name)s cannot be unpacked.", name=repr(name)[:80]),
            ) from error

    def sha256(self) -> str:
        """SHA-256 of the whole file, as hexadecimal digits."""
        self.stream.seek(0)
        digest = hashlib.sha256()
        while chunk := self.stream.read(CHUNK_BYTES):
            digest.update(chunk)
        return digest.hexdigest()


def found_in(stream: BinaryIO) -> Records:
    """The records of a zip, without its one top folder. Raises `Rejected`."""
    archive, entries = directory(stream)
    if len(entries) > MAX_RECORDS:
        raise Rejected(
            "too_many_records",
            say(
                "The archive holds more than %(limit)s records.",
                limit=format(MAX_RECORDS, ","),
            ),
        )
    infos: dict[str, zipfile.ZipInfo] = {}
    tops = set()
    for info in entries:
        if info.orig_filename.endswith("/"):
            continue
        top, _, name = info.orig_filename.partition("/")
        if name in infos:
            raise Rejected(
                "unsafe_names",
                say(
                    "The archive holds the record %(name)s twice. Save the model again.",
                    name=repr(name)[:80],
                ),
            )
        refuse_entry(info)
        tops.add(top)
        infos[name] = info
    if len(tops) != 1 or "" in infos:
        raise Rejected("not_torchscript", say("This zip holds no TorchScript model."))
    return Records(stream, archive, infos)


def directory(stream: BinaryIO) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """A zip and its entries. Raises `Rejected` for a file that is no zip or has two endings."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    if not head:
        raise Rejected("empty_file", say("The file is empty."))
    try:
        archive = zipfile.ZipFile(Guarded(stream))
        entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        if head.startswith(b"PK\x03\x04"):
            raise Rejected(
                "truncated_zip", say("The zip is damaged or cut off. Upload it again.")
            ) from error
        if is_pickle(head):
            raise Rejected(
                "python_pickle", say("This is a Python pickle. This site never loads pickles.")
            ) from error
        raise Rejected("not_a_zip", say("This is not a zip archive.")) from error
    if not has_one_directory(stream):
        raise Rejected(
            "truncated_zip",
            say("The zip has more than one end. Upload the file as torch wrote it."),
        )
    return archive, entries


def refuse_entry(info: zipfile.ZipInfo) -> None:
    """Raises `Rejected` for an unsafe name, and for a compression that torch cannot read."""
    if not is_safe(info.orig_filename):
        raise Rejected(
            "unsafe_names",
            say(
                "The record %(name)s has a name that could lead out of a "
                "folder. Save the model to a file with another name, and extra files "
                "under names without \\ and without . or .. between slashes.",
                name=repr(info.orig_filename)[:120],
            ),
        )
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Rejected("not_torchscript", say("torch cannot unpack this zip."))


class Guarded:
    """A stream for `zipfile` with an upper limit of one read.

    `zipfile` reads the whole central directory before its length can be checked.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes. Raises `Rejected` (too_many_records) above the limit."""
        if size > MAX_DIRECTORY_BYTES:
            raise Rejected("too_many_records", say("The archive's list of records is too long."))
        return self.stream.read(size)


def has_one_directory(stream: BinaryIO) -> bool:
    """Whether the zip's last structure is its only list of records.

    torch and `zipfile` search for the list in different ways, so a second list could hide records
    from one of them.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - END_64.size - LOCATOR.size - END.size))
    tail = stream.read()
    signature, *_, length, offset, comment = END.unpack(tail[-END.size :])
    before = tail[: -END.size]
    if before[-LOCATOR.size :].startswith(b"PK\x06\x07"):
        where = LOCATOR.unpack(before[-LOCATOR.size :])[2]
        if len(before) < END_64.size + LOCATOR.size or where != size - len(tail):
            return False
        signature_64, *_, length, offset = END_64.unpack(before[: END_64.size])
        if signature_64 != b"PK\x06\x06":
            return False
        size -= END_64.size + LOCATOR.size
    return (signature, comment, offset + length) == (b"PK\x05\x06", 0, size - END.size)


def is_safe(name: str) -> bool:
    """Whether a name in a zip can only mean a place below its target folder."""
    return not set(name) & {"\0", "\\"} and not {"", ".", ".."} & set(name.split("/"))


def is_pickle(head: bytes) -> bool:
    """Whether bytes begin like a Python pickle of any protocol."""
    if head.startswith(b"\x80"):
        return True
    try:
        return any(opcode.name == "STOP" for opcode, _, _ in pickletools.genops(head))
    except Exception:  # genops raises whatever its decoders raise
        return False
