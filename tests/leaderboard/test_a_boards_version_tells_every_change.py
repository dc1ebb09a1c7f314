"""Anything that a board shows changes its version, because pages are kept by the version."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import competitions, queueing, submissions, teams, versions
from tests.leaderboard.conftest import finish, report

pytestmark = pytest.mark.django_db
Scored = Callable[..., Submission]


def test_every_change_gives_another_version_and_nothing_else_does(
    team: Team,
    rivals: Team,
    competition: Competition,
    owner: User,
    organizer: User,
    scored: Scored,
    submit: Scored,
) -> None:
    seen = {versions.of(competition, "public")}

    def is_new() -> bool:
        token = versions.of(competition, "public")
        return token not in seen and not seen.add(token)

    best = scored(team, seed=1, time_ratio=0.5)
    assert is_new()
    scored(team, seed=2, time_ratio=0.9)  # not its best: the board stays as it is
    assert not is_new()
    waiting = submit(rivals, seed=3)
    assert not is_new()
    finish(waiting.latest_evaluation, report(time_ratio=0.6))
    assert is_new()
    queueing.evaluate_again(submission=waiting, by=organizer)
    finish(waiting.latest_evaluation, report(time_ratio=0.6))  # measured 2x, says its row
    assert is_new()
    submissions.withdraw(submission=best, by=owner)
    assert is_new()
    submissions.disqualify(submission=waiting, reason="two accounts", by=organizer)
    assert is_new()
    submissions.reinstate(submission=waiting, reason="Fine.", by=organizer)
    assert is_new()
    teams.rename(team=rivals, name="Fine rivals", reason="Rude", by=organizer)
    assert is_new()
    competition.refresh_from_db()
    competition.min_quality = 0.69
    competitions.edit(competition=competition, by=organizer)
    assert is_new()
    assert versions.of(competition, "private") not in seen

    before = versions.of(competition, "private")
    competitions.close(competition=competition, by=organizer)
    competitions.publish(competition=competition, by=organizer)
    assert versions.of(competition, "private") != before
