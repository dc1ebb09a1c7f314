"""A step within the noise of images and clock is counted for organizers.

A rule may keep it off the board.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from leaderboard.errors import Refused
from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import (
    competitions,
    gains,
    histories,
    queueing,
    rankings,
    running,
    submissions,
)
from scoring import formula
from scoring.quality import doubt, metrics
from tests.leaderboard.conftest import answers_of, finish, report

pytestmark = pytest.mark.django_db
Make = Callable[..., Submission]
LABELS = [0] * 8 + [1] * 8 + [2] * 8
RULE = {"only_real_gains": True}


@pytest.fixture
def answered(submit: Make) -> Make:
    """A scored submission that answers the public images wrongly at these places."""

    def make(team: Team, seed: int, wrong: list[int], time_ratio: float = 0.5) -> Submission:
        public = [(one + (place in wrong)) % 3 for place, one in enumerate(LABELS)]
        quality = metrics.macro_f1(np.array(LABELS), np.array(public), 3)
        submission = submit(team, seed)
        finish(
            submission.latest_evaluation,
            report(quality_public=quality, time_ratio=time_ratio),
            answers_of(public=public, private=[0] * 36),
        )
        return Submission.objects.get(pk=submission.pk)

    return make


def gain(submission: Submission) -> float | None:
    return submission.evaluation.gain


def stands(team: Team) -> Submission:
    return rankings.entry_of(team, "public").submission


def test_a_gain_is_the_difference_in_paired_standard_errors(team: Team, answered: Make) -> None:
    first, second = answered(team, 1, wrong=[0, 1, 8, 16, 17]), answered(team, 2, wrong=[0, 8])
    one, other = (submission.evaluation for submission in (first, second))
    answers = np.array(
        [
            [(label + (place in wrong)) % 3 for place, label in enumerate(LABELS)]
            for wrong in ([0, 1, 8, 16, 17], [0, 8])
        ]
    )
    slopes = [
        formula.quality_slope(each.quality_public, quality_ref=0.7, k=20.0) for each in (one, other)
    ]
    phi = doubt.influences(np.array(LABELS), answers, 3, "macro_f1")
    psi = np.array(slopes)[:, None] * phi
    clock = 0.5 * 0.01 / 1.96
    error = np.sqrt(((psi[0] - psi[1]) ** 2).sum() / 24**2 + 2 * clock**2)
    assert gain(first) is None, "there was nothing to be better than"
    assert gain(second) == pytest.approx((one.score_public - other.score_public) / error)


def test_small_steps_are_counted_and_others_are_not(team: Team, answered: Make) -> None:
    answered(team, 1, wrong=[0, 8, 16])
    small = answered(team, 2, wrong=[0, 8, 16], time_ratio=0.499)
    worse = answered(team, 3, wrong=[0, 8, 16], time_ratio=0.6)
    real = answered(team, 4, wrong=[0, 8, 16], time_ratio=0.3)
    assert 0 < gain(small) < 1 < gain(real)
    assert gain(worse) == 0
    assert gains.steps_below_noise(team) == 1
    assert gains.probing(team.competition) == [(team, 1)]


def test_a_repeat_counts_no_second_time(team: Team, answered: Make, organizer: User) -> None:
    answered(team, 1, wrong=[0, 8, 16])
    small = answered(team, 2, wrong=[0, 8, 16], time_ratio=0.499)
    repeat = queueing.evaluate_again(submission=small, by=organizer)
    finish(repeat, report(quality_public=small.evaluation.quality_public, time_ratio=0.498))
    assert gain(Submission.objects.get(pk=small.pk)) == gain(small)
    assert gains.steps_below_noise(team) == 1


def test_without_answers_the_clock_alone_decides(team: Team, scored: Make) -> None:
    scored(team, seed=1, time_ratio=0.5)
    assert gain(scored(team, seed=2, time_ratio=0.499)) < 1 < gain(scored(team, 3, time_ratio=0.4))


def test_without_the_rule_each_gain_moves_the_board(team: Team, answered: Make) -> None:
    answered(team, 1, wrong=[0, 8, 16])
    small = answered(team, 2, wrong=[0, 8, 16], time_ratio=0.499)
    assert stands(team) == small


def test_under_the_rule_only_a_real_gain_moves_the_board(team: Team, answered: Make) -> None:
    Competition.objects.update(**RULE)
    first = answered(team, 1, wrong=[0, 8, 16])
    answered(team, 2, wrong=[0, 8, 16], time_ratio=0.499)
    assert stands(team) == first
    answered(team, 3, wrong=[0, 8, 16], time_ratio=0.498)
    assert stands(team) == first, "it is compared with the row, not with what was held"
    real = answered(team, 4, wrong=[0, 8, 16], time_ratio=0.3)
    assert stands(team) == real


def test_under_the_rule_a_withdrawal_shows_the_real_gain_before(
    team: Team, answered: Make, owner: User
) -> None:
    Competition.objects.update(**RULE)
    first = answered(team, 1, wrong=[0, 8, 16])
    held = answered(team, 2, wrong=[0, 8, 16], time_ratio=0.499)
    real = answered(team, 3, wrong=[0, 8, 16], time_ratio=0.3)
    submissions.withdraw(submission=real, by=owner)
    assert stands(team) == first
    submissions.withdraw(submission=first, by=owner)
    assert stands(team) == held, "better than no row"


def test_the_same_model_of_another_team_is_compared_with_its_own_row(
    team: Team, rivals: Team, answered: Make, submit: Make
) -> None:
    Competition.objects.update(**RULE)
    answered(team, 1, wrong=[0, 8, 16], time_ratio=0.499)
    first = answered(rivals, 2, wrong=[0, 8, 16], time_ratio=0.5)
    same = submit(rivals, 1)
    running.run_next("cpu")
    assert 0 < gain(Submission.objects.get(pk=same.pk)) < 1
    assert stands(rivals) == first


def test_a_held_score_is_not_on_the_teams_public_page(
    team: Team, answered: Make, client: Client
) -> None:
    Competition.objects.update(**RULE)
    shown = answered(team, 1, wrong=[0, 8, 16])
    held = answered(team, 2, wrong=[0, 8, 16], time_ratio=0.499)
    known = Team.objects.get(pk=team.pk)
    assert [one.uploaded_at for one in histories.steps(known)] == [shown.uploaded_at]
    page = client.get(f"/competitions/waste/teams/{team.pk}/").content.decode()
    assert f"{shown.evaluation.score_public:.4f}" in page
    assert f"{held.evaluation.score_public:.4f}" not in page


def test_what_was_measured_late_counts_from_its_upload(team: Team, answered: Make) -> None:
    """The same holds for the board of an earlier moment, and in the race."""
    best = answered(team, 1, wrong=[0])
    late = answered(team, 2, wrong=[0, 8, 16])
    answered(team, 3, wrong=[0, 8, 16])  # no better than what was sent before
    earlier = best.uploaded_at - timedelta(hours=1)
    Submission.objects.filter(pk=late.pk).update(uploaded_at=earlier)
    assert [one.uploaded_at for one in histories.steps(team)] == [earlier, best.uploaded_at]


def test_the_rule_is_said_and_its_team_reads_why(
    team: Team, answered: Make, owner: User, client: Client
) -> None:
    def page(url: str) -> str:
        return " ".join(client.get(url).content.decode().split())

    said = "changes only if a new score is better by more than the standard error"
    for url in ("/competitions/waste/scoring/", "/competitions/waste/rules/"):
        assert said not in page(url)
    Competition.objects.update(**RULE)
    for url in ("/competitions/waste/scoring/", "/competitions/waste/rules/"):
        assert said in page(url)
    assert client.get("/api/v2/competitions/waste").json()["only_real_gains"] is True
    answered(team, 1, wrong=[0, 8, 16])
    held = answered(team, 2, wrong=[0, 8, 16], time_ratio=0.499)
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    assert "row on the board does not change" in page(held.get_absolute_url())
    shown = client.get(f"/api/v2/submissions/{held.pk}").json()
    assert "gain" not in shown


def test_the_rule_is_fixed_when_the_competition_opens(
    competition: Competition, organizer: User
) -> None:
    competition.only_real_gains = True
    with pytest.raises(Refused):
        competitions.edit(competition=competition, by=organizer)


def test_organizers_see_the_count(
    team: Team, answered: Make, organizer: User, client: Client
) -> None:
    answered(team, 1, wrong=[0, 8, 16])
    answered(team, 2, wrong=[0, 8, 16], time_ratio=0.499)
    client.force_login(organizer, "django.contrib.auth.backends.ModelBackend")
    names: list[tuple[str, Any]] = [("competition", team.competition_id), ("team", team.pk)]
    pages = [
        client.get(reverse(f"admin:leaderboard_{name}_change", args=[key])).content.decode()
        for name, key in names
    ]
    assert "1 step below noise" in pages[0]
    assert "1. Better than the team&#x27;s row by less" in pages[1]
