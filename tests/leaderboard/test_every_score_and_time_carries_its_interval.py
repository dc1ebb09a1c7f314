"""Wherever a score or a ratio is shown or exported, ± stands beside it, and ties are marked.

The leader has a score of 0.5189 ± 0.0100 and a ratio of 0.500 ± 0.020; the second one overlaps it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.live_server_helper import LiveServer
from rich.console import Console
from typer.testing import CliRunner

from leaderboard import cli
from leaderboard.cli import screen
from leaderboard.demo import showing
from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import baselines, competitions, rankings

SCORE, RATIO, SECONDS = "0.5189 ± 0.0100", "0.500 ± 0.020", "5.00 ± 0.20"
PRIVATE = "0.6513 ± 0.0100"


@pytest.fixture
def first(team: Team, rivals: Team, scored: Callable[..., Submission]) -> Submission:
    made = scored(
        team, seed=1, quality_public=0.75, quality_private=0.72, time_ratio=0.5, half_width=0.02
    )
    scored(
        rivals, seed=2, quality_public=0.75, quality_private=0.72, time_ratio=0.51, half_width=0.02
    )
    return made


@pytest.fixture
def published(first: Submission, competition: Competition, organizer: User) -> Submission:
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    return first


@pytest.fixture
def read(owner: User, organizer: User) -> Callable[..., str]:
    """A page as its words, without tags."""

    def words(url: str, who: User = owner) -> str:
        client = Client()
        client.force_login(who, "django.contrib.auth.backends.ModelBackend")
        page = client.get(url)
        assert page.status_code == 200
        content = page.getvalue() if page.streaming else page.content
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", content.decode())).split())

    return words


PAGES = [
    ("/competitions/waste/boards/public/", [SCORE, RATIO, SECONDS, "tied", "1.000 ± 0.010"]),
    ("/competitions/waste/", [SCORE, "tied"]),
    ("/competitions/waste/submissions/", [SCORE, RATIO]),
    ("/submissions/{submission}/", [SCORE, RATIO, SECONDS, "0.519 ± 0.010", "1.000 ± 0.005"]),
    ("/evaluations/{evaluation}/measurement/", ["0.5000 ± 0.0200"]),
    ("/api/v2/competitions/waste/boards/public.csv", ["score_half_width", "half_width", "tied"]),
]
PANEL = [
    ("submission_changelist", [], ["0.5189 ± 0.0100"]),
    ("submission_change", ["submission"], [RATIO, f"0.5189 / {PRIVATE}"]),
    ("evaluation_changelist", [], [RATIO, f"0.5189 / {PRIVATE}"]),
    ("evaluation_change", ["evaluation"], [RATIO, "score 0.5189 ± 0.0100", f"score {PRIVATE}"]),
    ("competition_change", ["competition"], ["1.000 ± 0.010"]),
]


@pytest.mark.parametrize(("url", "expected"), PAGES)
def test_pages(first: Submission, read: Any, url: str, expected: list[str]) -> None:
    page = read(url.format(submission=first.pk, evaluation=first.evaluation.pk))
    for said in expected:
        assert said in page, said


@pytest.mark.parametrize(("name", "of", "expected"), PANEL)
def test_the_organizers_panel(
    first: Submission, read: Any, organizer: User, name: str, of: list[str], expected: list[str]
) -> None:
    rows = {
        "submission": first.pk,
        "evaluation": first.evaluation.pk,
        "competition": first.competition_id,
    }
    page = read(reverse(f"admin:leaderboard_{name}", args=[rows[one] for one in of]), organizer)
    for said in expected:
        assert said in page, said


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/competitions/waste/boards/private/", [PRIVATE, RATIO, "tied"]),
        ("/submissions/{submission}/", [PRIVATE]),
    ],
)
def test_pages_once_the_private_board_is_published(
    published: Submission, read: Any, url: str, expected: list[str]
) -> None:
    page = read(url.format(submission=published.pk))
    for said in expected:
        assert said in page, said


def test_the_api(published: Submission, client: Client, owner: User) -> None:
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    for board in ("public", "private"):
        body = client.get(f"/api/v2/competitions/waste/boards/{board}").json()
        rows = [(row["score_half_width"], row["half_width"]) for row in body["results"]]
        assert rows == [(0.01, 0.02)] * 2
        assert [row["tied"] for row in body["results"]] == [False, True]
        assert body["baseline"]["score_half_width"] == 0.005
        assert (body["baseline"]["time_ratio"], body["baseline"]["half_width"]) == (1.0, 0.01)
    one = client.get(f"/api/v2/submissions/{published.pk}").json()
    assert one["score"]["half_width"] == one["private"]["half_width"] == 0.01
    assert (one["half_width"], one["seconds_half_width"]) == (0.02, pytest.approx(0.0002))


def test_the_command(
    first: Submission, owner: User, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leaderboard.services import tokens

    monkeypatch.setenv("FEATHERWEIGHT_URL", live_server.url)
    monkeypatch.setenv("FEATHERWEIGHT_TOKEN", tokens.issue(user=owner, name="test")[1])
    monkeypatch.setattr(screen, "out", Console(width=200))
    board = CliRunner().invoke(cli.app, ["board", "waste"]).output
    for said in (SCORE, RATIO, "1.0000 ± 0.0050", "1.000 ± 0.010", "tied"):
        assert said in board, said
    status = CliRunner().invoke(cli.app, ["status", str(first.pk)]).output
    assert SCORE in status
    assert RATIO in status


def test_the_demos_boards(first: Submission, client: Client) -> None:
    rows = client.get("/api/v2/competitions/waste/boards/public").json()["results"]
    console = Console(width=200)
    with console.capture() as shown:
        console.print(showing.table("Public board", rows))
    for said in (SCORE, RATIO, "tied"):
        assert said in shown.get(), said


def test_the_plot(first: Submission, competition: Competition) -> None:
    from leaderboard.web import plots

    drawn = plots.plot(rankings.Standing(competition, "public"))
    point = plots.point(drawn, rankings.rows(competition, "public")[0])
    assert (point.low, point.high) == (drawn.x.at(0.48), drawn.x.at(0.52))
    assert baselines.reference_of(competition, "public").score_half_width == 0.005
