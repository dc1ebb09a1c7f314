"""If the last submission counts, it stands on the public board even if it is worse.

The rule is the same for the board of today, of any moment, and under another formula.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from leaderboard.models import Competition, Entry, Rescore, Submission, Team, User
from leaderboard.services import (
    counting,
    histories,
    placing,
    prospects,
    races,
    rankings,
    submissions,
)
from tests.leaderboard.web.conftest import text


@pytest.fixture
def last(competition: Competition) -> Competition:
    Competition.objects.update(counted="last", min_quality=0.5, final_selections=1)
    competition.refresh_from_db()
    return competition


def leader(team: Team) -> int | None:
    entry = Entry.objects.filter(team=team, board="public").first()
    return entry.submission_id if entry else None


def at(submission: Submission, *, days_ago: int) -> None:
    moment = timezone.now() - timedelta(days=days_ago)
    Submission.objects.filter(pk=submission.pk).update(uploaded_at=moment)
    placing.place(submission.team)


def test_a_later_submission_takes_the_place_of_a_better_one(
    last: Competition, team: Team, scored: Callable[..., Submission], owner: User
) -> None:
    best = scored(team, seed=1, quality_public=0.8, time_ratio=0.5)
    worse = scored(team, seed=2, quality_public=0.7, time_ratio=0.9)
    at(best, days_ago=3)
    at(worse, days_ago=2)
    assert leader(team) == worse.pk
    below = scored(team, seed=3, quality_public=0.4, time_ratio=0.1)
    assert leader(team) == worse.pk  # the last one that passes the gate
    assert prospects.of(Submission.objects.get(pk=best.pk)) is None
    assert prospects.of(Submission.objects.get(pk=worse.pk))
    assert [one.score for one in histories.steps(team)] == [
        pytest.approx(one.evaluation.score_public, abs=1e-6) for one in (best, worse)
    ]
    race = races.of(rankings.Standing(last, "public"))
    assert race
    now = timezone.now()
    for days, one in ((2.5, best), (1, worse)):
        [placed] = race.standing(now - timedelta(days=days))
        assert placed.step.score == pytest.approx(one.evaluation.score_public, abs=1e-6)
    finals = counting.finals(last, [team.pk])
    assert [one.submission_id for one in finals[team.pk]] == [worse.pk]
    coming = Rescore(competition=last, version=2, time_weight=9, k=1, quality_ref=0.7)
    under = counting.leaders_under(last, coming, [team.pk])
    assert under[team.pk].submission_id == worse.pk
    submissions.withdraw(submission=worse, by=owner)
    assert leader(team) == best.pk
    submissions.withdraw(submission=best, by=owner)
    assert leader(team) == below.pk


def test_an_earlier_board_knows_teams_that_led_then(
    last: Competition,
    team: Team,
    rivals: Team,
    scored: Callable[..., Submission],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A team that is beyond the first ones of today may have led before it sent a worse model."""
    monkeypatch.setattr(races, "MOST_TEAMS", 1)
    at(scored(team, seed=1, quality_public=0.8, time_ratio=0.5), days_ago=4)
    at(scored(rivals, seed=2, quality_public=0.75, time_ratio=0.6), days_ago=3)
    at(scored(team, seed=3, quality_public=0.6, time_ratio=0.9), days_ago=1)
    race = races.of(rankings.Standing(last, "public"))
    assert race
    [then] = race.standing(timezone.now() - timedelta(days=2))
    assert (then.team_id, then.rank) == (team.pk, 1)
    page = Client().get(
        "/competitions/waste/race/", {"as_of": (timezone.now() - timedelta(days=2)).isoformat()}
    )
    assert [(one.name, one.now) for one in page.context["rows"]] == [("Sorters", None)]


def test_pages_say_so(last: Competition, team: Team, scored: Any, owner: User) -> None:
    scored(team, seed=1)
    page = text(Client().get("/competitions/waste/scoring/"))
    assert "shows the last submission of each team that passes the gate" in page
    overview = text(Client().get("/competitions/waste/"))
    assert "the last submission of each team that passes the gate" in overview
    assert "If your team selects nothing, its last submission counts." in page
    member = Client()
    member.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    assert ">on the board" in text(member.get("/competitions/waste/submissions/"))


def test_it_does_not_go_with_only_real_gains(draft: Competition) -> None:
    draft.counted, draft.only_real_gains = "last", True
    with pytest.raises(ValidationError, match="the last submission counts"):
        draft.clean()
