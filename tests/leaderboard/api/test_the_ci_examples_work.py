"""The jobs of ci-examples/, run by a plain shell against a live server."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from django.conf import settings
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer

from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import competitions, submissions, tokens
from tests.leaderboard.conftest import failure, report

EXAMPLES = Path(settings.BASE_DIR) / "ci-examples"
LACKING = [name for name in ("curl", "jq") if not shutil.which(name)]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Only a developer's machine may lack them: `.ci/run` sets CI, and fails there.
    pytest.mark.skipif(bool(LACKING) and "CI" not in os.environ, reason=f"needs {LACKING}"),
]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def of_github() -> str:
    job = yaml.safe_load((EXAMPLES / "github-actions.yml").read_text())["jobs"]["submit"]
    return str(job["steps"][-1]["run"])


def of_gitlab() -> str:
    job = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text())["featherweight"]
    return str(job["script"][0])


def of_the_shell() -> str:
    return (EXAMPLES / "submit.sh").read_text()


def of_the_action() -> str:
    """The first step, as GitHub fills it in."""
    step = yaml.safe_load((EXAMPLES / "github-action" / "action.yml").read_text())["runs"]["steps"][
        0
    ]
    return filled(step["env"], FILLED_BY_GITHUB) + str(step["run"])


def of_the_component() -> str:
    """The job, as GitLab fills it in."""
    _, jobs = yaml.safe_load_all((EXAMPLES / "gitlab-component.yml").read_text())
    job = jobs["featherweight"]
    return filled(job["variables"], FILLED_BY_GITLAB) + "\n".join(job["script"])


def filled(variables: dict[str, str], given: dict[str, str]) -> str:
    """Lines of a shell that set a job's variables; what the test sets already stays."""
    lines = []
    for name, value in variables.items():
        for expression, meant in given.items():
            value = value.replace(expression, meant)
        assert not {"{{", "[["} & {value[at : at + 2] for at in range(len(value))}, value
        lines.append(f"export {name}={value}\n" if value else "")
    return "".join(lines)


FILLED_BY_GITHUB = {
    "${{ inputs.url }}": "$FEATHERWEIGHT_URL",
    "${{ inputs.token }}": "$FEATHERWEIGHT_TOKEN",
    "${{ inputs.competition }}": "waste",
    "${{ inputs.model }}": "model.pt",
    "${{ inputs.max-score }}": "$MAX_SCORE",
    "${{ inputs.no-worse }}": "$NO_WORSE",
    "${{ github.sha }}": "c0ffee",
    "${{ github.head_ref || github.ref_name }}": "narrow-net",
    "${{ github.run_id }}-${{ github.run_attempt }}": "1-1",
}
FILLED_BY_GITLAB = {
    "$[[ inputs.url ]]": "$FEATHERWEIGHT_URL",
    "$[[ inputs.competition ]]": "waste",
    "$[[ inputs.model ]]": "model.pt",
    "$[[ inputs.max_score ]]": "$MAX_SCORE",
    "$[[ inputs.no_worse ]]": "$NO_WORSE",
}
SCRIPTS = {"github-actions.yml": of_github, "gitlab-ci.yml": of_gitlab, "submit.sh": of_the_shell}
SCRIPTS |= {"github-action": of_the_action, "gitlab-component.yml": of_the_component}
MARKDOWN = {"submit.sh", "github-action", "gitlab-component.yml"}
"""Jobs that write the verdict as Markdown for a comment."""


def test_every_example_is_tried_here() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == set(SCRIPTS)
    assert os.access(EXAMPLES / "submit.sh", os.X_OK)


def test_the_component_brings_the_script_itself() -> None:
    """GitLab includes only the YAML of a component, without files beside it."""
    _, jobs = yaml.safe_load_all((EXAMPLES / "gitlab-component.yml").read_text())
    assert jobs["featherweight"]["script"][1] == of_the_shell(), "copy submit.sh into it, indented"


@pytest.fixture(params=sorted(SCRIPTS))
def run(
    request: pytest.FixtureRequest,
    live_server: LiveServer,
    owner: User,
    team: Team,
    model: bytes,
    tmp_path: Path,
) -> Run:
    script = SCRIPTS[request.param]()
    (tmp_path / "model.pt").write_bytes(model)
    _, secret = tokens.issue(user=owner, name="CI")

    def job(max_score: str, no_worse: str = "false") -> subprocess.CompletedProcess[str]:
        environ = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "FEATHERWEIGHT_URL": live_server.url,
            "FEATHERWEIGHT_TOKEN": secret,
            "COMPETITION": "waste",
            "MAX_SCORE": max_score,
            "GITHUB_RUN_ID": "1",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_SHA": "c0ffee",
            "GITHUB_REF_NAME": "narrow-net",
            "CI_COMMIT_REF_NAME": "narrow-net",
            "BRANCH": "narrow-net",
            "CI_JOB_ID": "1",
            "CI_COMMIT_SHA": "c0ffee",
            "NOTE": "c0ffee",
            "RUN": "1",
            "NO_WORSE": no_worse,
            "SUMMARY": "featherweight.md",
            "GITHUB_ACTION_PATH": str(EXAMPLES / "github-action"),
        }
        command = ["sh", "-e", "-c", script]
        return subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60
        )

    return job


def test_the_build_passes_when_the_score_is_reached_and_fails_when_not(
    run: Run, worker: Callable[[Any], None]
) -> None:
    worker(report(quality_public=0.75, time_ratio=0.5))
    reached = run("0.6")
    assert reached.returncode == 0, reached.stderr + reached.stdout
    assert '"time": 0.25' in reached.stdout
    assert Submission.objects.get().note == "c0ffee"
    assert Submission.objects.get().branch == "narrow-net"
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


@pytest.fixture
def summary(tmp_path: Path) -> Path:
    return tmp_path / "featherweight.md"


comments = pytest.mark.parametrize("run", sorted(MARKDOWN), indirect=True)


@comments
def test_the_verdict_is_written_for_a_comment(
    run: Run,
    summary: Path,
    rivals: Team,
    scored: Any,
    worker: Callable[[Any], None],
    live_server: LiveServer,
) -> None:
    scored(rivals, 9, quality_public=0.8, time_ratio=0.3)
    scored(Team.objects.get(competition__slug="waste", members__username="owner"), 8)
    worker(report(quality_public=0.75, time_ratio=0.5))
    run("0.6")
    told = summary.read_text()
    assert "**Featherweight: 0.5189 ± 0.005**" in told
    assert "rank 2 of 2" in told
    sent = Submission.objects.get(branch="narrow-net")
    assert f"[The submission]({live_server.url}/submissions/{sent.pk}/)" in told
    measured = reverse("measurement", args=[sent.evaluation.pk])
    assert f"[its measurement]({live_server.url}{measured})" in told
    board = f"{live_server.url}/competitions/waste/boards/public/?team={sent.team_id}#plot"
    assert f"[the plot of the board]({board})" in told
    assert 'id="plot"' in httpx.get(board).text


@comments
def test_a_name_of_another_team_is_only_text_in_a_comment(
    run: Run, summary: Path, rivals: Team, scored: Any, worker: Callable[[Any], None]
) -> None:
    Team.objects.filter(pk=rivals.pk).update(name="`@org/all` ![x](//evil.example)")
    scored(Team.objects.get(pk=rivals.pk), 9, quality_public=0.8, time_ratio=0.3)
    worker(report(quality_public=0.75, time_ratio=0.5))
    run("0.6")
    [line] = [one for one in summary.read_text().splitlines() if "@org" in one]
    assert line.startswith("- `")
    assert line.endswith("`")
    assert line.count("`") == 2


@comments
def test_a_model_below_the_gate_is_worse_than_one_that_passes(
    run: Run, summary: Path, team: Team, scored: Any, worker: Callable[[Any], None]
) -> None:
    Competition.objects.update(min_quality=0.65)
    scored(Team.objects.get(pk=team.pk), 8, quality_public=0.70, time_ratio=1.0)
    worker(report(quality_public=0.64, time_ratio=0.1))
    assert run("", no_worse="true").returncode != 0
    assert "worse than your best, by the gate" in summary.read_text()


@comments
def test_a_failure_is_written_for_a_comment(
    run: Run, summary: Path, worker: Callable[[Any], None]
) -> None:
    worker(failure("wrong_output", "Expected (1, 3)."))
    assert run("0.6").returncode != 0
    assert "**Featherweight: failed** Expected (1, 3)." in summary.read_text()


@comments
def test_a_clear_regression_fails_the_build(
    run: Run, team: Team, scored: Any, worker: Callable[[Any], None]
) -> None:
    scored(team, 8, quality_public=0.75, time_ratio=0.3)
    worker(report(quality_public=0.75, time_ratio=0.5))
    assert run("", no_worse="false").returncode == 0
    assert run("", no_worse="true").returncode != 0


@comments
def test_a_branch_is_compared_with_itself(
    run: Run, summary: Path, team: Team, scored: Any, worker: Callable[[Any], None]
) -> None:
    scored(team, 8, quality_public=0.75, time_ratio=0.3)
    on_the_branch = scored(Team.objects.get(pk=team.pk), 9, quality_public=0.75, time_ratio=0.6)
    Submission.objects.filter(pk=on_the_branch.pk).update(branch="narrow-net")
    worker(report(quality_public=0.75, time_ratio=0.5))
    assert run("", no_worse="true").returncode == 0, "better than the branch's best"
    told = summary.read_text()
    assert "worse than your best by 0.1, better than the best of the branch by 0.05" in told
    Submission.objects.exclude(branch="").exclude(pk=on_the_branch.pk).update(branch="main")
    assert run("", no_worse="true").returncode != 0, "the first of a branch: with the team's best"
