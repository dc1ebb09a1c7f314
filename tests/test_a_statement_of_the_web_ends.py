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
from leaderboard.api import errors
kept = settings.DATABASES["default"]
print(kept["CONN_MAX_AGE"], kept["CONN_HEALTH_CHECKS"])
try:
    connection.cursor().execute("SELECT pg_sleep(2)")
    print("slept")
except OperationalError as error:
    print(error, errors.problem(error, None).code)
with connection.cursor() as cursor:
    print(cursor.execute("SHOW lock_timeout").fetchone()[0])
"""


@pytest.mark.skipif("sqlite" in os.environ["DATABASE_URL"], reason="SQLite has no such limit")
@pytest.mark.parametrize(("seconds", "end"), [("1", "query_too_slow"), ("", "slept")])
def test_after_so_many_seconds_and_without_them_never(seconds: str, end: str) -> None:
    url = os.environ["DATABASE_URL"]
    url += "&"[: "?" in url] or "?"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", SLEEP],
        cwd=Path(__file__).parent.parent,
        env=os.environ
        | {"STATEMENT_SECONDS": seconds, "DATABASE_URL": f"{url}options=-c%20lock_timeout%3D7s"},
        capture_output=True,
        text=True,
    )
    kept, said, of_the_url = done.stdout.splitlines()[:3]
    assert kept == "600 True"  # connections are kept, and looked at before they are used
    assert end in said
    assert of_the_url == "7s"
