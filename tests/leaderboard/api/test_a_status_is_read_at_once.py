"""Programs ask for a submission's status once a second: it is one statement, in every state."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from leaderboard.models import Evaluation, Team, User
from leaderboard.services import competitions, queueing, recording, running
from tests.leaderboard.api.conftest import API, Upload, client_of
from tests.leaderboard.conftest import failure, finish, report

pytestmark = pytest.mark.django_db
MOST_WHEN_SCORED = 14
"""The queries for its place on the board included. Nobody polls after the verdict."""


def asked(client: APIClient, url: str) -> list[str]:
    """The statements of one answer, without the statement for the token."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(url)
    assert answer.status_code == 200, answer.content
    statements = [one["sql"] for one in queries]
    assert "leaderboard_apitoken" in statements[0]
    return statements[1:]


def test_whatever_became_of_it(
    team: Team,
    client: APIClient,
    upload: Upload,
    model: bytes,
    organizer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queueing, "PLACE_SECONDS", 600)
    url = upload(model).json()["url"]
    evaluation = Evaluation.objects.get(submission__team=team)
    asked(client, url)  # its place is kept from now on
    assert len(asked(client, url)) == 2, "the submission, and whether workers are fit"
    claimed = running.claim(evaluation.profile)
    assert len(asked(client, url)) == 1
    recording.record(claimed, report())
    once = asked(client, url)
    assert len(once) <= MOST_WHEN_SCORED, once
    competitions.close(competition=evaluation.competition, by=organizer)
    competitions.publish(competition=evaluation.competition, by=organizer)
    body = client.get(url).json()
    assert body["private"]["quality"] == 0.68
    assert len(asked(client, url)) <= MOST_WHEN_SCORED


def test_a_failure_costs_no_more(
    team: Team, client: APIClient, upload: Upload, model: bytes
) -> None:
    url = upload(model).json()["url"]
    finish(Evaluation.objects.get(submission__team=team), failure())
    assert client.get(url).json()["failure"]["command"].startswith("python -m scoring try")
    assert len(asked(client, url)) == 2


def test_one_that_was_measured_again_shows_all_its_evaluations(
    team: Team, client: APIClient, upload: Upload, model: bytes, organizer: User
) -> None:
    url = upload(model).json()["url"]
    evaluation = Evaluation.objects.get(submission__team=team)
    finish(evaluation, report(time_ratio=0.8))
    queueing.evaluate_again(submission=evaluation.submission, by=organizer)
    body = client.get(url).json()
    assert (body["state"], body["time_ratio"]) == ("scored", 0.8), "the earlier score counts"


def test_a_place_in_the_line_is_one_statement(
    team: Team, rivals: Team, client: APIClient, upload: Upload, rival: User, model: bytes
) -> None:
    upload(model, by=rival)
    url = upload(model).json()["url"]
    cache.clear()
    first = asked(client, url)
    assert [one for one in first if "WITH mine" in one]
    assert len(first) == 6, "with the pace of the queue"


def test_others_see_nothing_and_organizers_see_it(
    team: Team, upload: Upload, model: bytes, rivals: Team, rival: User, organizer: User
) -> None:
    url = upload(model).json()["url"]
    assert client_of(rival).get(url).status_code == 404
    assert client_of(organizer).get(url).status_code == 200
    assert client_of(organizer).get(f"{API}/submissions/987654").status_code == 404


def test_who_left_the_team_sees_it_no_longer(
    team: Team, upload: Upload, model: bytes, teammate: User
) -> None:
    url = upload(model).json()["url"]
    assert client_of(teammate).get(url).status_code == 200
    team.memberships.filter(user=teammate).delete()
    assert client_of(teammate).get(url).status_code == 404
