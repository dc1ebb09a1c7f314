"""The demo warns aloud if its sandbox lacks a layer."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from leaderboard.demo import showing
from leaderboard.models import Team
from tests.leaderboard.conftest import WEAK, finish, report

pytestmark = pytest.mark.django_db


def told() -> str:
    console = Console(file=io.StringIO(), width=100)
    showing.show_weakness(console)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_it_is_quiet_where_the_sandbox_is_whole(scored: Any, team: Team) -> None:
    scored(team)
    assert told() == ""


def test_it_names_what_is_missing(submit: Any, team: Team) -> None:
    finish(submit(team).latest_evaluation, replace(report(), isolation=WEAK))
    shown = told()
    assert "WEAK SANDBOX" in shown
    assert "missing: filter of system calls (only for computing)" in shown
