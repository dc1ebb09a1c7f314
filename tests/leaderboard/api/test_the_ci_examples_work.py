"""The curl job that README shows, run by a plain shell against a live server."""

from __future__ import annotations

import re
import shutil
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import competitions, submissions, tokens
from tests.leaderboard.conftest import failure, report

README = (settings.BASE_DIR / "README.md").read_text()
SECTION = README.partition("## Submit from your CI")[2]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("curl" not in SECTION, reason="README has no such section yet"),
    pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl, jq"),
]
Run = Callable[[str], "subprocess.CompletedProcess[str]"]


@pytest.fixture(params=["GitHub", "GitLab"])
def run(
    request: pytest.FixtureRequest,
    live_server: LiveServer,
    owner: User,
    team: Team,
    model: bytes,
    tmp_path: Path,
) -> Run:
    found = re.findall(r"^( *)- (?:run: )?\|\n((?:\1 .*\n|\n)+)", SECTION, re.MULTILINE)
    scripts = [textwrap.dedent(body) for _, body in found if "curl" in body]
    script = scripts[["GitHub", "GitLab"].index(request.param)]
    (tmp_path / "model.pt").write_bytes(model)
    _, secret = tokens.issue(user=owner, name="CI")

    def job(max_score: str) -> subprocess.CompletedProcess[str]:
        environ = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "FEATHERWEIGHT_URL": live_server.url,
            "FEATHERWEIGHT_TOKEN": secret,
            "COMPETITION": "waste",
            "MAX_SCORE": max_score,
            "GITHUB_RUN_ID": "1",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_SHA": "c0ffee",
            "CI_JOB_ID": "1",
            "CI_COMMIT_SHA": "c0ffee",
        }
        command = ["sh", "-e", "-c", script]
        return subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
        )

    return job


def test_the_build_passes_when_the_score_is_reached_and_fails_when_not(
    run: Run, worker: Callable[[Any], None]
) -> None:
    worker(report(f1_public=0.75, time_ratio=0.5))
    reached = run("0.6")
    assert reached.returncode == 0, reached.stderr + reached.stdout
    assert '"time_term": 0.25' in reached.stdout
    assert Submission.objects.get().note == "c0ffee"
    missed = run("0.5")  # the same model again: no new submission
    assert missed.returncode != 0
    assert Submission.objects.count() == 1


def test_the_build_fails_with_the_model(run: Run, worker: Callable[[Any], None]) -> None:
    worker(failure("wrong_output", "Expected (1, 3)."))
    done = run("0.6")
    assert done.returncode != 0
    assert "wrong_output" in done.stdout


def test_a_used_quota_ends_the_build_at_once(
    run: Run, team: Team, submit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    Competition.objects.update(submissions_per_day=1)
    submit(Team.objects.get(pk=team.pk), seed=5)
    attempts: list[str] = []
    counted = submissions.submit

    def submitted(**upload: Any) -> submissions.Receipt:
        attempts.append(upload["door"])
        return counted(**upload)

    monkeypatch.setattr(submissions, "submit", submitted)
    done = run("0.6")
    assert done.returncode != 0
    assert "1 of 1 submissions" in done.stdout
    assert attempts == ["api"], "the quota is not asked for again"


def test_a_refusal_is_shown(run: Run, team: Team, organizer: User) -> None:
    competitions.pause(competition=team.competition, message="new worker", by=organizer)
    done = run("0.6")
    assert done.returncode != 0
    assert "new worker" in done.stdout
