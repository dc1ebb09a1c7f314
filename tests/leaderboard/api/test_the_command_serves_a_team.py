"""`featherweight` for what a team has: its submissions, its choice, its members."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from leaderboard.cli.server import Server
from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import teams
from tests.leaderboard.api.conftest import Run
from tests.leaderboard.conftest import failure, finish

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_list_shows_scores_and_reasons_the_latest_first(
    team: Team, run: Run, scored: Callable[..., Submission], submit: Callable[..., Submission]
) -> None:
    first = scored(team, 1, quality_public=0.75, time_ratio=0.5)
    broken = submit(team, 2)
    finish(broken.latest_evaluation, failure("wrong_output"))
    told = run("list", "-c", "waste").stdout
    assert "0.5189 ± 0.0050" in told
    assert "failed: wrong_output" in told
    found = json.loads(run("list", "--json", "--limit", 1).stdout)
    assert [one["id"] for one in found] == [broken.pk]
    assert first.pk < broken.pk


def test_two_submissions_are_compared_figure_by_figure(
    team: Team, run: Run, scored: Callable[..., Submission], submit: Callable[..., Submission]
) -> None:
    one = scored(team, 1, quality_public=0.75, time_ratio=0.5)
    other = scored(team, 2, quality_public=0.70, time_ratio=0.3)
    told = run("compare", one.pk, other.pk).stdout
    assert "-0.2000" in told
    assert "-0.0500" in told
    waiting = submit(team, 3)
    refused = run("compare", one.pk, waiting.pk)
    assert refused.returncode == 2
    assert "has no score" in refused.stderr


def test_submissions_of_two_competitions_are_not_compared(
    team: Team,
    run: Run,
    owner: User,
    competition: Competition,
    scored: Callable[..., Submission],
) -> None:
    one = scored(team, 1)
    other = scored(team, 2)
    elsewhere = Competition.objects.get(pk=competition.pk)
    elsewhere.pk, elsewhere.slug = None, "birds"
    elsewhere.save()
    Submission.objects.filter(pk=other.pk).update(competition=elsewhere)
    refused = run("compare", one.pk, other.pk)
    assert refused.returncode == 2
    assert "two competitions" in refused.stderr


def test_a_submission_is_withdrawn_after_a_question(
    team: Team, run: Run, scored: Callable[..., Submission]
) -> None:
    submission = scored(team, 1)
    assert run("withdraw", submission.pk).returncode == 1  # nobody answered
    submission.refresh_from_db()
    assert not submission.withdrawn_at
    assert run("withdraw", submission.pk, "--yes").returncode == 0
    submission.refresh_from_db()
    assert submission.withdrawn_at


def test_finals_are_chosen_shown_and_given_back(
    team: Team, run: Run, scored: Callable[..., Submission]
) -> None:
    submission = scored(team, 1)
    assert "Your best public submissions count" in run("select", "-c", "waste").stdout
    assert f"#{submission.pk}" in run("select", "-c", "waste", submission.pk).stdout
    submission.refresh_from_db()
    assert submission.selected_at
    assert run("select", "-c", "waste", submission.pk, "--none").returncode == 2
    assert run("select", "-c", "waste", "--none").returncode == 0
    submission.refresh_from_db()
    assert not submission.selected_at


def test_a_team_is_created_shown_and_left(competition: Competition, owner: User, run: Run) -> None:
    assert "featherweight team create" in run("select", "-c", "waste").stderr
    assert "takes part in waste" in run("team", "create", "light", "-c", "waste").stdout
    assert "owner" in run("team", "show").stdout
    assert run("team", "leave", "-c", "waste", "--yes").returncode == 0
    assert not Team.objects.filter(members=owner).exists()


def test_an_invitation_made_by_the_command_lets_another_join(
    team: Team, run: Run, outsider: User
) -> None:
    told = run("team", "invite", "-c", "waste", "--to", "outsider").stdout
    assert "outsider gets a notice" in told
    assert team.invitations.get(accepted_at=None).sent_to == "outsider"
    assert "unknown_person" in run("team", "invite", "-c", "waste", "--to", "nobody").stderr
    made = json.loads(run("team", "invite", "-c", "waste", "--json").stdout)
    assert teams.accept(code=made["code"], by=outsider) == team


def test_the_file_of_a_submission_is_downloaded_and_overwrites_nothing(
    team: Team, run: Run, submit: Callable[..., Submission], tmp_path: Path
) -> None:
    one = submit(team, 1)
    target = tmp_path / "again.pt"
    told = run("download", one.pk, "-o", target, "--json")
    assert json.loads(told.stdout) == {"file": str(target), "size_bytes": one.size_bytes}
    with one.file.open("rb") as sent:
        assert target.read_bytes() == sent.read()
    again = run("download", one.pk, "-o", target)
    assert again.returncode == 2
    assert "already exists" in again.stderr
    assert run("download", one.pk + 1, "-o", tmp_path / "none.pt").returncode == 3
    assert not (tmp_path / "none.pt").exists()


def test_an_invitation_of_another_is_taken_by_the_command(
    rivals: Team, owner: User, rival: User, run: Run
) -> None:
    invitation: Any = teams.invite(team=rivals, by=rival)
    done = run("team", "join", invitation.code)
    assert done.returncode == 0, done.stderr
    assert rivals.members.filter(pk=owner.pk).exists()


def test_a_misspelt_command_names_the_right_one(run: Run) -> None:
    done = run("submt")
    assert done.returncode == 2
    assert "submit" in done.stderr


def test_a_board_of_many_pages_is_asked_whole() -> None:
    teams = list(range(2500))

    def answer(request: httpx.Request) -> httpx.Response:
        first, most = (int(request.url.params.get(name, 0)) for name in ("offset", "limit"))
        return httpx.Response(200, json={"count": 2500, "results": teams[first:][:most]})

    client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://site.example")
    assert Server(client).ask_whole("competitions/waste/boards/public", {})["results"] == teams
