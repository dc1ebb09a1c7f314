"""Tests of compare-and-swap and of the write lock run once more on the embedded database.

The whole way of an upload on SQLite is the check of the demo, `make demo-check`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = (
    "tests/leaderboard/test_uploads_are_accepted_or_refused_with_a_code.py",
    "tests/leaderboard/test_evaluations_are_never_stuck_or_recorded_twice.py",
    "tests/leaderboard/test_a_tied_top_is_measured_again.py",
    "tests/leaderboard/test_the_panel_and_boards_grow_calmly.py",
)


@pytest.mark.skipif(
    os.environ.get("DATABASE_URL", "").startswith("sqlite"), reason="this is that run"
)
def test_uploads_leases_and_boards_hold_on_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/db.sqlite3"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *FILES],
        env=os.environ | {"DATABASE_URL": url, "REDIS_URL": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-5000:]
