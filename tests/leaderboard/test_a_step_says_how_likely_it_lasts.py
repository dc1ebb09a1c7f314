"""A gain that passes the next team here may not pass it on other images.

The verdict says how likely it does.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rich.console import Console

from leaderboard.cli import submissions as cli
from leaderboard.models import Competition, Evaluation, Submission, Team, User
from leaderboard.models.answers import Answers
from leaderboard.services import duels, prospects, ranges, teams
from tests.leaderboard.conftest import answers_of, finish, report

PUBLIC, PRIVATE = 24, 36
LABELS = [number // 8 for number in range(PUBLIC)]


def plays(submission: Submission, *, wrong: int, time_ratio: float) -> Evaluation:
    """A model whose first answers are wrong."""
    given = [(label + (place < wrong)) % 3 for place, label in enumerate(LABELS)]
    found = report(quality_public=1 - wrong / PUBLIC, time_ratio=time_ratio)
    return finish(
        submission.latest_evaluation, found, answers_of(public=given, private=[0] * PRIVATE)
    )


@pytest.fixture
def second(submit: Any, team: Team, rivals: Team, monkeypatch: pytest.MonkeyPatch) -> Submission:
    """The submission of a team that is behind one other team, with the same answers but one."""
    monkeypatch.setattr(ranges, "PAUSE", 0)
    plays(submit(rivals, 1), wrong=5, time_ratio=1.5)
    mine: Submission = submit(team, 2)
    plays(mine, wrong=6, time_ratio=1.6)
    return mine


def step(submission: Submission) -> prospects.Step:
    found = prospects.of(Submission.objects.get(pk=submission.pk))
    assert found
    assert found.step
    return found.step


def test_the_least_gain_is_as_likely_above_as_below_and_a_larger_one_is_sure(
    second: Submission,
) -> None:
    assert step(second).odds is None  # until the ranges are computed
    ranges.renew_all()
    found = step(second)
    assert found.odds
    assert found.odds.likelihood in (0.5, 0.6)
    assert found.odds.sure_time_ratio_less is not None
    assert found.time_ratio_less is not None
    assert found.odds.sure_time_ratio_less > found.time_ratio_less
    assert found.sure_seconds_less == pytest.approx(0.01 * found.odds.sure_time_ratio_less, rel=0.1)


def test_the_likelihood_of_a_sure_gain_is_what_draws_of_the_forecast_say(
    second: Submission,
) -> None:
    """The range of the rank and the likelihood are made of one doubt."""
    ranges.renew_all()
    odds, mine = step(second).odds, second.team.rank_range
    assert odds
    assert (mine.first, mine.last) == (1, 2)
    duel = duels.of(second.evaluation, second.competition.entries.get(team__name="Rivals"))
    assert duel
    quality = second.evaluation.quality_public or 0.0
    # With one answer between the models, the doubt is far below that of two strange models.
    strange = (2 * mine.error**2 * (1 + duel.of_other)) ** 0.5 * abs(duel.slope(quality))
    assert duel.error(quality) < strange / 2


def test_page_api_and_command_say_the_range_and_the_likelihood(
    second: Submission, owner: User, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranges.renew_all()
    client.force_login(owner)
    page = " ".join(client.get(second.get_absolute_url()).content.decode().split())
    assert "likely <span>1 to 2</span>" in page
    percent = round(100 * step(second).odds.likelihood)
    assert f"this gain is enough in about {percent} % of cases" in page
    assert "is enough in 95 %." in page
    told = client.get(f"/api/v2/submissions/{second.pk}").json()["prospect"]
    assert (told["likely_first"], told["likely_last"]) == (1, 2)
    assert told["step"]["likelihood"] == step(second).odds.likelihood
    assert told["step"]["sure_time_ratio_less"] > told["step"]["time_ratio_less"]
    console = Console(width=200)
    monkeypatch.setattr(cli, "out", console)
    with console.capture() as shown:
        cli.show_prospect(told)
    lines = shown.get().splitlines()
    assert lines[0] == "Rank 2 of 2 on the public board, likely 1 to 2."
    assert lines[1].startswith("To pass Rivals (rank 1, score ")
    assert f"enough in about {percent} % of cases" in lines[2]
    assert lines[3].startswith("Enough in 95 %: ")


def test_the_private_answers_and_an_own_best_say_nothing(
    second: Submission, submit: Any, team: Team
) -> None:
    ranges.renew_all()
    before = step(second)
    Answers.objects.update(private=b"\x02" * PRIVATE)
    Competition.objects.get().ranged.delete()
    ranges.renew_all()
    assert step(second) == before
    worse = submit(team, 3)
    plays(worse, wrong=8, time_ratio=1.7)
    ranges.renew_all()
    assert step(worse).team is None
    assert step(worse).odds is None


def test_another_team_above_waits_for_its_own_likelihood(
    second: Submission, submit: Any, competition: Competition, outsider: User
) -> None:

    ranges.renew_all()
    between = teams.create(competition=competition, name="Between", by=outsider)
    plays(submit(between, 3), wrong=6, time_ratio=1.55)
    assert step(second).team == between
    assert step(second).odds is None
    ranges.renew_all()
    assert step(second).odds


@pytest.mark.parametrize(
    ("value", "told"), [(0.0101, 0.015), (0.02, 0.02), (0.0301, 0.05), (0.71, 1.0), (3.1, 5.0)]
)
def test_a_sure_gain_has_one_of_few_first_digits(value: float, told: float) -> None:
    assert duels.rounded_up(value) == pytest.approx(told)
