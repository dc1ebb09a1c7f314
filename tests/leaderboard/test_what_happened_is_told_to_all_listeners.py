"""Events: listeners are told after the commit, and a listener that breaks stops no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Model

from leaderboard.models import Submission, Team, User
from leaderboard.services import competitions, events
from tests.leaderboard.conftest import finish, report

Told = list[tuple[events.Event, Model]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    heard: Told = []

    def broken(event: events.Event, row: Model) -> None:
        raise RuntimeError("this listener is away")

    monkeypatch.setattr(events, "LISTENERS", (broken, lambda *news: heard.append(news)))
    return heard


def test_a_place_an_evaluation_and_a_publication_are_told(
    team: Team,
    organizer: User,
    submit: Callable[..., Submission],
    told: Told,
    django_capture_on_commit_callbacks: Any,
) -> None:
    evaluation = submit(team).latest_evaluation
    with django_capture_on_commit_callbacks(execute=True):
        finish(evaluation, report())
        competitions.close(competition=team.competition, by=organizer)
        competitions.publish(competition=team.competition, by=organizer)
        assert not told  # before the commit
    assert told == [
        (events.Event.PLACE_CHANGED, team),
        (events.Event.EVALUATION_ENDED, evaluation),
        (events.Event.COMPETITION_PUBLISHED, team.competition),
    ]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_not_told(
    team: Team, submit: Callable[..., Submission], told: Told
) -> None:
    evaluation = submit(team).latest_evaluation
    with transaction.atomic():
        finish(evaluation, report())
        transaction.set_rollback(True)
    assert not told
