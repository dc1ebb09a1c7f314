"""Where images come from: the files of a folder or of a zip, by the same rules."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scoring.errors import BadDataset
from scoring.images import names
from scoring.images.records import Unusable
from scoring.sentences import Sentence, say

MAX_FILES = 1_000_000
MAX_FILE_BYTES = 64 << 20
MAX_TOTAL_BYTES = 64 << 30

READABLE = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
OTHER_ARCHIVES = {
    b"Rar!": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
}
IS_UTF8, IS_ENCRYPTED = 0x800, 0x1
UNICODE_PATH = 0x7075
"""The extra field in which Info-ZIP keeps a name in UTF-8."""


@dataclass(frozen=True)
class Source:
    """The files below one place by their names, without those that tools left there and without
    texts such as a readme."""

    sizes: Mapping[str, int]
    """Bytes of every file, unpacked."""
    ignored: Mapping[str, int]
    """Files that were passed over: how many, by the telling part of the name."""
    encoding: str
    """As which the names were read."""
    other_encodings: tuple[str, ...]
    read_raw: Callable[[str], bytes]
    """A file by its name; raises whatever its codec raises."""

    def read(self, name: str) -> bytes:
        """One file. Raises `Unusable` if it cannot be read or unpacked."""
        try:
            return self.read_raw(name)
        except Exception as error:  # each codec has its own errors
            said = say("%(name)s cannot be unpacked or read.", name=names.shown(name))
            raise Unusable(said) from error


@dataclass(frozen=True)
class Entry:
    """One file. `text` is its name if the encoding is known, else None and `raw` counts."""

    raw: bytes
    text: str | None
    size: int
    is_link: bool = False


@contextmanager
def opened(path: Path, encoding: str | None = None) -> Iterator[Source]:
    """The files of a folder or zip. Raises `BadDataset`."""
    if path.is_dir():
        yield folder(path, encoding)
        return
    try:
        archive = zipfile.ZipFile(path)
    except UnicodeDecodeError as error:
        raise BadDataset(
            "wrong_encoding",
            say(
                "%(name)s is marked as having UTF-8 names, but they are not UTF-8. Pack the "
                "folder again with another program.",
                name=path.name,
            ),
        ) from error
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
        raise BadDataset("not_a_zip", *not_a_zip(path)) from error
    with archive:
        yield unpacked(archive, encoding)


def not_a_zip(path: Path) -> tuple[Sentence, ...]:
    """What a file is that is no zip, and what to do."""
    said = say("%(name)s is neither a folder nor a readable zip.", name=path.name)
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError:
        return (said,)
    kind = next((kind for start, kind in OTHER_ARCHIVES.items() if head.startswith(start)), None)
    if kind is None:
        return (said,)
    unpack = say(
        "This is an archive of the kind %(kind)s. Unpack it, and pack its folder as a zip.",
        kind=kind,
    )
    return said, unpack


def folder(root: Path, encoding: str | None) -> Source:
    """The files of a folder on disk, without following links. Raises `BadDataset`."""

    def fail(error: OSError) -> None:
        raise BadDataset(
            "unreadable",
            say(
                "A folder cannot be read: %(filename)s: %(strerror)s.",
                filename=str(error.filename),
                strerror=str(error.strerror),
            ),
        )

    top = os.fsencode(root)
    entries = []
    for here, folders, files in os.walk(top, onerror=fail):
        for file in (*files, *folders):
            path = os.path.join(here, file)
            about = os.lstat(path)
            if stat.S_ISREG(about.st_mode) or stat.S_ISLNK(about.st_mode):
                raw = os.path.relpath(path, top)
                entries.append(Entry(raw, None, about.st_size, stat.S_ISLNK(about.st_mode)))
    places: dict[str, bytes] = {}

    def read(name: str) -> bytes:
        return Path(os.fsdecode(os.path.join(top, places[name]))).read_bytes()

    entries.sort(key=lambda entry: entry.raw)
    found, source = listed(entries, encoding, read)
    places.update((name, entries[number].raw) for name, number in found.items())
    return source


def unpacked(archive: zipfile.ZipFile, encoding: str | None) -> Source:
    """The files of a zip, which stays packed. Raises `BadDataset`."""
    infos = [info for info in archive.infolist() if not info.is_dir()]
    entries = [entry(info) for info in infos]
    places: dict[str, zipfile.ZipInfo] = {}
    found, source = listed(entries, encoding, lambda name: archive.read(places[name]))
    places.update((name, infos[number]) for name, number in found.items())
    for name, info in places.items():
        refuse_locked(name, info)
    return source


def listed(
    entries: Sequence[Entry], encoding: str | None, read: Callable[[str], bytes]
) -> tuple[dict[str, int], Source]:
    """The indices of the entries that count, by name, and their source. Raises `BadDataset`."""
    ignored: Counter[str] = Counter()
    kept: dict[int, Entry] = {}
    for number, one in enumerate(entries):
        passed = names.passed_over(one.text.encode(errors="replace") if one.text else one.raw)
        if passed or one.is_link:
            ignored[(passed or "links").rstrip("\r")] += 1
        else:
            kept[number] = one
    decoded = names.decoded([one.raw for one in kept.values() if one.text is None], encoding)
    texts = iter(decoded.names)
    found: dict[str, int] = {}
    for number, one in kept.items():
        name = next(texts) if one.text is None else one.text
        while name.startswith("./"):
            name = name.removeprefix("./")
        names.refuse_unsafe(name)
        if name in found:
            raise BadDataset(
                "unsafe_names",
                say("There are two files with the same name: %(name)s.", name=names.shown(name)),
            )
        found[name] = number
    sizes = {name: entries[number].size for name, number in found.items()}
    refuse_bombs(sizes)
    source = Source(sizes, dict(ignored), decoded.encoding, decoded.others, read)
    return found, source


def entry(info: zipfile.ZipInfo) -> Entry:
    """A file of a zip. `zipfile` reads a name without the UTF-8 flag as code page 437."""
    link = stat.S_ISLNK(info.external_attr >> 16)
    if info.flag_bits & IS_UTF8:
        name = info.orig_filename
        return Entry(name.encode("utf-8", "surrogateescape"), name, info.file_size, link)
    raw = info.orig_filename.encode("cp437")
    return Entry(raw, unicode_path(info.extra, raw), info.file_size, link)


def unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in Info-ZIP's extra field, if that field was made for the name `raw`."""
    while len(extra) >= 4:
        kind, size = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == UNICODE_PATH and field[:5] == struct.pack("<BI", 1, zlib.crc32(raw)):
            return field[5:].decode(errors="replace")
    return None


def refuse_locked(name: str, info: zipfile.ZipInfo) -> None:
    """Raises `BadDataset` for a file that cannot be unpacked here."""
    if info.flag_bits & IS_ENCRYPTED:
        raise BadDataset(
            "encrypted_zip",
            say(
                "%(name)s is protected with a password. Pack the zip without a password.",
                name=names.shown(name),
            ),
        )
    if info.compress_type not in READABLE:
        method = METHODS.get(info.compress_type, f"method {info.compress_type}")
        raise BadDataset(
            "unknown_compression",
            say(
                "%(name)s is packed with %(method)s, which cannot be unpacked here. Pack "
                "the zip again with Deflate, or without compression.",
                name=names.shown(name),
                method=method,
            ),
        )


def refuse_bombs(sizes: Mapping[str, int]) -> None:
    """Raises `BadDataset` for too many files or bytes, unpacked."""
    if len(sizes) > MAX_FILES or sum(sizes.values()) > MAX_TOTAL_BYTES:
        raise BadDataset(
            "too_large",
            say(
                "More than %(files)s files or %(gib)s GiB unpacked.",
                files=format(MAX_FILES, ","),
                gib=MAX_TOTAL_BYTES >> 30,
            ),
        )
    if large := sorted(name for name, size in sizes.items() if size > MAX_FILE_BYTES):
        raise BadDataset(
            "too_large",
            say(
                "%(name)s is larger than %(mib)s MiB.",
                name=names.shown(large[0]),
                mib=MAX_FILE_BYTES >> 20,
            ),
        )
