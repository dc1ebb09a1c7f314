"""`featherweight submit` sends a file in parts, and goes on by itself after a lost connection.

If a call is stopped, the next call goes on where it ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client

from leaderboard.cli import sending
from leaderboard.cli.server import Server, Trouble
from leaderboard.models import PartialUpload, Submission, Team, Trial, User
from leaderboard.services import tokens

pytestmark = pytest.mark.django_db
Lose = Callable[[int], None]


class Line(httpx.BaseTransport):
    """The site in this process, over a connection that is lost in the middle of some parts."""

    def __init__(self) -> None:
        self.parts = 0
        self.bytes = 0
        self.before: dict[int, Callable[[bytes], bytes]] = {}
        """How much of a part arrives before the connection is lost, by the number of the part."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        if request.method != "PATCH":
            return arrive(request, body)
        arrives = self.before.get(self.parts)
        self.parts += 1
        if arrives is None:
            self.bytes += len(body)
            return arrive(request, body)
        if part := arrives(body):
            arrive(request, part)
        raise httpx.ReadError("the line was lost")


def arrive(request: httpx.Request, body: bytes) -> httpx.Response:
    """The site's answer to a request of which only so much of the body has arrived."""
    headers = dict(request.headers)
    kind, size = headers.pop("content-type", ""), headers.pop("content-length", "0")
    how: Any = {"CONTENT_LENGTH": size, "headers": headers}
    client = Client(raise_request_exception=False)
    got = client.generic(request.method, request.url.raw_path.decode(), body, kind, **how)
    return httpx.Response(got.status_code, headers=dict(got.headers), content=got.content)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Line:
    monkeypatch.setattr(sending, "config_path", lambda: tmp_path / "kept" / "config.json")
    monkeypatch.setattr(sending, "PART_BYTES", 1000)
    return Line()


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the command would have slept."""
    seconds: list[float] = []
    monkeypatch.setattr("time.sleep", seconds.append)
    return seconds


@pytest.fixture
def server(line: Line, team: Team, owner: User) -> Server:
    _, secret = tokens.issue(user=owner, name="CI")
    headers = {"Authorization": f"Token {secret}"}
    client = httpx.Client(base_url="http://localhost/api/v2", headers=headers, transport=line)
    return Server(client)


def send(server: Server, file: Path, purpose: str = "submission", **told: str) -> Any:
    return sending.send(server, file, "waste", purpose=purpose, **told)


def nothing(body: bytes) -> bytes:
    return b""


def half(body: bytes) -> bytes:
    return body[:500]


def test_a_lost_line_costs_a_part_at_most(
    server: Server, line: Line, file: Path, waited: list[float], capsys: Any
) -> None:
    line.before = {1: half, 2: nothing, 3: nothing, 4: bytes}
    answer = send(server, file, note="CI")
    assert answer["is_new"]
    one = Submission.objects.get()
    assert (one.note, one.door, one.file.read()) == ("CI", "api", file.read_bytes())
    assert waited == [1, 2, 4, 8], "nothing got through three times; the last part did, unsaid"
    assert line.bytes < one.size_bytes
    told = capsys.readouterr().err
    assert "The connection was lost. The upload continues in 4 s." in told


def test_the_next_call_goes_on_where_one_was_stopped(
    server: Server, line: Line, file: Path, waited: list[float], capsys: Any, tmp_path: Path
) -> None:
    def stop(body: bytes) -> bytes:
        raise KeyboardInterrupt

    line.before = {2: stop}
    with pytest.raises(KeyboardInterrupt):
        send(server, file)
    assert "the upload continues from" in capsys.readouterr().err
    first = line.bytes
    send(server, file)
    assert "The upload continues at" in capsys.readouterr().err
    assert line.bytes == Submission.objects.get().size_bytes
    assert first == 2000
    assert json.loads((tmp_path / "kept" / "uploads.json").read_text()) == {}
    assert send(server, file)["is_new"] is False, "another call sends it again"


def test_what_the_server_has_forgotten_begins_again(
    server: Server, line: Line, file: Path, waited: list[float]
) -> None:
    line.before = dict.fromkeys(range(1, 9), nothing)
    with pytest.raises(Trouble, match="cannot be reached"):
        send(server, file)
    assert sum(waited) == 120
    PartialUpload.objects.all().delete()
    assert send(server, file)["is_new"]


def test_a_file_that_changes_meanwhile_is_refused(
    server: Server, line: Line, file: Path, waited: list[float]
) -> None:
    def change(body: bytes) -> bytes:
        file.write_bytes(b"x" + file.read_bytes()[1:])
        return b""

    line.before = {2: change}
    with pytest.raises(Trouble) as caught:
        send(server, file)
    assert caught.value.code == "wrong_hash"
    assert not Submission.objects.exists()


def test_a_trial_goes_the_same_way_also_where_nothing_can_be_kept(
    server: Server, file: Path, monkeypatch: Any, tmp_path: Path
) -> None:
    (tmp_path / "kept").write_text("a file where the folder would be")
    assert send(server, file, "trial")["state"] == "queued"
    assert Trial.objects.count() == 1
