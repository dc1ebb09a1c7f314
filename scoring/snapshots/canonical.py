"""One way to write a snapshot: sorted keys, no spaces, UTF-8, the shortest digits of a number.

    {"contents":{...},"seal":{"algorithm":...,"key":...,"sha256":...,"signature":...}}

`sha256` is that of the bytes after `"contents":`. The signature is over this hash, so that a file
of any size is written in one pass.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from scoring.dataclass_json import dumped
from scoring.snapshots import signing

HEAD, MIDDLE, TAIL = b'{"contents":', b',"seal":', b"}"


class NoSnapshot(Exception):
    """The file is no snapshot, or its format is not known here."""


@dataclass(frozen=True)
class Opened:
    """A snapshot as the file has it, before anything is checked."""

    contents: dict[str, Any]
    seal: dict[str, Any]
    sha256: str
    """SHA-256 of the contents, byte by byte as the file has them."""
    is_canonical: bool
    """Whether these bytes are what `write` would write."""


def write(contents: Mapping[str, Any], key: Ed25519PrivateKey, target: BinaryIO) -> str:
    """Write a sealed snapshot. Returns the hash of its contents.

    A value may be an iterator. It becomes a list, and is never in memory as a whole. Keys are
    written in sorted order, so the iterators are read in the order of their keys.
    """
    digest = hashlib.sha256()
    target.write(HEAD)
    for piece in pieces(contents):
        part = piece.encode()
        digest.update(part)
        target.write(part)
    target.write(MIDDLE + text(signing.seal(digest.hexdigest(), key)).encode() + TAIL)
    return digest.hexdigest()


def pieces(value: Any) -> Iterator[str]:
    """The canonical JSON of a value, piece by piece."""
    if isinstance(value, Mapping):
        mark = "{"
        for name in sorted(value):
            yield f"{mark}{text(name)}:"
            yield from pieces(value[name])
            mark = ","
        yield "{}" if mark == "{" else "}"
    elif isinstance(value, Iterator):
        mark = "["
        for one in value:
            yield mark
            yield from pieces(one)
            mark = ","
        yield "[]" if mark == "[" else "]"
    else:
        yield text(dumped(value))


def text(value: Any) -> str:
    """The canonical JSON of a value. Raises `ValueError` for a number that JSON cannot write."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def read(data: bytes) -> Opened:
    """The snapshot in the bytes of a file. Raises `NoSnapshot`."""
    middle = data.rfind(MIDDLE)
    try:
        if not data.startswith(HEAD) or middle < 0 or not data.endswith(TAIL):
            return reformatted(data)
        part = data[len(HEAD) : middle]
        contents = json.loads(part)
        seal = json.loads(data[middle + len(MIDDLE) : -len(TAIL)])
        is_canonical = is_same(contents, part) and is_same(
            seal, data[middle + len(MIDDLE) : -len(TAIL)]
        )
    except (ValueError, RecursionError) as error:
        raise NoSnapshot from error
    if not isinstance(contents, dict) or not isinstance(seal, dict):
        raise NoSnapshot
    return Opened(contents, seal, hashlib.sha256(part).hexdigest(), is_canonical)


def reformatted(data: bytes) -> Opened:
    """A snapshot that another program wrote again, for instance with spaces. Raises
    `NoSnapshot`."""
    found = json.loads(data)
    try:
        contents, seal = dict(found["contents"]), dict(found["seal"])
    except (KeyError, TypeError, ValueError) as error:
        raise NoSnapshot from error
    return Opened(contents, seal, hashlib.sha256(data).hexdigest(), False)


def is_same(value: Any, written: bytes) -> bool:
    """Whether bytes are the canonical JSON of a value."""
    return text(value).encode() == written
