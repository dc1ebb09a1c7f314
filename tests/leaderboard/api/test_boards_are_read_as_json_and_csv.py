"""Boards by API: pages with stable numbers, and the whole as CSV."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from leaderboard.models import Competition, Entry, Submission, Team, User
from leaderboard.services import browsing, competitions, teams
from tests.leaderboard.api.conftest import API

pytestmark = pytest.mark.django_db
BOARD = f"{API}/competitions/waste/boards/public"
Scored = Callable[..., Submission]


def read(answer: Any) -> list[dict[str, str]]:
    body = answer.getvalue()
    assert body.startswith(codecs.BOM_UTF8)
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


@pytest.fixture
def two(team: Team, rivals: Team, scored: Scored) -> None:
    scored(team, seed=1, quality_public=0.75, time_ratio=0.5, half_width=0.02)
    scored(rivals, seed=2, quality_public=0.75, time_ratio=0.51, half_width=0.02)


def test_a_row_has_rank_figures_and_intervals(two: None, anonymous: APIClient) -> None:
    body = anonymous.get(BOARD).json()
    assert body.keys() == {"count", "next", "previous", "results", "baseline", "baselines"}
    assert body["count"] == 2
    first, second = body["results"]
    assert first.pop("uploaded_at")
    assert first == {
        "rank": 1,
        "team": "Sorters",
        "score": 0.518941,
        "score_half_width": 0.01,
        "tied": False,
        "quality": 0.75,
        "time_ratio": 0.5,
        "half_width": 0.02,
        "measurements": 1,
        "format": "torchscript",
        "number_type": "float32",
        "macs": None,
        "memory_bytes": None,
        "likely_first": None,
        "likely_last": None,
        "quality_half_width": None,
        "verification": "",
    }
    assert (second["rank"], second["team"], second["tied"]) == (2, "Rivals", True)
    assert body["baseline"] == {
        "name": "ResNet18-D",
        "score": 1.0,
        "score_half_width": 0.005,
        "quality": 0.7,
        "time_ratio": 1.0,
        "half_width": 0.01,
        "seconds": 0.01,
        "macs": None,
        "memory_bytes": None,
    }


def test_pages_follow_each_other(two: None, anonymous: APIClient) -> None:
    first = anonymous.get(BOARD, {"limit": 1}).json()
    assert (first["count"], first["previous"], len(first["results"])) == (2, None, 1)
    second = anonymous.get(first["next"]).json()
    assert second["next"] is None
    row = second["results"][0]
    assert (row["rank"], row["tied"]) == (2, True)  # tied with a row of the page before
    assert anonymous.get(second["previous"]).json()["results"] == first["results"]
    beyond = anonymous.get(BOARD, {"offset": 10**20}).json()
    assert (beyond["count"], beyond["results"]) == (2, [])


def test_filters_and_order_are_those_of_the_page(
    two: None, anonymous: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browsing, "EXPORTED", 1)
    Entry.objects.filter(team__name="Rivals").update(format="onnx", number_type="int8")
    expected = {
        "sort=-time": ["Rivals", "Sorters"],
        "sort=time": ["Sorters", "Rivals"],
        "sort=format": ["Rivals", "Sorters"],
        "sort=-rank": ["Rivals", "Sorters"],
        "q=riv": ["Rivals"],
        "format=onnx": ["Rivals"],
        "type=int8&sort=size": ["Rivals"],
        "tied=1": ["Rivals"],
        "q=nobody": [],
    }
    for query, teams_shown in expected.items():
        body = anonymous.get(f"{BOARD}?{query}").json()
        assert [row["team"] for row in body["results"]] == teams_shown, query
        assert body["count"] == (None if "tied" in query else len(teams_shown))
        assert body["baseline"]["name"] == "ResNet18-D"
        table = read(anonymous.get(f"{BOARD}.csv?{query}"))
        assert [row["team"] for row in table] == teams_shown, query
        ranks = {"Sorters": "1", "Rivals": "2"}
        assert [row["rank"] for row in table] == [ranks[name] for name in teams_shown]
    first = anonymous.get(f"{BOARD}?sort=-time&limit=1").json()
    assert (first["count"], first["previous"], len(first["results"])) == (2, None, 1)
    second = anonymous.get(first["next"]).json()
    assert ([row["team"] for row in second["results"]], second["next"]) == (["Sorters"], None)
    assert anonymous.get(second["previous"]).json()["results"] == first["results"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("sort=colour", "unknown_choice"),
        ("format=xml", "unknown_choice"),
        ("type=int7", "unknown_choice"),
        ("tied=yes", "unknown_choice"),
        ("sort=time&offset=100", "no_offset"),
    ],
)
def test_a_word_that_no_board_knows_is_refused(
    two: None, anonymous: APIClient, query: str, code: str
) -> None:
    for address in (BOARD, f"{BOARD}.csv"):
        answer = anonymous.get(f"{address}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    "address", [f"{BOARD}.csv", f"{BOARD}?format=csv", pytest.param(BOARD, id="by Accept")]
)
def test_csv_has_all_rows(two: None, anonymous: APIClient, address: str) -> None:
    answer = anonymous.get(address, {"limit": 1}, headers={"Accept": "text/csv"})
    if "format" in address:
        answer = anonymous.get(address)
    assert answer.streaming
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="waste-public.csv"' in answer["Content-Disposition"]
    rows = read(answer)
    assert [row["team"] for row in rows] == ["Sorters", "Rivals"]
    assert float(rows[0]["score"]) == 0.518941
    assert (rows[0]["rank"], rows[1]["tied"]) == ("1", "True")


def test_no_team_name_becomes_a_formula_whatever_a_program_splits_lines_at(
    team: Team, scored: Scored, anonymous: APIClient
) -> None:
    scored(team)
    for name, shown in {
        '=HYPERLINK("x")': '\'=HYPERLINK("x")',
        "+1": "'+1",
        "-1": "'-1",
        "@SUM(A1)": "'@SUM(A1)",
        "  =1": "'  =1",
        "\u3000\u200b=1": "'\u3000\u200b=1",
        "\uff1d1": "'\uff1d1",
        "\uff20A1": "'\uff20A1",
        "\ufe62A1": "'\ufe62A1",
        "\u22121": "'\u22121",
        "a;=1": "a;'=1",
        "a; =1|-1": "a;' =1|'-1",
        "a\t@b": "a\t'@b",
        'a;"=1"': 'a;\'"=1"',
        "a,+1": "a,'+1",
        '""=1': '\'""=1',
        "\u207a1": "'\u207a1",
        "\ufe63\u0661": "'\ufe63\u0661",
        "\ue000\u00ad=1": "'\ue000\u00ad=1",
        "a,;=1": "a,;'=1",
        "a\u2028@b": "a\u2028'@b",
        "\uff21=1": "\uff21=1",
        "a-b = c+d": "a-b = c+d",
        "a;b": "a;b",
    }.items():
        Team.objects.filter(pk=team.pk).update(name=name)
        (row,) = read(anonymous.get(f"{BOARD}.csv"))
        assert row["team"] == shown
        assert anonymous.get(BOARD).json()["results"][0]["team"] == name


def test_a_row_below_the_gate_stands_last_without_a_rank(
    two: None, team: Team, rivals: Team, scored: Scored, anonymous: APIClient
) -> None:
    Competition.objects.update(min_quality=0.74)
    team.competition.refresh_from_db()
    newcomer = User.objects.create(username="fast")
    other = teams.create(competition=team.competition, name="Fast", by=newcomer)
    scored(other, seed=3, quality_public=0.5, time_ratio=0.01)
    last = anonymous.get(BOARD).json()["results"][-1]
    assert (last["team"], last["rank"]) == ("Fast", None)


def test_the_private_board_opens_with_publication(
    two: None, competition: Competition, organizer: User, anonymous: APIClient
) -> None:
    address = BOARD.replace("public", "private")
    assert anonymous.get(address).json()["code"] == "board_not_published"
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    body = anonymous.get(address).json()
    assert [row["quality"] for row in body["results"]] == [0.68, 0.68]
    assert body["baseline"]["quality"] == 0.69
    assert anonymous.get(f"{address}.csv").status_code == 200
