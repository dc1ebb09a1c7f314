"""Send a file in parts, so that a lost connection costs one part.

If a call leaves an upload unfinished, the next call with the same file ends it. The parts go to the
server by tus 1.0.0, or to the object storage that the server names.

The package tuspy would bring three more packages onto a participant's machine; httpx is there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TransferSpeedColumn

from leaderboard.cli.languages import gettext
from leaderboard.cli.screen import err
from leaderboard.cli.server import UNREACHABLE, WRONG_USAGE, Server, Trouble, config_path

PART_BYTES = 8 << 20
"""A lost connection costs one part."""
PIECE_BYTES = 1 << 16
DELAYS_SECONDS = (1, 2, 4, 8, 15, 30, 60)
"""Between attempts, while nothing gets through."""
PASSING = ("upload_busy", "wrong_offset", "throttled")
"""Refusals that are over in a moment, as when the server still writes the part before."""
MOST_KEPT = 20
TUS = {"Tus-Resumable": "1.0.0"}
Answer = TypeVar("Answer")


def send(
    server: Server, file: Path, competition: str, *, purpose: str, **told: str
) -> dict[str, Any]:
    """Send a file with a bar of progress, and `told` with its last request; the server's answer.

    `purpose`: submission or trial.
    """
    place = Place.of(server, file, competition, purpose)
    columns = gettext("uploading"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with (
        file.open("rb") as source,
        Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress,
    ):
        upload = gone_on(server, place) or begun(server, file, competition, purpose)
        place.keep(upload["key"])
        try:
            send_parts(server, source, upload, progress)
        except NoWay:
            server.ask("DELETE", f"uploads/{upload['key']}", headers=TUS)
            upload = begun(server, file, competition, purpose, is_direct=False)
            place.keep(upload["key"])
            send_parts(server, source, upload, progress)
        except KeyboardInterrupt:
            err.print(
                gettext(
                    "Stopped. Run the same command again within 24 hours: the "
                    "upload continues from here."
                )
            )
            raise
        source.seek(0)
        told["sha256"] = hashlib.file_digest(source, "sha256").hexdigest()
    answer: dict[str, Any] = patiently(lambda: ended(server, upload, purpose, told))
    place.forget()
    return answer


def gone_on(server: Server, place: Place) -> dict[str, Any] | None:
    """The upload that an earlier call began. None if there is none, or if the server removed it."""
    key = place.kept()
    if key is None:
        return None
    try:
        upload: dict[str, Any] = server.ask("GET", f"uploads/{key}")
    except Trouble as trouble:
        if trouble.code == "unknown_upload":
            return None
        raise
    if upload["offset"]:
        percent = round(100 * upload["offset"] / upload["size_bytes"])
        err.print(gettext("The upload continues at %(percent)d %%.") % {"percent": percent})
    return upload


class NoWay(Exception):
    """The object storage cannot be reached from this machine. The server can."""


def send_parts(
    server: Server, source: BufferedReader, upload: dict[str, Any], progress: Progress
) -> None:
    """Send what is missing of a file. Raises `NoWay`."""
    task = progress.add_task("", total=upload["size_bytes"], completed=upload["offset"])
    kind = DirectParts if upload.get("direct") else Parts
    parts = kind(server, source, upload, progress, task)
    while parts.are_missing:
        patiently(parts.send_next)


def begun(
    server: Server, file: Path, competition: str, purpose: str, *, is_direct: bool = True
) -> dict[str, Any]:
    """A new upload. `is_direct`: the server may name its object storage for the parts."""
    words = {"filename": file.name, "purpose": purpose} | ({"direct": ""} if is_direct else {})
    # A word without a value has no space either: no header may end with one.
    encoded = (
        f"{word} {base64.b64encode(one.encode()).decode()}".rstrip() for word, one in words.items()
    )
    headers = {"Upload-Length": str(file.stat().st_size), "Upload-Metadata": ",".join(encoded)}
    upload: dict[str, Any] = server.ask(
        "POST", f"competitions/{competition}/uploads", headers=TUS | headers
    )
    return upload


def ended(server: Server, upload: dict[str, Any], purpose: str, told: dict[str, str]) -> Any:
    """What the server makes of the whole file. A repeated request gets the same answer."""
    patience = httpx.Timeout(60, read=600)
    return server.ask("POST", f"uploads/{upload['key']}/{purpose}", json=told, timeout=patience)


def patiently(act: Callable[[], Answer]) -> Answer:
    """Do something again after a lost connection, and while the server is away or busy.

    Raises `Trouble` when all of `DELAYS_SECONDS` have passed.
    """
    for seconds in DELAYS_SECONDS:
        try:
            return act()
        except Trouble as trouble:
            if trouble.exit_code != UNREACHABLE and trouble.code not in PASSING:
                raise
        err.print(
            gettext("The connection was lost. The upload continues in %(seconds)d s.")
            % {"seconds": seconds}
        )
        time.sleep(seconds)
    return act()


@dataclass
class Parts:
    """Sends the parts of a file that the server does not have."""

    server: Server
    source: BufferedReader
    upload: dict[str, Any]
    progress: Progress
    task: TaskID
    is_known: bool = True
    """Whether `upload` tells what the server has. After a lost connection the server may have
    more."""

    @property
    def are_missing(self) -> bool:
        return bool(not self.is_known or self.upload["offset"] < self.upload["size_bytes"])

    def send_next(self) -> None:
        address = f"uploads/{self.upload['key']}"
        if not self.is_known:
            self.upload = self.server.ask("GET", address)
            self.is_known = True
        start = self.upload["offset"]
        size = min(PART_BYTES, self.upload["size_bytes"] - start)
        if not size:
            return
        headers = {
            "Upload-Offset": str(start),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(size),
        }
        self.is_known = False
        self.server.ask("PATCH", address, content=self.pieces(start, size), headers=TUS | headers)
        self.upload["offset"] = start + size
        self.is_known = True

    def pieces(self, start: int, size: int) -> Iterator[bytes]:
        self.source.seek(start)
        for at in range(start, start + size, PIECE_BYTES):
            self.progress.update(self.task, completed=at)
            piece = self.source.read(min(PIECE_BYTES, start + size - at))
            if not piece:
                raise Trouble(WRONG_USAGE, gettext("The file changed while it was sent."))
            yield piece


class DirectParts(Parts):
    """Sends the parts that the object storage does not have to the addresses of the server."""

    @property
    def are_missing(self) -> bool:
        return not self.is_known or self.next_number is not None

    @property
    def next_number(self) -> int | None:
        direct = self.upload["direct"]
        count = -(-self.upload["size_bytes"] // direct["part_bytes"])
        there = set(direct["parts"])
        return next((number for number in range(1, count + 1) if number not in there), None)

    def send_next(self) -> None:
        key = self.upload["key"]
        if not self.is_known:
            self.upload = self.server.ask("GET", f"uploads/{key}")
            self.is_known = True
        number = self.next_number
        if number is None:
            return
        each = self.upload["direct"]["part_bytes"]
        start = (number - 1) * each
        size = min(each, self.upload["size_bytes"] - start)
        self.source.seek(start)
        digest = hashlib.sha256(self.source.read(size))
        wanted = [{"number": number, "sha256": digest.hexdigest()}]
        [address] = self.server.ask("POST", f"uploads/{key}/parts", json={"parts": wanted})
        self.is_known = False
        self.put(address, start, size)
        self.upload["direct"]["parts"].append(number)
        self.is_known = True

    def put(self, address: dict[str, Any], start: int, size: int) -> None:
        """Send one part to the storage. The request has no token, because the storage is another
        server.

        Raises `NoWay`.
        """
        headers = address["headers"] | {"Content-Length": str(size)}
        host = urlsplit(address["url"]).hostname
        try:
            answer = httpx.put(
                address["url"], content=self.pieces(start, size), headers=headers, timeout=60
            )
        except httpx.TransportError as error:
            if isinstance(error, httpx.ConnectError) and not self.upload["direct"]["parts"]:
                raise NoWay from error
            sentence = gettext("%(host)s cannot be reached: %(error)s")
            raise Trouble(UNREACHABLE, sentence % {"host": host, "error": error}) from error
        if not answer.is_success:  # it is away, or the address is too old
            sentence = gettext(
                "%(host)s answered %(status)d to a part of the file. Send the file again."
            )
            raise Trouble(UNREACHABLE, sentence % {"host": host, "status": answer.status_code})


@dataclass(frozen=True)
class Place:
    """Where the key of an unfinished upload is kept, beside the token."""

    path: Path
    about: str
    """What makes it the same upload: server, competition, purpose, path, size and time of change of
    the file."""

    @classmethod
    def of(cls, server: Server, file: Path, competition: str, purpose: str) -> Place:
        found = file.stat()
        about = (
            server.client.base_url,
            competition,
            purpose,
            file.resolve(),
            found.st_size,
            found.st_mtime_ns,
        )
        return cls(config_path().with_name("uploads.json"), " ".join(map(str, about)))

    def kept(self) -> str | None:
        return self.all().get(self.about)

    def keep(self, key: str) -> None:
        self.write(self.all() | {self.about: key})

    def forget(self) -> None:
        rest = self.all()
        rest.pop(self.about, None)
        self.write(rest)

    def all(self) -> dict[str, str]:
        try:
            return dict(json.loads(self.path.read_text()))
        except (OSError, ValueError):  # none was kept, or the file was cut
            return {}

    def write(self, keys: dict[str, str]) -> None:
        """Without a place to write, as in some CI jobs, nothing is kept for the next call."""
        with suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(json.dumps(dict(list(keys.items())[-MOST_KEPT:])))
