"""The segments of a measurement by the API and the command: what the page shows a team."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from leaderboard.models import Competition, Team, User
from tests.leaderboard.api.conftest import API, Run, client_of
from tests.leaderboard.conftest import failure, finish
from tests.leaderboard.web.test_a_page_shows_how_time_was_measured import measured

pytestmark = pytest.mark.django_db


def test_a_team_reads_segments_in_two_digits(
    client: APIClient, submit: Any, team: Team, organizer: User
) -> None:
    submission = submit(team)
    address = f"{API}/submissions/{submission.pk}/measurement"
    assert client.get(address).json()["segments"] == []
    finish(submission.latest_evaluation, measured(time_ratio=0.512345678))
    found = client.get(address).json()
    assert found["segments"] == [
        {
            "number": number,
            "measurement": "Measurement 1",
            "is_noisy": False,
            "ratio": ratio,
            "reference_seconds_per_image": 0.01,
        }
        for number, ratio in ((1, 0.51), (2, 0.53))
    ]
    assert found["findings"] == ["The CPU clock disagrees."]
    assert found["conditions"] == ["While one model runs, the other one is stopped."]
    assert (found["machine"], found["is_corrected"]) == ({"cpu": "Test processor"}, False)
    assert client_of(organizer).get(address).json() == found  # each quad is in the exports
    Competition.objects.update(is_blind=True)
    for reader in (client, client_of(organizer)):
        assert reader.get(address).json()["code"] == "scores_hidden"


@pytest.mark.django_db(transaction=True)
def test_the_command_shows_them(team: Team, submit: Any, run: Run) -> None:
    submission, failed = submit(team, 1), submit(team, 2)
    finish(submission.latest_evaluation, measured())
    finish(failed.latest_evaluation, failure())
    told = run("measurement", submission.pk)
    assert "0.53" in told.stdout
    assert "Test processor" in told.stdout
    none = run("measurement", failed.pk)
    assert (none.returncode, "has no score" in none.stderr) == (1, True)
