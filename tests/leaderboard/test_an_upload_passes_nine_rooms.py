"""Where an upload goes: the files that it passes from the view until a worker is told of it.

CONTRIBUTING.md explains the way. A change that adds a file to it, or one more way back, fails here.
"""

from __future__ import annotations

import functools
import itertools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from leaderboard.celery import app
from leaderboard.models import Team, User
from scoring.formats.onnx.writing import floats, tensor
from tests.leaderboard.test_an_onnx_file_is_an_upload_like_any_other import file as onnx_file

ROOT = Path(__file__).parent.parent.parent

ROOMS = [
    ("leaderboard/web/submissions.py", "upload"),  # reads the form
    ("leaderboard/services/submissions.py", "submit"),  # is the table of contents
    ("leaderboard/services/files.py", "received"),  # has the file on this disk, with its hash
    ("scoring/formats", "inspect"),  # refuses what is no model, and describes what is one
    ("leaderboard/services/quotas.py", "check"),  # counts what the team has left
    ("leaderboard/services/queueing.py", "enqueue"),  # writes the evaluation
    ("leaderboard/services/measurements.py", "key"),  # says which contents share a measurement
    ("leaderboard/services/turns.py", "settle_anew"),  # gives the team its place in the queue
    ("leaderboard/queue.py", "knock"),  # tells a worker, after the commit
]
RETURNS = [
    ("leaderboard/services/files.py", "keep"),  # once the rules allow the upload
    ("leaderboard/services/quotas.py", "check"),  # under the lock of the team
]
FOLDERS = ("scoring/formats/",)
"""A folder with one public module counts as one room, whichever format the file has."""
NO_ROOMS = (
    "leaderboard/models/",  # a row's own facts, and named questions to the tables
    "leaderboard/services/locks.py",  # SQL that Django has no method for
    "leaderboard/services/statements.py",  # likewise
    "leaderboard/web/refusals.py",  # the middleware that turns a bad form into an answer
    "leaderboard/logs.py",
    "scoring/dataclass_json.py",
)
"""Files that know nothing of uploads do not count."""

Step = tuple[str, str]
Send = Callable[..., list[Step]]


@pytest.mark.django_db(transaction=True)
def test_an_upload_passes_nine_rooms_and_goes_back_twice_by_each_door(send: Send) -> None:
    way = send("/competitions/waste/submit/", "model.pt", begins=ROOMS[0])
    assert first_visits(way) == ROOMS
    assert returns(way) == RETURNS
    for address, name in (
        ("/competitions/waste/submit/", "model.onnx"),
        ("/api/v2/competitions/waste/submissions", "another.pt"),
    ):
        behind_the_door = send(address, name, begins=ROOMS[1])
        assert first_visits(behind_the_door) == ROOMS[1:], (address, name)
        assert returns(behind_the_door) == RETURNS, (address, name)


@pytest.fixture
def send(
    client: Client,
    team: Team,
    owner: User,
    make_model: Callable[..., bytes],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Send:
    """Upload a file as the owner; the steps from one on to the message for a worker."""
    files = {
        "model.pt": make_model(1),
        "another.pt": make_model(2),
        "model.onnx": onnx_file(tensor("w", (3, 192), floats(*range(576)))),
    }
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    client.force_login(owner)

    def sent(address: str, name: str, *, begins: Step) -> list[Step]:
        told: list[str] = []

        def tell(task: str, **_: Any) -> None:
            sys.setprofile(None)  # what the door answers is no part of the way
            told.append(task)

        monkeypatch.setattr(app, "send_task", tell)
        with walked() as steps:
            answer = client.post(address, {"file": SimpleUploadedFile(name, files[name])})
        assert answer.status_code in (201, 302), answer.content
        assert told == ["leaderboard.work"]
        return steps[steps.index(begins) :]

    return sent


@contextmanager
def walked() -> Iterator[list[Step]]:
    """Each call from one room into another one."""
    steps: list[Step] = []

    def see(frame: FrameType, event: str, _: object) -> None:
        if event != "call":
            return
        room = room_of(frame.f_code.co_filename)
        if room and room != caller_of(frame):
            steps.append((room, frame.f_code.co_qualname))

    sys.setprofile(see)
    try:
        yield steps
    finally:
        sys.setprofile(None)


def caller_of(frame: FrameType) -> str | None:
    """The nearest room that waits for a call."""
    before = frame.f_back
    while before:
        if room := room_of(before.f_code.co_filename):
            return room
        before = before.f_back
    return None


@functools.cache
def room_of(file: str) -> str | None:
    if not Path(file).is_relative_to(ROOT):
        return None
    name = Path(file).relative_to(ROOT).as_posix()
    if not name.startswith(("leaderboard/", "scoring/")) or name.startswith(NO_ROOMS):
        return None
    return next((one.rstrip("/") for one in FOLDERS if name.startswith(one)), name)


def visits(way: list[Step]) -> list[Step]:
    """The first call of each visit. Two calls in a row into one room are one visit."""
    return [next(calls) for _, calls in itertools.groupby(way, key=lambda step: step[0])]


def first_visits(way: list[Step]) -> list[Step]:
    seen: dict[str, str] = {}
    for room, function in visits(way):
        seen.setdefault(room, function)
    return list(seen.items())


def returns(way: list[Step]) -> list[Step]:
    """Visits to a room that the way had left before."""
    seen: set[str] = set()
    found = []
    for room, function in visits(way):
        if room in seen:
            found.append((room, function))
        seen.add(room)
    return found
