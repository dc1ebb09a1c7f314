"""Submissions, teams, boards and measurements as files, by each door, and for organizers only."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from leaderboard.models import AuditEntry, Competition, Submission, Team, User, Verification
from leaderboard.models.tracks import Track
from leaderboard.services import competitions, exports, preparing
from tests.leaderboard.admin.conftest import panel
from tests.leaderboard.api.conftest import API, client_of

__all__ = ["panel"]
pytestmark = pytest.mark.django_db


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_each_kind_and_form_has_all_rows(
    panel: Any, organizer: User, team: Team, rivals: Team, scored: Callable[..., Submission]
) -> None:
    first = scored(team, seed=1, quality_private=0.6123)
    scored(rivals, seed=2)
    Team.objects.filter(pk=team.pk).update(name="=HYPERLINK(1)")
    Submission.objects.filter(pk=first.pk).update(note="@SUM(A1)\n=1+1")
    page = f"/admin/leaderboard/competition/{team.competition_id}/result/"
    api, counts = client_of(organizer), {}
    for kind, one in exports.KINDS.items():
        text = content(panel.get(f"{page}{kind}.csv")).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        told = json.loads(content(api.get(f"{API}/competitions/waste/exports/{kind}.json")))
        packed = pq.read_table(io.BytesIO(content(panel.get(f"{page}{kind}.parquet"))))
        assert list(rows[0]) == list(told[0]) == packed.column_names == list(one.columns)
        assert len(rows) == len(told) == packed.num_rows
        counts[kind] = len(rows)
        for cell in (cell for row in rows for cell in row.values()):
            assert not cell.startswith(("=", "@")), cell
        assert not packed.column(0).null_count
    assert counts == {"submissions": 2, "teams": 2, "boards": 2, "measurements": 3}
    assert {one["quality_private"] for one in told} >= {0.6123}
    assert str(packed.schema.field("finished_at").type) == "timestamp[us, tz=UTC]"
    assert AuditEntry.objects.filter(act="rows_exported").count() == 12


def test_boards_have_tracks_ranks_and_verifications_and_private_ones_once_published(
    team: Team,
    rivals: Team,
    owner: User,
    teammate: User,
    organizer: User,
    scored: Callable[..., Submission],
) -> None:
    track = Track.model_validate({"slug": "small", "name": "Small", "max_parameters": 10**9})
    competition = Competition.objects.get()
    competition.tracks = [track.model_dump()]
    competition.min_quality = 0.5
    competitions.edit(competition=competition, by=organizer)
    preparing.go_on_all(seconds=60)
    scored(team, seed=1, time_ratio=0.9, quality_public=0.8, quality_private=0.3)
    scored(rivals, seed=2, time_ratio=0.7, quality_public=0.8, quality_private=0.8)

    def rows(kind: str) -> list[dict[str, Any]]:
        answer = client_of(organizer).get(f"{API}/competitions/waste/exports/{kind}.json")
        found: list[dict[str, Any]] = json.loads(content(answer))
        return found

    def ranks() -> dict[str, list[tuple[str, int | None]]]:
        found: dict[str, list[tuple[str, int | None]]] = {}
        for one in rows("boards"):
            found.setdefault(one["board"], []).append((one["team"], one["rank"]))
        return found

    public = [("Rivals", 1), ("Sorters", 2)]
    assert ranks() == {"public": public, "public.small": public}
    members = {one["team"]: one["members"].split(", ") for one in rows("teams")}
    assert sorted(members["Sorters"]) == sorted([owner.username, teammate.username])
    competitions.close(competition=competition, by=organizer)
    Verification.objects.create(
        competition=competition, team=rivals, rank=1, due_at=timezone.now(), state="verified"
    )
    assert set(ranks()) == {"public", "public.small"}
    assert {one["verification"] for one in rows("boards")} == {None, "verified"}
    competitions.publish(competition=competition, by=organizer)
    preparing.go_on_all(seconds=60)
    private = [("Rivals", 1), ("Sorters", None)]
    both = {"public": public, "public.small": public}
    assert ranks() == both | {"private": private, "private.small": private}


def test_the_command_writes_the_same(team: Team, tmp_path: Path) -> None:
    target = tmp_path / "teams.json"
    call_command("export_rows", "waste", "teams", "--as", "json", "--output", str(target))
    assert [one["team"] for one in json.loads(target.read_text())] == ["Sorters"]
    with pytest.raises(CommandError, match="unknown_competition"):
        call_command("export_rows", "wast", "teams")


def test_without_pyarrow_it_says_what_to_do(
    panel: Any, team: Team, organizer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "pyarrow" else found(name)
    )
    answer = client_of(organizer).get(f"{API}/competitions/waste/exports/teams.parquet")
    assert (answer.status_code, answer.json()["code"]) == (409, "no_parquet")
    page = f"/admin/leaderboard/competition/{team.competition_id}/result/"
    assert "pyarrow" in panel.get(f"{page}teams.parquet", follow=True).content.decode()
