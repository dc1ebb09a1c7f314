"""The same model, or almost the same wrong answers, in two teams: a sign for organizers."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from leaderboard.models import Submission, Team, User
from leaderboard.services import likeness, running, teams
from tests.leaderboard.conftest import answers_of, finish, report

pytestmark = pytest.mark.django_db
Make = Callable[..., Submission]
LABELS = np.repeat([0, 1, 2], 8)
HALF_WRONG = [*(LABELS[:4]), *((LABELS[4:] + 1) % 3)]


@pytest.fixture
def answered(submit: Make) -> Make:
    def make(team: Team, seed: int, public: Any, time_ratio: float = 0.5) -> Submission:
        submission = submit(team, seed)
        finish(
            submission.latest_evaluation,
            report(time_ratio=time_ratio),
            answers_of(public=list(public), private=[0] * 36),
        )
        return Submission.objects.get(pk=submission.pk)

    return make


def test_the_same_wrong_answers_are_a_sign_and_others_are_none(
    team: Team, rivals: Team, outsider: User, answered: Make
) -> None:
    third = teams.create(competition=team.competition, name="Third", by=outsider)
    copied = [HALF_WRONG[0], *HALF_WRONG[1:-1], LABELS[-1]]
    one, other = answered(team, 1, HALF_WRONG), answered(rivals, 2, copied, 0.51)
    answered(third, 3, (np.array(HALF_WRONG) + 1) % 3, 0.52)
    (pair,) = likeness.pairs(team.competition)
    assert {pair.first, pair.second} == {one, other}
    assert pair.share == pytest.approx(19 / 20)
    assert pair.wrong == 20


def test_right_answers_and_few_wrong_ones_are_no_sign(
    team: Team, rivals: Team, answered: Make
) -> None:
    almost = [1, *LABELS[1:]]
    answered(team, 1, almost)
    answered(rivals, 2, almost, 0.51)
    assert likeness.pairs(team.competition) == []


def test_the_same_model_of_two_teams_is_a_sign_once(
    team: Team, rivals: Team, answered: Make, submit: Make
) -> None:
    one = answered(team, 1, HALF_WRONG)
    other = submit(rivals, 1)
    running.run_next("cpu")
    (pair,) = likeness.pairs(team.competition)
    assert (pair.first, pair.second, pair.share) == (one, other, None)


def test_independent_models_of_equal_quality_are_no_sign(
    team: Team, rivals: Team, answered: Make
) -> None:
    chance = random.Random(5)
    for seed, who in ((1, team), (2, rivals)):
        answered(who, seed, [chance.randrange(3) for _ in LABELS], 0.5 + seed / 100)
    assert likeness.pairs(team.competition) == []


def test_the_work_is_bounded_by_the_first_entries(
    team: Team,
    rivals: Team,
    answered: Make,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_max_num_queries: Any,
) -> None:
    answered(team, 1, HALF_WRONG)
    answered(rivals, 2, HALF_WRONG, 0.51)
    with django_assert_max_num_queries(8):
        assert likeness.found(team.competition)
    monkeypatch.setattr(likeness, "ENTRIES", 1)
    assert likeness.found(team.competition) == []


def test_organizers_read_it_in_the_panel_and_nobody_else_does(
    team: Team, rivals: Team, answered: Make, organizer: User, owner: User, client: Client
) -> None:
    one = answered(team, 1, HALF_WRONG)
    answered(rivals, 2, HALF_WRONG, 0.51)
    address = reverse("admin:leaderboard_competition_change", args=[team.competition_id])
    said = "both give the same wrong answer to 100%"
    client.force_login(organizer, "django.contrib.auth.backends.ModelBackend")
    assert said in client.get(address).content.decode()
    client.force_login(owner, "django.contrib.auth.backends.ModelBackend")
    assert client.get(address, follow=True).status_code == 403
    assert "wrong answer" not in client.get(one.get_absolute_url()).content.decode()
