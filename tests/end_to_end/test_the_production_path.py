"""gunicorn, Celery workers and beat over PostgreSQL and Valkey: what docker-compose.yml runs."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable

import httpx
import pytest
from django.conf import settings
from django.db import connection

from leaderboard.models import Evaluation, HardwareProfile, Worker
from tests.end_to_end.conftest import Start, verdict, wait_until

WORKER = ("-m", "celery", "-A", "leaderboard", "worker", "-c", "1", "--prefetch-multiplier", "1")
State = Evaluation.State


@pytest.fixture(autouse=True)
def needs_servers(transactional_db: None) -> None:
    if connection.vendor != "postgresql" or not os.environ.get("REDIS_URL"):
        pytest.skip("the production path needs PostgreSQL and Valkey")


def worker(start: Start) -> subprocess.Popen[bytes]:
    return start(*WORKER, "-Q", "cpu", "-n", f"cpu{os.urandom(4).hex()}@%h")


def beat(start: Start) -> subprocess.Popen[bytes]:
    return start(*WORKER, "-B", "-s", f"{settings.FILES_DIR}-beat", "-Q", "site", "-n", "site@%h")


def test_an_upload_by_api_is_scored_by_a_celery_worker(
    start: Start, site: str, client: Callable[[str], httpx.Client], model: bytes
) -> None:
    worker(start)
    api = client(site)
    answer = api.post("competitions/waste/submissions", files={"file": ("model.pt", model)})
    assert answer.status_code == 201, answer.text
    submission = answer.json()["id"]
    said = verdict(api, submission)
    assert said["state"] == "scored"
    assert said["time_ratio"] > 0
    board = api.get("competitions/waste/boards/public").json()
    assert [row["team"] for row in board["results"]] == ["Sorters"]
    report = Evaluation.objects.get(submission=submission).report()
    assert report
    assert report.hardware["cpu"]
    assert report.versions["torch"]


def test_a_killed_worker_and_lost_knocks_lose_nothing(
    start: Start, site: str, client: Callable[[str], httpx.Client], model: bytes
) -> None:
    first = worker(start)
    api = client(site)
    answer = api.post("competitions/waste/submissions", files={"file": ("model.pt", model)})
    evaluation = Evaluation.objects.get(submission=answer.json()["id"])

    def is_running() -> bool:
        evaluation.refresh_from_db()
        return evaluation.state == State.RUNNING

    wait_until(is_running)
    os.killpg(first.pid, signal.SIGKILL)
    # Nobody knocks any more but the sweep of beat, which also returns the expired lease.
    beat(start)
    worker(start)
    said = verdict(api, evaluation.submission_id)
    evaluation.refresh_from_db()
    assert said["state"] == "scored"
    assert evaluation.attempt == 2


def test_what_waits_beside_a_sidelined_worker_is_measured_once_it_is_fit(
    start: Start, site: str, client: Callable[[str], httpx.Client], model: bytes
) -> None:
    # Less than no foreign load: no worker can please this profile.
    HardwareProfile.objects.update(canary_every_minutes=60, max_foreign_load=-1)
    Worker.objects.all().delete()  # this process, which calibrated
    beat(start)
    worker(start)
    api = client(site)
    answer = api.post("competitions/waste/submissions", files={"file": ("model.pt", model)})
    submission = answer.json()["id"]
    wait_until(lambda: Worker.objects.filter(state=Worker.State.SIDELINED).exists())
    said = api.get(f"submissions/{submission}").json()
    assert (said["state"], said["queue"]["is_held"]) == ("queued", True)
    HardwareProfile.objects.update(canary_every_minutes=0)
    said = verdict(api, submission)
    assert said["state"] == "scored"


def test_a_celery_worker_that_is_stopped_gives_back_what_it_measures(
    start: Start, site: str, client: Callable[[str], httpx.Client], model: bytes
) -> None:
    celery = worker(start)
    answer = client(site).post(
        "competitions/waste/submissions", files={"file": ("model.pt", model)}
    )
    evaluation = Evaluation.objects.get(submission=answer.json()["id"])

    def is_running() -> bool:
        evaluation.refresh_from_db()
        return evaluation.state == State.RUNNING

    wait_until(is_running)
    celery.terminate()
    celery.wait(60)
    evaluation.refresh_from_db()
    assert (evaluation.state, evaluation.faults) == (State.QUEUED, 0)
