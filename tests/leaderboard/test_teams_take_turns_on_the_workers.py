"""A team that had little measured lately goes first, also if there is only one worker."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from leaderboard.models import Competition, Evaluation, Submission, Team
from leaderboard.services import queueing, recording, running, teams, turns
from scoring.sentences import say
from tests.leaderboard.conftest import person, report

pytestmark = pytest.mark.django_db
Submit = Callable[..., Submission]
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def measured(evaluation: Evaluation, seconds: float) -> None:
    """Record a claimed evaluation as if its measuring had taken so long."""
    Evaluation.objects.filter(pk=evaluation.pk).update(
        claimed_at=F("claimed_at") - timedelta(seconds=seconds)
    )
    evaluation.refresh_from_db()
    recording.record(evaluation, report(time_ratio=0.9))


def test_one_worker_serves_teams_in_turn_however_much_one_of_them_sends(
    team: Team, rivals: Team, submit: Submit
) -> None:
    Competition.objects.update(submissions_per_day=100)
    team.refresh_from_db()
    for seed in range(4):
        submit(team, seed)
    submit(rivals, 10)
    submit(rivals, 11)
    served = []
    while claimed := running.claim(team.competition.profile):
        served.append(claimed.team)
        measured(claimed, seconds=60 if claimed.team == team else 70)
    assert served == [team, rivals, team, rivals, team, team]


def test_a_team_whose_models_are_slow_waits_for_one_whose_models_are_quick(
    team: Team, rivals: Team, submit: Submit
) -> None:
    profile = team.competition.profile
    for seed in (1, 2):
        submit(team, seed)
    measured(running.claim(profile), seconds=600)
    for seed in (11, 12, 13):
        submit(rivals, seed)
    served = []
    while claimed := running.claim(profile):
        served.append(claimed.team)
        measured(claimed, seconds=60)
    assert served == [rivals, rivals, rivals, team]


def test_what_breaks_by_our_fault_is_no_use_of_the_team(team: Team, submit: Submit) -> None:
    submit(team)
    claimed = running.claim(team.competition.profile)
    recording.give_back(claimed, code="internal", said=say("a bug of ours"))
    team.refresh_from_db()
    assert team.turn == 0


def test_use_is_forgotten_by_half_each_half_life() -> None:
    later = NOON + turns.HALF_LIFE
    long_ago = turns.charged(0.0, seconds=100, at=NOON)
    lately = turns.charged(0.0, seconds=50, at=later)
    assert long_ago == pytest.approx(lately, abs=1e-6)
    both = turns.charged(long_ago, seconds=50, at=later)
    now = later.timestamp() / turns.HALF_LIFE.total_seconds()
    assert math.isclose(2 ** (both - now), 100, rel_tol=1e-6)


def test_a_clock_that_was_wrong_breaks_nothing() -> None:
    ahead = turns.charged(0.0, seconds=100, at=NOON + timedelta(days=30_000))
    assert math.isfinite(turns.charged(ahead, seconds=10, at=NOON))
    assert turns.charged(ahead, seconds=-5, at=NOON) == ahead


def test_the_place_in_the_line_is_the_order_in_which_workers_take(
    competition: Competition, submit: Submit
) -> None:
    teams_of = [team_of_one(competition, number) for number in range(3)]
    for number, one in enumerate(teams_of):
        for seed in range(2):
            submit(one, seed=10 * number + seed)
    waiting = Evaluation.objects.queued(competition.profile)
    place = {one: queueing.place(one).position for one in waiting}
    taken = []
    while claimed := running.claim(competition.profile):
        taken.append(place[claimed])
    assert taken == [1, 2, 3, 4, 5, 6]


def test_claim_and_place_ask_as_many_questions_for_one_that_waits_as_for_forty(
    competition: Competition, submit: Submit
) -> None:
    counts = []
    for number in (1, 40):
        while Evaluation.objects.queued(competition.profile).count() < number:
            another = Team.objects.count()
            submit(team_of_one(competition, another), seed=another)
        last = Evaluation.objects.queued(competition.profile).last()
        cache.clear()
        with CaptureQueriesContext(connection) as polled:
            queueing.place(last)
        with CaptureQueriesContext(connection) as claimed:
            assert running.claim(competition.profile)
        with CaptureQueriesContext(connection) as polled_again:
            queueing.place(last)
        counts.append((len(polled), len(claimed)))
        assert len(polled_again) <= 1, "the place is kept for two seconds"
    assert counts[0] == counts[1]


def team_of_one(competition: Competition, number: int) -> Team:
    by = person(f"person{number}")
    return teams.create(competition=competition, name=f"Team {number}", by=by)
