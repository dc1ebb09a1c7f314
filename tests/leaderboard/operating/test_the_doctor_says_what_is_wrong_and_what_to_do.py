"""`manage.py doctor`, /healthz and /readyz: one table of checks, each with what to do."""

from __future__ import annotations

import json
import os
import smtplib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import OperationalError
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone

import scoring
from leaderboard.models import Evaluation, HardwareProfile, Submission, Team, User, Worker
from leaderboard.services import containment, health, workers
from leaderboard.services.health import data, setup, work
from scoring.sentences import say

pytestmark = pytest.mark.django_db
GOOD_KEY = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO"


@pytest.fixture(autouse=True)
def installed_well(settings: Any, organizer: User) -> None:
    """An installation at which nothing is wrong."""
    settings.DEBUG = False
    settings.SECRET_KEY = GOOD_KEY
    settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
    settings.EMAIL_URL = "smtp://mail.example.org"
    caches["process"].clear()  # /readyz keeps an answer


def worker(profile: HardwareProfile, name: str = "lab:1", **fields: Any) -> Worker:
    now = timezone.now()
    return Worker.objects.create(
        **{"name": name, "profile": profile, "started_at": now, "seen_at": now} | fields
    )


def wait(minutes: int) -> None:
    Evaluation.objects.filter(state="queued").update(
        queued_at=timezone.now() - timedelta(minutes=minutes)
    )


def found(*names: str) -> list[tuple[str, str, str]]:
    return [(one.check, str(one.level), one.said) for one in health.examine(names)]


def doctor(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    try:
        call_command("doctor", *options, no_color=True)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    return code, capsys.readouterr().out


def test_a_good_installation_is_told_in_a_line_for_each_check(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = doctor(capsys)
    assert code == 0, said
    assert [line.split() for line in said.splitlines()] == [["ok", one] for one in health.NAMES]


def test_exit_codes_options_and_json(capsys: pytest.CaptureFixture[str], settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert doctor(capsys, "--only", "hosts")[0] == 0, "a warning"
    assert doctor(capsys, "--only", "hosts", "--strict")[0] == 1
    settings.SECRET_KEY = "short"
    code, said = doctor(capsys, "--json", "--without", "sandbox", "front")
    rows = {row["check"]: row for row in json.loads(said)}
    assert code == 1
    assert set(rows) == set(health.NAMES) - {"sandbox", "front"}
    assert rows["secret_key"]["level"] == "error"
    assert rows["secret_key"]["said"] == "SECRET_KEY is short: 5 characters."
    assert rows["secret_key"]["advice"].startswith("Use 50 random characters")
    code, said = doctor(capsys, "--only", "secret_key")
    assert said.splitlines()[0].split(maxsplit=2)[:2] == ["error", "secret_key"]
    assert said.splitlines()[1].strip().startswith("Use 50")


def test_settings(settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    User.objects.update(is_superuser=False)
    assert found("people")[0][1] == "warning"
    settings.ALLOWED_HOSTS = ["other.example.org"]
    assert found("hosts") == [
        ("hosts", "error", "ALLOWED_HOSTS lacks 127.0.0.1, the host of SITE_URL.")
    ]
    settings.DEBUG, settings.SITE_HOST = True, "example.org"
    assert "DEBUG is on" in found("secret_key")[0][2]
    secret = tmp_path / "secret"
    secret.write_text("x")
    monkeypatch.setenv("SECRET_KEY_FILE", str(secret))
    secret.chmod(0o644)
    assert [one[1] for one in found("key_files")] == ["warning"]
    secret.chmod(0o400)
    assert found("key_files") == [("key_files", "ok", "")]
    settings.SITE_URL, settings.ALLAUTH_TRUSTED_PROXY_COUNT = "http://example.org", 0
    monkeypatch.setattr(setup, "answer", lambda address: iter(()))
    assert "not an https" in found("front")[0][2]


def test_mail(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def __enter__(self) -> None:
            raise smtplib.SMTPAuthenticationError(535, b"no")

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(setup, "get_connection", Closed)
    assert "SMTPAuthenticationError" in found("mail")[0][2]
    settings.EMAIL_URL = ""
    assert found("mail") == [("mail", "warning", "Mail is not set up.")]


def test_queues_and_workers(
    profile: HardwareProfile, team: Team, submit: Callable[..., Submission], settings: Any
) -> None:
    assert found("queue", "calibration", "versions", "sweep", "post", "clock", "broker") == [
        (name, "ok", "")
        for name in ("clock", "broker", "queue", "sweep", "post", "calibration", "versions")
    ]
    submit(team)
    wait(minutes=5)
    [(_, level, said)] = found("queue")
    assert (level, said) == (
        "error",
        "No worker of One core can accept work: 1 wait, the first one for 5 min.",
    )
    first = worker(profile, versions={"torch": "2.13.0", "protocol": "9"})
    assert found("queue")[0][1] == "ok"
    wait(minutes=70)
    assert found("queue")[0][2] == "Queue of One core: the first of 1 waits for 70 min."
    settings.QUEUE_MINUTES = 90
    assert found("queue")[0][1] == "ok"
    worker(profile, "lab:2", versions={"torch": "2.13.1", "protocol": "9"})
    assert found("versions")[0][2] == (
        "Workers of One core have unequal versions: torch 2.13.0, 2.13.1."
    )
    workers.sideline(first, [say("Too loud.").to_json()])
    assert found("calibration")[0][2] == "Worker lab:1 of One core accepts no work: Too loud."
    Worker.objects.filter(name="lab:2").update(drained_at=timezone.now())
    assert found("queue")[0][1] == "error"


def test_a_sweep_that_does_not_run_and_faults(
    team: Team, submit: Callable[..., Submission]
) -> None:
    Evaluation.objects.filter(pk=submit(team).latest_evaluation.pk).update(
        state="running", lease_expires_at=timezone.now() - timedelta(minutes=9)
    )
    assert "No process has swept" in found("sweep")[0][2]
    Evaluation.objects.update(state="error", finished_at=timezone.now())
    assert [one[1] for one in found("sweep", "faults")] == ["ok", "warning"]


def test_what_is_kept(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    monkeypatch.setattr(data, "LEAST_FREE_BYTES", 1 << 60)
    monkeypatch.setattr(data, "LEAST_FREE_SHARE", 1.0)
    assert {one[1] for one in found("room")} == {"error"}
    monkeypatch.setattr(data, "migrated", set())
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_: [("0009_x", False)])
    assert found("migrations") == [
        ("migrations", "error", "Migrations that are not applied: 1, first 0009_x.")
    ]

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(default_storage, "save", full)
    assert "No space left on device" in found("storage")[0][2]


def test_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaches(plan: Any) -> Any:
        raise scoring.EngineError("sandbox_unavailable", say("It lacks landlock."))

    monkeypatch.setattr(containment, "breaches", breaches)
    assert found("sandbox") == [("sandbox", "error", "It lacks landlock.")]


def test_a_check_that_breaks_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise OperationalError("no route")

    monkeypatch.setattr(os, "access", away)
    assert found("room", "hosts") == [
        ("room", "error", "The database does not answer: no route"),
        ("hosts", "ok", ""),
    ]
    monkeypatch.setattr(os, "access", lambda *_: 1 / 0)
    assert "This check failed: ZeroDivisionError" in found("room")[0][2]


def test_health_checks_know_the_age_of_the_queue(
    client: Client,
    team: Team,
    submit: Callable[..., Submission],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "queue_seconds": 0}
    submit(team)
    wait(minutes=2)
    assert client.get("/healthz").json()["queue_seconds"] in range(119, 130)
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"] == {"database": "ok", "migrations": "ok", "storage": "ok"}
    assert ready.json()["queue_seconds"] in range(119, 130)
    monkeypatch.setattr(data, "migrated", set())
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *_: [("0009_x", False)])
    assert client.get("/readyz").status_code == 200, "anybody may ask: a look is kept for seconds"
    caches["process"].clear()
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
    assert "queue_seconds" not in ready.json(), "its columns may be missing"


def test_the_sweep_is_noted() -> None:
    work.note_sweep()
    assert found("sweep") == [("sweep", "ok", "")]
