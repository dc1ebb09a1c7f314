"""The participant's `featherweight` command against a live server, as a CI job runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import competitions, tokens
from scoring.job import DryRun
from tests.leaderboard.api.conftest import Run
from tests.leaderboard.conftest import failure, finish, report

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_submission_that_reaches_the_score_exits_with_0(
    team: Team, run: Run, file: Path, worker: Callable[[Any], None]
) -> None:
    worker(report(quality_public=0.75, time_ratio=0.5))
    labels = ("--note", "CI", "--branch", "narrow-net")
    done = run("submit", file, "--competition", "waste", *labels, "--max-score", "0.6")
    assert done.returncode == 0, done.stderr
    assert "scored 0.5189 ± 0.0050" in done.stdout
    submission = Submission.objects.get()
    assert (submission.note, submission.file_name) == ("CI", "small.pt")
    assert submission.branch == "narrow-net"
    listed = json.loads(run("list", "--branch", "narrow-net", "--json").stdout)
    assert [one["id"] for one in listed] == [submission.pk]
    assert json.loads(run("list", "--branch", "main", "--json").stdout) == []
    assert submission.idempotency_key


def test_a_score_that_is_not_reached_exits_with_1(
    team: Team, run: Run, file: Path, worker: Callable[[Any], None]
) -> None:
    worker(report(quality_public=0.75, time_ratio=0.5))
    done = run("submit", file, "-c", "waste", "--max-score", "0.5", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["score"]["terms"]["time"] == 0.25
    assert "above 0.5" in done.stderr


def test_below_the_gate_no_score_is_low_enough(
    team: Team, run: Run, scored: Callable[..., Submission]
) -> None:
    one = scored(team, 1, quality_public=0.75, time_ratio=0.5)
    assert run("status", one.pk, "--max-score", "0.6").returncode == 0
    Competition.objects.update(min_quality=0.8)
    done = run("status", one.pk, "--max-score", "0.6")
    assert done.returncode == 1
    assert "below the gate" in done.stderr


def test_a_failed_submission_exits_with_1_and_says_why(
    team: Team, run: Run, file: Path, worker: Callable[[Any], None]
) -> None:
    worker(failure("wrong_output", "Expected (1, 3)."))
    done = run("submit", file, "-c", "waste", "--wait")
    assert done.returncode == 1
    assert "failed (wrong_output): Expected (1, 3)." in done.stdout


def test_a_failed_submission_shows_what_the_model_said_on_the_sample(
    team: Team, run: Run, submit: Callable[..., Submission]
) -> None:
    submission = submit(team)
    said = DryRun(8, "first\n[red]\x1b[2Jsecond\n", is_cut=True)
    finish(submission.latest_evaluation, replace(failure(), dry_run=said))
    shown = run("status", submission.pk)
    assert shown.returncode == 1
    assert shown.stdout.splitlines()[1:-1] == [
        "On 8 images of the sample the model printed:",
        "  first",
        "  [red]\N{REPLACEMENT CHARACTER}[2Jsecond",
        "  (the rest was not kept)",
    ]
    assert (
        "The same on your machine: python -m scoring try model0.pt --data waste-sample"
        in shown.stdout
    )
    assert json.loads(run("status", submission.pk, "--json").stdout)["dry_run"]["images"] == 8


def test_status_and_the_same_model_again(team: Team, run: Run, file: Path) -> None:
    first = json.loads(run("submit", file, "-c", "waste", "--json").stdout)
    again = run("submit", file, "-c", "waste")
    assert again.returncode == 0
    assert "sent this model before" in again.stderr
    shown = run("status", first["id"])
    assert (shown.returncode, shown.stdout) == (0, f"#{first['id']} queued: 1 of 1\n")


def test_boards_show_names_as_they_are(
    team: Team, run: Run, scored: Callable[..., Submission]
) -> None:
    Team.objects.update(name="[red]\x1b[2J=Sorters")
    scored(team, time_ratio=0.5)
    shown = run("board", "waste").stdout
    assert "[red]\N{REPLACEMENT CHARACTER}[2J=Sorters" in shown
    assert "ResNet18-D" in shown
    assert json.loads(run("board", "waste", "--json").stdout)["results"][0]["rank"] == 1
    assert "Waste sorting" in run("competitions").stdout


def test_the_reference_stands_where_its_score_belongs(
    team: Team, rivals: Team, run: Run, scored: Callable[..., Submission]
) -> None:
    scored(team, time_ratio=0.5)
    assert order(run, team.name, "ResNet18-D") == [team.name, "ResNet18-D"]
    scored(rivals, seed=1, time_ratio=3.0)
    names = [team.name, "ResNet18-D", rivals.name]
    assert order(run, *names) == names


def order(run: Run, *names: str) -> list[str]:
    """The names on the printed board, from the top."""
    shown = run("board", "waste").stdout
    return sorted(names, key=shown.index)


def test_refusals_exit_with_3_and_say_what_to_do(
    team: Team, run: Run, file: Path, organizer: User
) -> None:
    competitions.pause(competition=team.competition, message="new worker", by=organizer)
    paused = run("submit", file, "-c", "waste")
    assert (paused.returncode, paused.stdout) == (3, "")
    assert "new worker" in paused.stderr
    private = run("board", "waste", "--private", "--json")
    assert private.returncode == 3
    assert json.loads(private.stdout)["code"] == "board_not_published"
    stranger = run("status", 1, FEATHERWEIGHT_TOKEN="fw_unknown")
    assert stranger.returncode == 3
    assert "[unknown_token]" in stranger.stderr


def test_a_server_that_is_not_there_exits_with_4(run: Run, file: Path) -> None:
    away = run("submit", file, "-c", "waste", FEATHERWEIGHT_URL="http://127.0.0.1:9")
    assert away.returncode == 4
    assert "cannot be reached" in away.stderr
    assert "Traceback" not in away.stderr


def test_wrong_usage_exits_with_2(run: Run, file: Path, tmp_path: Path) -> None:
    assert run("submit", file).returncode == 2
    assert run("submit", tmp_path / "missing.pt", "-c", "waste").returncode == 2
    assert run("board", "waste", FEATHERWEIGHT_URL="").returncode == 2
    assert run("board", "waste", FEATHERWEIGHT_URL="ftp://example.org").returncode == 2
    assert "Exit codes: 0 done" in " ".join(run("submit", "--help").stdout.split())


def test_login_keeps_the_token_for_its_server_only(
    competition: Competition, run: Run, live_server: LiveServer, owner: User, tmp_path: Path
) -> None:
    _, secret = tokens.issue(user=owner, name="laptop")
    nothing = {"FEATHERWEIGHT_URL": "", "FEATHERWEIGHT_TOKEN": ""}
    refused = run("login", "--url", live_server.url, "--token", "fw_wrong", **nothing)
    assert refused.returncode == 3
    kept = tmp_path / ".config" / "featherweight" / "config.json"
    assert not kept.exists()
    assert run("login", "--url", live_server.url, "--token", secret, **nothing).returncode == 0
    assert kept.stat().st_mode & 0o777 == 0o600
    kept_only = subprocess.run(
        [sys.executable, "-m", "leaderboard.cli", "status", "1", "--json"],
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(kept_only.stdout)["code"] == "not_found"  # not unknown: the token was sent
    elsewhere = live_server.url.replace("localhost", "127.0.0.1")
    other = subprocess.run(
        [sys.executable, "-m", "leaderboard.cli", "status", "1", "--json"],
        env={"HOME": str(tmp_path), "FEATHERWEIGHT_URL": elsewhere},
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(other.stdout)["code"] == "not_authenticated"


def test_a_misspelt_competition_is_told_by_its_name(team: Team, run: Run, file: Path) -> None:
    for words in (("submit", file, "-c", "wsate"), ("board", "wsate")):
        done = run(*words)
        assert done.returncode == 3
        said = done.stderr
        assert "no competition called wsate. Did you mean waste? [unknown_competition]" in said
        assert "token" not in said


def test_a_scored_submission_tells_its_rank_and_its_change(
    team: Team,
    rivals: Team,
    run: Run,
    file: Path,
    scored: Callable[..., Submission],
    worker: Callable[[Any], None],
) -> None:
    scored(rivals, 1, quality_public=0.8, time_ratio=0.3)
    scored(team, 2, quality_public=0.75, time_ratio=0.4)
    worker(report(quality_public=0.75, time_ratio=0.5))
    done = run("submit", file, "-c", "waste", "--no-worse")
    assert done.returncode == 1
    assert "Rank 2 of 2 on the public board." in done.stdout
    assert "Worse than your best by 0.0500." in done.stdout
    assert "Worse than your best by 0.0500." in done.stderr


def test_a_better_score_passes_no_worse(
    team: Team,
    run: Run,
    file: Path,
    scored: Callable[..., Submission],
    worker: Callable[[Any], None],
) -> None:
    scored(team, 2, quality_public=0.75, time_ratio=0.6)
    worker(report(quality_public=0.75, time_ratio=0.5))
    done = run("submit", file, "-c", "waste", "--no-worse")
    assert done.returncode == 0, done.stderr
    assert "Better than your best by 0.0500." in done.stdout


def test_no_worse_compares_within_the_branch(
    team: Team,
    run: Run,
    file: Path,
    scored: Callable[..., Submission],
    worker: Callable[[Any], None],
) -> None:
    scored(team, 2, quality_public=0.75, time_ratio=0.3)
    of_branch = scored(team, 3, quality_public=0.75, time_ratio=0.6)
    Submission.objects.filter(pk=of_branch.pk).update(branch="narrow-net")
    worker(report(quality_public=0.75, time_ratio=0.5))
    done = run("submit", file, "-c", "waste", "--branch", "narrow-net", "--no-worse")
    assert done.returncode == 0, done.stderr
    assert "Worse than your best by 0.1000." in done.stdout
    assert "On the branch narrow-net: Better than your best by 0.0500." in done.stdout


@pytest.mark.parametrize(
    ("before", "now", "said", "code"),
    [
        ((0.64, 0.1), (0.70, 1.0), "Better than your best: it passes the gate.", 0),
        ((0.70, 1.0), (0.64, 0.1), "Worse than your best: it does not pass the gate.", 1),
        ((0.70, 0.5), (0.70, 0.5), "The same score as your best.", 0),
    ],
)
def test_what_passes_the_gate_is_better_and_an_equal_score_is_not_worse(
    team: Team,
    run: Run,
    file: Path,
    scored: Callable[..., Submission],
    worker: Callable[[Any], None],
    before: tuple[float, float],
    now: tuple[float, float],
    said: str,
    code: int,
) -> None:
    Competition.objects.update(min_quality=0.65)
    earlier = Team.objects.get(pk=team.pk)
    scored(earlier, 2, quality_public=before[0], time_ratio=before[1])
    worker(report(quality_public=now[0], time_ratio=now[1]))
    done = run("submit", file, "-c", "waste", "--no-worse")
    assert said in done.stdout
    assert done.returncode == code, done.stderr
