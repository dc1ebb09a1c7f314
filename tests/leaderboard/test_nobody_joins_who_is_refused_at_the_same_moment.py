"""A person joins while an organizer refuses the application: one waits, and is then refused."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from django.db import OperationalError, transaction

from leaderboard.errors import Conflict, NotAllowed
from leaderboard.models import Application, Competition, Membership, User
from leaderboard.services import applications, teams
from tests.leaderboard.test_uploads_of_many_teams_go_side_by_side import elsewhere

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("sqlite" in os.environ["DATABASE_URL"], reason="SQLite has no row locks"),
]


@pytest.fixture
def accepted(competition: Competition, outsider: User, organizer: User) -> Application:
    Competition.objects.update(admission="approval")
    competition.refresh_from_db()
    made = applications.apply(competition=competition, answers=[], by=outsider)
    applications.accept(application=made, by=organizer)
    return made


@pytest.fixture
def join(competition: Competition, outsider: User) -> Callable[[], object]:
    return lambda: teams.create(competition=competition, name="Newcomers", by=outsider)


@pytest.fixture
def refuse(accepted: Application, organizer: User) -> Callable[[], object]:
    return lambda: applications.refuse(application=accepted, reason="Spam.", by=organizer)


def test_who_joins_keeps_the_refusal_waiting(
    accepted: Application, join: Callable[[], object], refuse: Callable[[], object]
) -> None:
    with transaction.atomic():
        join()
        assert isinstance(elsewhere(refuse), OperationalError)
    late = elsewhere(refuse)
    assert isinstance(late, Conflict)
    assert late.code == "already_in_a_team"


def test_who_is_refused_does_not_join(
    accepted: Application, join: Callable[[], object], refuse: Callable[[], object]
) -> None:
    with transaction.atomic():
        refuse()
        assert isinstance(elsewhere(join), OperationalError)
    late = elsewhere(join)
    assert isinstance(late, NotAllowed)
    assert late.code == "application_refused"
    assert not Membership.objects.exists()
