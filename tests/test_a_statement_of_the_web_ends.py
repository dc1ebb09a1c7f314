"""STATEMENT_SECONDS: no query of a web process keeps the database busy without end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SLEEP = """
from django.db import connection, OperationalError
from django.conf import settings
kept = settings.DATABASES["default"]
print(kept["CONN_MAX_AGE"], kept["CONN_HEALTH_CHECKS"])
try:
    connection.cursor().execute("SELECT pg_sleep(2)")
    print("slept")
except OperationalError as error:
    print(error)
"""


@pytest.mark.skipif("sqlite" in os.environ["DATABASE_URL"], reason="SQLite has no such limit")
@pytest.mark.parametrize(("seconds", "end"), [("1", "canceling statement"), ("", "slept")])
def test_after_so_many_seconds_and_without_them_never(seconds: str, end: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", SLEEP],
        cwd=Path(__file__).parent.parent,
        env=os.environ | {"STATEMENT_SECONDS": seconds},
        capture_output=True,
        text=True,
    )
    kept, said = done.stdout.splitlines()[:2]
    assert kept == "600 True"  # connections are kept, and looked at before they are used
    assert end in said
