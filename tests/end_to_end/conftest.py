"""Real processes over the test database: web server, workers, beat; uploads really measured."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.files.base import ContentFile
from django.db import connection

from leaderboard.models import Competition, Evaluation, HardwareProfile, User
from leaderboard.services import competitions, references, running, teams, tokens
from tests.leaderboard.conftest import dataset, draft, organizer, owner, rival  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., subprocess.Popen[bytes]]


def wait_until(is_so: Callable[[], object], seconds: float = 300) -> None:
    """Wait for something that other processes do. The limit only ends a test that would hang."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.05)


def verdict(api: httpx.Client, submission: int) -> dict[str, Any]:
    """A submission as the API tells it, once nothing of it is queued or running."""
    said: dict[str, Any] = {}

    def is_over() -> bool:
        answer = api.get(f"submissions/{submission}", params={"wait": 60})
        said.update(answer.json())
        return said["state"] not in ("queued", "running")

    wait_until(is_over)
    return said


@pytest.fixture(autouse=True)
def files_that_processes_share(settings: Any, tmp_path: Path) -> None:
    settings.FILES_DIR = tmp_path / "files"
    settings.CACHE_DIR = tmp_path / "cache"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files"), "base_url": None},
        }
    }
    # The test's own process must not knock at workers of other tests.
    settings.REDIS_URL = ""


@pytest.fixture
def profile(transactional_db: None) -> HardwareProfile:
    return HardwareProfile.objects.create(
        slug="cpu",
        name="One core",
        min_quads=2,
        min_segments=1,
        max_half_width=0,
        max_seconds=0.5,
        canary_every_minutes=0,
    )


@pytest.fixture
def processes() -> list[subprocess.Popen[bytes]]:
    """The processes that `start` has started, the first one first."""
    return []


@pytest.fixture
def start(
    tmp_path: Path, transactional_db: None, processes: list[subprocess.Popen[bytes]]
) -> Iterator[Start]:
    """Start `python ARGUMENTS` as an operator would.

    At the end all processes are stopped before the database is emptied.
    """

    def begin(*arguments: str, **variables: str) -> subprocess.Popen[bytes]:
        log = tmp_path / f"process{len(processes)}.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=environment(tmp_path) | variables,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for number in range(len(processes)):
        print(f"--- process {number}\n{(tmp_path / f'process{number}.log').read_text()[-3000:]}")


def environment(folder: Path) -> dict[str, str]:
    """The environment of an operator, with the test's database and files."""
    return os.environ | {
        "DATABASE_URL": database_url(),
        "SECRET_KEY": "a key for these processes",
        "DEBUG": "1",
        "FILES_DIR": str(folder / "files"),
        "CACHE_DIR": str(folder / "cache"),
        "LEASE_SECONDS": "4",
        "SWEEP_SECONDS": "1",
    }


def database_url() -> str:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    host = connection.settings_dict["HOST"] or connection.settings_dict["OPTIONS"].get("host", "")
    return os.environ["DATABASE_URL"].replace("/featherweight?", f"/{name}?") if host else ""


@pytest.fixture
def site(start: Start) -> str:
    """The address of a gunicorn."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    server = ("-m", "gunicorn", "leaderboard.wsgi", "--bind", f"127.0.0.1:{port}", "--threads", "4")
    start(*server, SITE_URL=address)

    def answers() -> bool:
        try:
            return httpx.get(f"{address}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    wait_until(answers)
    return address


@pytest.fixture
def competition(
    draft: Competition,  # noqa: F811
    organizer: User,  # noqa: F811
    make_model: Callable[..., bytes],
) -> Competition:
    """An open competition, calibrated by a real measuring in this process."""
    upload = ContentFile(make_model(seed=1000), name="reference.pt")
    references.set_reference(competition=draft, upload=upload, name="Linear", by=organizer)
    references.calibrate(competition=draft, by=organizer)
    calibration = running.run_next("cpu")
    calibration.refresh_from_db()
    assert calibration.state == Evaluation.State.SCORED, calibration.error_message
    draft.refresh_from_db()
    competitions.open_(competition=draft, by=organizer)
    return draft


@pytest.fixture
def client(competition: Competition, owner: User) -> Callable[[str], httpx.Client]:  # noqa: F811
    """An API client of a member of the team."""
    teams.create(competition=competition, name="Sorters", by=owner)
    _, secret = tokens.issue(user=owner, name="test")

    def connect(address: str) -> httpx.Client:
        headers = {"Authorization": f"Token {secret}"}
        return httpx.Client(base_url=f"{address}/api/v2/", headers=headers, timeout=90)

    return connect
