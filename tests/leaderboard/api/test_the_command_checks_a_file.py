"""`featherweight check` says what the site's gate says, with the base installation alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pytest_django.live_server_helper import LiveServer
from torch import Tensor, nn

from leaderboard.models import Competition

pytestmark = pytest.mark.django_db(transaction=True)
Run = Callable[..., "subprocess.CompletedProcess[str]"]

BASE_ONLY = """
import importlib.abc, runpy, sys

class Absent(importlib.abc.MetaPathFinder):
    names = {"torch", "numpy", "PIL", "sklearn", "django", "rest_framework", "celery", "redis"}

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
runpy.run_module("leaderboard.cli", run_name="__main__")
"""
"""The command in an installation without the packages of server and worker."""


class Slips(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = nn.functional.dropout(x.to("cuda:0").mean((2, 3)))
        return self.linear(y + torch.rand([3], device="cuda:0"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def command(*words: object, url: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", BASE_ONLY, *map(str, words)],
            env={"HOME": str(tmp_path), "COLUMNS": "200", "FEATHERWEIGHT_URL": url},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return command


@pytest.fixture
def file(tmp_path: Path, model: bytes) -> Path:
    path = tmp_path / "small.pt"
    path.write_bytes(model)
    return path


def test_a_file_that_would_be_accepted_exits_with_0(run: Run, file: Path) -> None:
    done = run("check", file)
    assert done.returncode == 0, done.stderr
    assert "parameters    12" in done.stdout
    assert "note" not in done.stdout
    found = json.loads(run("check", file, "--json").stdout)
    assert (found["status"], found["parameters"], found["notes"]) == ("accepted", 12, [])


def test_a_file_that_would_be_refused_exits_with_1_and_the_code(run: Run, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"\x80\x04}.")
    done = run("check", tmp_path / "weights.pt")
    assert (done.returncode, done.stdout) == (1, "")
    assert "[python_pickle]" in done.stderr
    said = json.loads(run("check", tmp_path / "weights.pt", "--json").stdout)
    assert said["code"] == "python_pickle"


def test_what_may_fail_later_is_noted(run: Run, tmp_path: Path) -> None:
    torch.jit.script(Slips()).save(str(tmp_path / "slips.pt"))
    done = run("check", tmp_path / "slips.pt")
    assert done.returncode == 0, done.stderr
    for words in (
        "names the device cuda:0",
        "layers in training mode, so its answers change: dropout",
        "aten::rand)",
    ):
        assert words in done.stdout, words
    assert len(json.loads(run("check", tmp_path / "slips.pt", "--json").stdout)["notes"]) == 3


def test_wrong_usage_exits_with_2(run: Run, tmp_path: Path) -> None:
    assert run("check").returncode == 2
    assert run("check", tmp_path / "missing.pt").returncode == 2
    assert "python -m scoring try" in " ".join(run("check", "--help").stdout.split())


def test_a_competitions_own_bounds_are_applied(
    run: Run, file: Path, tmp_path: Path, live_server: LiveServer, competition: Competition
) -> None:
    url = live_server.url
    assert run("check", file, "-c", "waste", url=url).returncode == 0
    shown = json.loads(run("check", file, "-c", "waste", "--json", url=url).stdout)
    assert shown["input"]["height"] == competition.input_height
    Competition.objects.update(min_input_size=16, max_input_size=32)
    declared = tmp_path / "declared.pt"
    extra = {"featherweight.json": json.dumps({"input_size": [3, 64, 64]})}
    torch.jit.script(nn.Flatten()).save(str(declared), _extra_files=extra)
    assert run("check", declared).returncode == 0
    refused = run("check", declared, "-c", "waste", url=url)
    assert refused.returncode == 1
    assert "16 to 32 pixels per side, not 64. [bad_declaration]" in refused.stderr
    Competition.objects.update(max_upload_bytes=100)
    large = run("check", file, "-c", "waste", "--json", url=url)
    assert (large.returncode, json.loads(large.stdout)["code"]) == (1, "too_large")
    assert run("check", file, "-c", "none", url=url).returncode == 3
    assert run("check", file, "-c", "waste", url="http://127.0.0.1:9").returncode == 4
