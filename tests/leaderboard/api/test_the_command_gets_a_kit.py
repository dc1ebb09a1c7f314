"""`featherweight kit` unpacks the kit beside its sample, and never over what is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from leaderboard.models import Competition, Split
from leaderboard.services import files

pytestmark = pytest.mark.django_db(transaction=True)
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path, live_server: LiveServer, competition: Competition) -> Run:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        environ = {
            "HOME": str(tmp_path),
            "COLUMNS": "200",
            "FEATHERWEIGHT_URL": live_server.url,
            "PYTHONPATH": str(settings.BASE_DIR),
        }
        return subprocess.run(
            [sys.executable, "-m", "leaderboard.cli", "kit", *words],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return command


def test_kit_and_sample_lie_in_a_new_folder(run: Run, tmp_path: Path) -> None:
    told = run("waste", "--json")
    assert told.returncode == 0, told.stderr
    folder = Path(json.loads(told.stdout)["folder"])
    assert folder == tmp_path / "waste-kit"
    sample = folder / "waste-sample.zip"
    assert files.sha256_of(sample) == Split.objects.get(name="sample").sha256
    assert os.access(folder / "ci" / "submit.sh", os.X_OK)
    again = run("waste")
    assert again.returncode == 2
    assert "already exists" in again.stderr


def test_without_the_sample_only_the_kit_is_fetched(run: Run, tmp_path: Path) -> None:
    assert run("waste", "--no-sample").returncode == 0
    assert (tmp_path / "waste-kit" / "train.py").exists()
    assert not (tmp_path / "waste-kit" / "waste-sample.zip").exists()


def test_a_sample_with_another_checksum_is_not_kept(run: Run, tmp_path: Path) -> None:
    Split.objects.filter(name="sample").update(sha256="0" * 64)
    told = run("waste")
    assert told.returncode == 3
    assert "arrived damaged" in told.stderr
    assert not (tmp_path / "waste-kit" / "waste-sample.zip").exists()


def test_a_competition_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    told = run("wase")
    assert told.returncode == 3
    assert "waste" in told.stderr
    assert not (tmp_path / "wase-kit").exists()
