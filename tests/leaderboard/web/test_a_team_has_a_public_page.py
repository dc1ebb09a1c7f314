"""A team's rank and best scores over time; its members only if they want it."""

from __future__ import annotations

import re
from typing import Any

from django.utils import timezone

from leaderboard.models import Submission, Team, User
from leaderboard.services import histories
from tests.leaderboard.web.conftest import text


def address(team: Team) -> str:
    return f"/competitions/waste/teams/{team.pk}/"


def test_only_scores_that_were_the_best_are_shown(
    see: Any, scored: Any, team: Team, rivals: Team
) -> None:
    scored(rivals, 9, time_ratio=0.2)
    for seed, ratio in enumerate((0.9, 0.95, 0.7, 0.8, 0.6)):
        scored(team, seed, time_ratio=ratio)
    assert [round(one.score, 3) for one in histories.steps(team)] == [0.95, 0.85, 0.8]
    page = text(see(None, address(team)))
    assert page.count("<circle") == 3
    assert '<span class="rank rank-2">2</span>' in page
    assert f"boards/public/?team={team.pk}#team-{team.pk}" in page
    for hidden in ("0.9750", "0.9000", "owner", "teammate"):
        assert hidden not in page.split("<main")[1], hidden
    board = text(see(None, "/competitions/waste/boards/public/"))
    assert f'<a href="{address(team)}">Sorters</a>' in board


def test_each_member_decides_whether_the_name_is_shown(
    see: Any, send: Any, scored: Any, team: Team, owner: User, teammate: User, rival: User
) -> None:
    scored(team)
    at = "/competitions/waste/team/show-me/"
    send(teammate, at, is_shown="1")
    page = text(see(None, address(team))).split("<main")[1]
    assert "teammate" in page
    assert not re.search(r"\bowner\b", page)
    send(rival, at, is_shown="1")
    send(teammate, at, is_shown="0")
    assert "teammate" not in text(see(None, address(team)))


def test_a_team_that_was_never_on_the_board_is_for_its_members(
    see: Any, team: Team, owner: User, rival: User
) -> None:
    own = text(see(owner, address(team)))
    assert "This team has not uploaded a model yet." in own
    assert own.split("<main")[1].count('href="/competitions/waste/submit/"') == 1
    assert see(rival, address(team)).status_code == 404
    assert see(None, address(team)).status_code == 404


def test_what_was_withdrawn_or_disqualified_is_gone(see: Any, scored: Any, team: Team) -> None:
    best = scored(team, 1, time_ratio=0.3)
    scored(team, 2, time_ratio=0.2)
    Submission.objects.filter(pk=best.pk).update(disqualified_at=timezone.now())
    assert text(see(None, address(team))).count("<circle") == 1
