"""What an attempt found lies apart from the rows that lists and histories read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

BEFORE = ("leaderboard", "0011_the_panel_is_read_from_indexes")
AFTER = ("leaderboard", "0014_evaluations_carry_no_reports")


@pytest.fixture
def elsewhere(django_db_setup: None, django_db_blocker: Any, tmp_path: Path) -> Iterator[str]:
    """The alias of an empty database of the same kind."""
    alias, name = "elsewhere", f"history_{os.getpid()}"
    is_file = connection.vendor == "sqlite"
    connections.databases[alias] = connection.settings_dict | {
        "NAME": str(tmp_path / name) if is_file else name
    }
    with django_db_blocker.unblock():
        if not is_file:
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"CREATE DATABASE {name}")
        yield alias
        connections[alias].close()
        del connections[alias], connections.databases[alias]
        if not is_file:
            with connection._nodb_cursor() as cursor:
                cursor.execute(f"DROP DATABASE {name}")


def migrate(alias: str, target: tuple[str, str]) -> Any:
    """The models as they were after a migration."""
    MigrationExecutor(connections[alias]).migrate([target])
    return MigrationExecutor(connections[alias]).loader.project_state([target]).apps


def of(time_ratio: float) -> dict[str, Any]:
    return {
        "timing": {"time_ratio": time_ratio},
        "isolation": {"is_weak": False},
        "splits": {"public": {"per_class": {"Metal": {"f1": 0.9}}}},
    }


def test_stored_reports_move_and_move_back(elsewhere: str) -> None:
    histories: dict[str, dict[str, Any]] = {
        "queued": {},
        "scored": {"attempt": 3, "report": of(0.5), "noisy_reports": [of(0.7), of(0.6)]},
        "failed": {"attempt": 1, "report": of(0.4)},
        "error": {"attempt": 3, "report": of(0.8), "noisy_reports": [of(0.9), of(0.8)]},
        "cancelled": {"attempt": 1, "noisy_reports": [{"measurement_key": "older"} | of(0.3)]},
    }
    old = migrate(elsewhere, BEFORE)
    rows = {
        name: old.get_model("leaderboard", name).objects.using(elsewhere)
        for name in ("HardwareProfile", "Dataset", "Competition", "ReferenceModel", "Evaluation")
    }
    now = timezone.now()
    profile = rows["HardwareProfile"].create(slug="cpu", name="One core")
    dataset = rows["Dataset"].create(name="Waste", classes=["Metal"], created_at=now)
    competition = rows["Competition"].create(slug="waste", title="Waste", profile=profile)
    reference = rows["ReferenceModel"].create(competition=competition, size_bytes=1, created_at=now)
    for state, history in histories.items():
        rows["Evaluation"].create(
            kind="calibration",
            competition=competition,
            reference=reference,
            dataset=dataset,
            profile=profile,
            state=state,
            queued_at=now,
            measurement_key="today",
            score_public=0.5,
            time_ratio=0.5,
            **history,
        )
    before = list(rows["Evaluation"].order_by("pk").values("state", "report", "noisy_reports"))

    new = migrate(elsewhere, AFTER)
    evaluations = new.get_model("leaderboard", "Evaluation").objects.using(elsewhere)
    found = {
        one.state: [
            (report.attempt, report.is_noisy, report.measurement_key, report.found)
            for report in one.reports.order_by("attempt")
        ]
        for one in evaluations.all()
    }
    assert found == {
        "queued": [],
        "scored": [
            (1, True, "today", of(0.7)),
            (2, True, "today", of(0.6)),
            (3, False, "today", of(0.5)),
        ],
        "failed": [(1, False, "today", of(0.4))],
        "error": [(1, True, "today", of(0.9)), (2, True, "today", of(0.8))],
        "cancelled": [(1, True, "older", of(0.3))],
    }
    scored = evaluations.get(state="scored")
    assert (scored.f1_by_class, scored.isolation) == ({"Metal": 0.9}, {"is_weak": False})
    assert evaluations.get(state="queued").isolation is None

    old = migrate(elsewhere, BEFORE)
    evaluations = old.get_model("leaderboard", "Evaluation").objects.using(elsewhere)
    assert before == list(evaluations.order_by("pk").values("state", "report", "noisy_reports"))
