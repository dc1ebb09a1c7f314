"""A real gunicorn on the database of the tests: streaming, waiting, and requests at the same
instant."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from django.db import connection

from leaderboard.models import Competition, Evaluation, Submission, Team, User
from leaderboard.services import tokens
from tests.leaderboard.conftest import finish, report

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        "sqlite" in os.environ["DATABASE_URL"], reason="SQLite's test database is in memory"
    ),
]
MEGABYTE = 1 << 20


@pytest.fixture
def gunicorn(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One process with some threads, as in production; `args[-1]` is its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        listener.set_inheritable(True)
        options = [
            "--worker-class",
            "gthread",
            "--threads",
            "8",
            "--bind",
            f"fd://{listener.fileno()}",
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "leaderboard.wsgi", *options, "--name", address],
            env={
                **os.environ,
                "DEBUG": "1",
                "DATABASE_URL": database_url(),
                "FILES_DIR": str(tmp_path / "files"),
                "TMPDIR": str(tmp_path),
            },
            pass_fds=[listener.fileno()],
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def database_url() -> str:
    """The address of the database that pytest-django made beside the real one."""
    server, query = re.fullmatch(r"([^?]*/)[^/?]*(\?.*)?", os.environ["DATABASE_URL"]).groups("")
    return f"{server}{connection.settings_dict['NAME']}{query}"


@pytest.fixture
def client(gunicorn: subprocess.Popen[bytes], owner: User) -> Iterator[httpx.Client]:
    _, secret = tokens.issue(user=owner, name="CI")
    base = f"http://{gunicorn.args[-1]}/api/v2/"  # type: ignore[index, str-bytes-safe]
    headers = {"Authorization": f"Token {secret}"}
    with httpx.Client(base_url=base, headers=headers, timeout=60) as made:
        assert made.get("me").status_code == 200  # everything is loaded now
        yield made


def post(client: httpx.Client, data: bytes) -> httpx.Response:
    return client.post("competitions/waste/submissions", files={"file": ("model.pt", data)})


def test_a_large_upload_costs_disk_and_not_memory(
    team: Team, client: httpx.Client, gunicorn: subprocess.Popen[bytes]
) -> None:
    before = peak_of_children(gunicorn.pid)
    answer = post(client, bytes(100 * MEGABYTE))
    assert (answer.status_code, answer.json()["code"]) == (400, "not_a_zip")
    assert peak_of_children(gunicorn.pid) - before < 30 * MEGABYTE


def test_what_is_too_large_is_refused_before_it_is_read(
    team: Team, client: httpx.Client, tmp_path: Path
) -> None:
    Competition.objects.update(max_upload_bytes=1000)
    answer = post(client, bytes(100 * MEGABYTE))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert client.get("me").status_code == 200


def test_a_bad_token_is_told_whatever_the_size(team: Team, client: httpx.Client) -> None:
    client.headers["Authorization"] = "Token fw_unknown"
    answer = post(client, bytes(100 * MEGABYTE))
    assert (answer.status_code, answer.json()["code"]) == (401, "unknown_token")


def test_waiting_ends_with_the_evaluation(
    team: Team, client: httpx.Client, submit: Callable[..., Submission]
) -> None:
    submission = submit(team)

    def work() -> None:
        time.sleep(1.5)
        finish(submission.latest_evaluation, report(time_ratio=0.5))
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    begun = time.monotonic()
    body = client.get(f"submissions/{submission.pk}?wait=30").json()
    worker.join()
    assert body["state"] == "scored"
    assert 1 < time.monotonic() - begun < 10


def test_waiting_ends_with_the_time_given(
    team: Team, client: httpx.Client, submit: Callable[..., Submission]
) -> None:
    begun = time.monotonic()
    body = client.get(f"submissions/{submit(team).pk}?wait=1.2").json()
    assert body["state"] == "queued"
    assert 1.2 <= time.monotonic() - begun < 8


def test_many_who_wait_keep_nobody_else_out(
    team: Team, client: httpx.Client, submit: Callable[..., Submission]
) -> None:
    number = submit(team).pk
    waiters = [
        threading.Thread(target=client.get, args=[f"submissions/{number}?wait=8"])
        for _ in range(12)
    ]
    for one in waiters:
        one.start()
    time.sleep(1)
    assert client.get("me").status_code == 200
    assert any(one.is_alive() for one in waiters)
    for one in waiters:
        one.join()


def test_two_uploads_in_the_same_instant_do_not_share_the_last_slot(
    team: Team, client: httpx.Client, make_model: Callable[..., bytes]
) -> None:
    Competition.objects.update(submissions_per_day=1)
    models = [make_model(seed) for seed in range(4)]
    start = threading.Barrier(len(models))
    codes: list[int] = []

    def send(model: bytes) -> None:
        start.wait()
        codes.append(post(client, model).status_code)

    senders = [threading.Thread(target=send, args=[model]) for model in models]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    assert sorted(codes) == [201, 403, 403, 403]
    assert Evaluation.objects.filter(submission__team=team).count() == 1


def test_a_retry_in_the_same_instant_is_one_submission(
    team: Team, client: httpx.Client, model: bytes
) -> None:
    start = threading.Barrier(4)
    numbers: list[int] = []

    def send() -> None:
        start.wait()
        numbers.append(post(client, model).json()["id"])

    senders = [threading.Thread(target=send) for _ in range(4)]
    for one in senders:
        one.start()
    for one in senders:
        one.join()
    assert len(set(numbers)) == 1
    assert Submission.objects.count() == 1


def peak_of_children(pid: int) -> int:
    """The most bytes of memory that a worker of this gunicorn ever had."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = [Path(f"/proc/{child}/status").read_text().splitlines() for child in children]
    peaks = [int(line.split()[1]) for lines in status for line in lines if "VmHWM" in line]
    return max(peaks) * 1024
