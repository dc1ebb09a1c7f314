"""A site of the last release works with the present code: the same boards, the same files.

`dumps/` has the backup of a contest from each release. Before the first release the test makes one
from the present tables, so that the restoring itself is tested.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.leaderboard.operating.dumping import DUMPS, ROOT
from tests.leaderboard.operating.test_a_backup_comes_back_whole import manage

ASK = """
from django.test import Client
from django.conf import settings
settings.ALLOWED_HOSTS = ["testserver"]
for board in ("public", "private"):
    url = f"/api/v2/competitions/whole/boards/{board}?limit=1000"
    print(Client().get(url).content.decode())
snapshot = Client().get("/competitions/whole/snapshot.json")
print(len(b"".join(snapshot.streaming_content)))
"""


def releases() -> list[str]:
    """The versions that CHANGELOG.md has a heading of."""
    return re.findall(r"^## (\d+\.\d+\S*)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_each_release_has_left_a_dump() -> None:
    kept = {one.name.removesuffix(".tar.xz") for one in DUMPS.glob("*.tar.xz")}
    missing = set(releases()) - kept
    assert not missing, f"Make the dump at the release of {missing}: make release-dump"


@pytest.mark.parametrize("release", releases() or ["today"])
def test_its_backup_is_restored_with_the_same_boards_and_files(
    release: str, tmp_path: Path
) -> None:
    dump = DUMPS / f"{release}.tar.xz"
    if release == "today":
        dump = tmp_path / "today.tar.xz"
        command = [sys.executable, "-m", "tests.leaderboard.operating.dumping", str(dump)]
        made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
    kept, new = tmp_path / "kept", tmp_path / "new"
    with tarfile.open(dump) as packed:
        packed.extractall(kept, filter="data")
    url = f"sqlite:///{new}/db.sqlite3"
    done = manage(new, url, "restore", "--other-key", str(kept))
    assert done.returncode == 0, done.stderr
    shown = manage(new, url, "shell", "-v0", "-c", ASK)
    *boards, size = (json.loads(line) for line in shown.stdout.splitlines())
    before = json.loads((kept / "boards.json").read_text())
    for name, board in zip(("public", "private"), boards, strict=True):
        now = [told(before[name][0], row) for row in board["results"]]
        assert now == before[name], "keys of a board's row stay, and so do their values"
    assert size > 1000, shown.stderr
    parts = json.loads((kept / "manifest.json").read_text())["hashes"]
    files = {name: sha256 for name, sha256 in parts.items() if name.startswith("files/")}
    assert len(files) > 10
    for name, sha256 in files.items():
        assert hashlib.sha256((new / name).read_bytes()).hexdigest() == sha256


def told(like: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """The row without the fields that later releases have added."""
    return {name: row[name] for name in like if name in row}
