"""A participant who has only the site: kit, training, export, check, upload, score."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from leaderboard.models import Competition, User
from leaderboard.services import teams, tokens
from scoring import formula
from tests.end_to_end.conftest import ROOT, Start
from tests.sweep import IS_WHOLE

Home = Callable[..., "subprocess.CompletedProcess[str]"]
FILES = {
    *("torchscript.pt", "torchscript-bfloat16.pt", "torchscript-int8.pt"),
    *("onnx.onnx", "onnx-int8.onnx"),
}
WORK = ("manage.py", "work", "--profile", "cpu", "--poll", "0.1")


@pytest.fixture
def token(competition: Competition, owner: User) -> str:
    teams.create(competition=competition, name="Beginners", by=owner)
    return tokens.issue(user=owner, name="home")[1]


@pytest.fixture
def home(site: str, token: str, tmp_path: Path) -> Home:
    """A command on the participant's machine, in the folder of the kit.

    The machine has the libraries of requirements.txt, and of this service only the kit's wheel.
    """

    def run(*command: str, cwd: Path = tmp_path / "waste-kit") -> subprocess.CompletedProcess[str]:
        environ = {
            "PATH": f"{tmp_path / 'bought' / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(tmp_path / "bought"),
            "COLUMNS": "200",
            "FEATHERWEIGHT_URL": site,
            "FEATHERWEIGHT_TOKEN": token,
        }
        done = subprocess.run(
            command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=500, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    return run


def test_from_the_download_to_a_score(home: Home, site: str, start: Start, tmp_path: Path) -> None:
    Competition.objects.update(release_reference=True)
    install(site, home, tmp_path)
    folder = tmp_path / "waste-kit"
    facts = json.loads((folder / "competition.json").read_text())
    assert facts["page"] == f"{site}/competitions/waste/"
    short = ("--seconds", "1", "--narrow", "0.5", "--score", "1")
    trained = home(sys.executable, "train.py", *short).stdout
    assert "macro-F1" in trained
    assert_by_the_published_formula(trained, site)
    assert {path.name for path in (folder / "models").iterdir()} == FILES
    for name in sorted(FILES):
        home("featherweight", "check", f"models/{name}", "--competition", "waste")
    tried = facts["try"].format(file="models/onnx-int8.onnx").replace("'", "").split()
    assert "passed" in home(sys.executable, *tried[1:]).stdout
    start(*WORK, REDIS_URL="")
    by_command = ("featherweight", "submit", "models/onnx-int8.onnx", "-c", "waste", "--wait")
    told = json.loads(home(*by_command, "--json").stdout)
    assert told["state"] == "scored"
    assert told["format"] == "onnx"
    assert told["number_type"] == "int8"
    rest = FILES - {"onnx-int8.onnx"}
    for name in sorted(rest):
        home("featherweight", "submit", f"models/{name}", "--competition", "waste", "--wait")
    rows = httpx.get(f"{site}/api/v2/competitions/waste/boards/public").json()["results"]
    assert [row["team"] for row in rows] == ["Beginners"]


@pytest.mark.skipif(not IS_WHOLE, reason="`make sweep` runs it: it trains and exports once more")
def test_the_notebook_runs_from_the_first_cell_to_the_last(
    home: Home, site: str, tmp_path: Path
) -> None:
    install(site, home, tmp_path)
    folder = tmp_path / "waste-kit"
    (folder / "waste-sample.zip").unlink()  # the notebook downloads it by itself
    cells = json.loads((folder / "notebook.ipynb").read_text())["cells"]
    code = "\n".join("".join(one["source"]) for one in cells if one["cell_type"] == "code")
    assert "SECONDS = 60.0" in code
    short = code.replace("SECONDS = 60.0", "SECONDS = 1.0")
    told = home(sys.executable, "-c", short.replace("SCORE_SECONDS = 20.0", "SCORE_SECONDS = 1.0"))
    assert "have not released their reference model. torchscript.pt" in told.stdout
    assert "On the sample: score" in told.stdout
    assert {path.name for path in (folder / "models").iterdir()} == FILES
    assert (folder / "waste-sample.zip").exists()


def assert_by_the_published_formula(told: str, site: str) -> None:
    """The score at home is what the site would publish for the same time and quality."""
    found = re.search(r"score ([\d.]+) ± [\d.]+\. Time ratio: ([\d.]+) .* Quality: ([\d.]+)", told)
    assert found, told
    score, time_ratio, quality = map(float, found.groups())
    terms = httpx.get(f"{site}/api/v2/competitions/waste").json()["formula"]
    published = formula.score(
        quality,
        time_ratio,
        quality_ref=terms["quality_ref"],
        k=terms["k"],
        time_weight=terms["time_weight"],
    )
    assert score == pytest.approx(published.total, abs=0.002)


def install(site: str, home: Home, place: Path) -> None:
    """Get the kit by the command, and install its wheel as pip does."""
    environ = {"HOME": str(place), "FEATHERWEIGHT_URL": site, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "leaderboard.cli", "kit", "waste"]
    subprocess.run(command, cwd=place, env=os.environ | environ, check=True, timeout=60)
    folder = place / "waste-kit"
    wanted = (folder / "requirements.txt").read_text().splitlines()
    wheel = next(line for line in wanted if line.startswith("./")).removesuffix("[worker]")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps")
    home(*pip, "--target", str(place / "bought"), wheel)
