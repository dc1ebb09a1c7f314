"""The answers of a site beside the same facts of the story, computed again."""

from __future__ import annotations

import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient
from typer.testing import CliRunner

from leaderboard.cli import app
from tests.leaderboard.contest import recomputed, story
from tests.leaderboard.contest.members import API
from tests.leaderboard.contest.playing import Play
from tests.leaderboard.contest.recomputed import Row

BOARDS = ("public", "private")


def told(slug: str, board: str) -> list[dict[str, Any]]:
    """The rows of a board, as the API gives them to everybody."""
    address = f"{API}/competitions/{slug}/boards/{board}"
    rows: list[dict[str, Any]] = APIClient().get(address, {"limit": 1000}).json()["results"]
    as_csv = b"".join(APIClient().get(f"{address}.csv")).decode("utf-8-sig")
    ranks = [one["rank"] for one in csv.DictReader(io.StringIO(as_csv))]
    assert ranks == [str(one["rank"] or "") for one in rows]
    return rows


def figures(row: Row) -> tuple[Any, ...]:
    near = pytest.approx
    return (
        *(row.rank, f"Team {row.team:02}", row.score, near(row.score_half_width)),
        *(near(row.quality, abs=5e-5), row.time_ratio, row.is_tied),
    )


def ranges_hold(rows: list[dict[str, Any]], expected: dict[str, tuple[int, int]]) -> None:
    """Checks each range, up to one rank at an end, because processors round differently."""
    given = {
        one["team"]: (one["likely_first"], one["likely_last"])
        for one in rows
        if one["likely_first"] is not None
    }
    assert given.keys() == expected.keys()
    off = [abs(a - b) for team in given for a, b in zip(given[team], expected[team], strict=True)]
    assert max(off) <= 1
    assert sum(off) <= len(off) / 20


def boards_hold(play: Play) -> None:
    for board in BOARDS:
        board_holds(play, board)


def board_holds(play: Play, board: str) -> None:
    """Checks a board against the one that is computed from answers and seconds."""
    facts = play.facts
    rows = told(play.competition.slug, board)
    names = ("rank", "team", "score", "score_half_width", "quality", "time_ratio", "tied")
    given = [tuple(one[name] for name in names) for one in rows]
    expected = recomputed.board(facts, board)
    assert given == [figures(one) for one in expected]
    ranked = [one for one in expected if one.rank]
    assert 30 < len(ranked) < len(expected)
    assert sum(one.is_tied for one in ranked) > 5
    if board == "public":
        ends = recomputed.ranges(facts, expected)
        ranges_hold(rows, {f"Team {one.team:02}": ends[one.upload] for one in ranked})


def snapshot_holds(play: Play, path: Path) -> None:
    """Checks the signed file: rows, quads, answers. The command must find nothing wrong."""
    contents = json.loads(path.read_text())["contents"]
    facts = play.facts
    numbers = {key: number for number, key in play.submissions.items()}
    models = {one.number: one.model for one in story.uploads()}
    evaluations = {one["evaluation"]: one for one in contents["evaluations"]}
    columns = contents["quad_columns"]
    public = {}
    for board in BOARDS:
        rows = contents["boards"][board]
        expected = recomputed.board(facts, board)
        assert [numbers[one["submission"]] for one in rows] == [one.upload for one in expected]
        assert [one["score"] for one in rows] == [one.score for one in expected]
        for row in rows:
            model = story.model(models[numbers[row["submission"]]])
            quads = evaluations[row["evaluation"]]["quads"]
            at = columns.index("submission_seconds")
            assert [one[at] for one in quads] == model.submission_seconds.tolist()
            key = evaluations[row["evaluation"]]["answers"]
            packed = contents["answers"]["models"][key][board]
            assert base64.b64decode(packed) == bytes(model.answers[board].tolist())
        if board == "public":
            ends = recomputed.ranges(facts, expected)
            public = {one.team: ends[one.upload] for one in expected if one.rank}
            ranges_hold(rows, {f"Team {team:02}": found for team, found in public.items()})
        else:
            places = {one.team: one.rank for one in expected if one.rank}
            both = [team for team in places if team in public]
            inside = sum(public[one][0] <= places[one] <= public[one][1] for one in both)
            assert contents["landed"]["teams"] == len(both)
            assert abs(contents["landed"]["inside"] - inside) <= 1
    verdict = CliRunner().invoke(app, ["verify", str(path), "--json"])
    assert verdict.exit_code == 0, verdict.output
    checks = json.loads(verdict.stdout)["checks"]
    assert not [one for one in checks if one["wrong"]]
    assert [one["checked"] for one in checks if one["name"] == "ranges"] == [len(public)]
