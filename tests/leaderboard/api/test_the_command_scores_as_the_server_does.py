"""`featherweight score` measures by the rules that the server tells, and says what a board says."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from leaderboard.cli import scores
from leaderboard.models import Competition, Team
from leaderboard.services import jobs
from tests.leaderboard.api.conftest import API, Run
from tests.leaderboard.conftest import report

pytestmark = pytest.mark.django_db


def test_its_job_has_the_servers_rules(
    team: Team, client: APIClient, competition: Competition, file: Path
) -> None:
    told = client.get(f"{API}/competitions/waste").json()
    home = scores.job_of(told, file, file, file, 60.0, False)
    here = jobs.for_evaluation(competition.calibration)
    assert home.classes == here.classes
    assert home.input == here.input
    assert replace(home.formula, quality_ref=None) == replace(here.formula, quality_ref=None)
    assert (home.plan.device, home.plan.threads) == (here.plan.device, here.plan.threads)
    found = replace(report(quality_public=0.75, time_ratio=0.5), quality_ref=0.7)
    told_in_words = scores.published(found, home)
    assert "score 0.5189 ± 0.0050. Time ratio: 0.5000 ± 0.0100. Quality: 0.7500" in told_in_words
    gated = replace(home, formula=replace(home.formula, min_quality=0.8))
    assert "below the gate" in scores.published(found, gated)


def test_the_reference_is_handed_out_only_where_the_organizers_say_so(
    competition: Competition, client: APIClient
) -> None:
    address = f"{API}/competitions/waste/reference"
    assert client.get(f"{API}/competitions/waste").json()["reference"] is None
    assert client.get(address).json()["code"] == "reference_not_released"
    Competition.objects.update(release_reference=True)
    told = client.get(f"{API}/competitions/waste").json()["reference"]
    assert told["url"].endswith(address)
    assert told["file_name"] == "waste-reference.pt"
    sent = b"".join(client.get(address))
    assert hashlib.sha256(sent).hexdigest() == told["sha256"] == competition.reference.sha256
    Competition.objects.update(state=Competition.State.DRAFT)
    assert client.get(address).json()["code"] != "reference_not_released"
    assert client.get(address).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_without_a_reference_it_says_where_one_comes_from(team: Team, run: Run, file: Path) -> None:
    done = run("score", file, "-c", "waste")
    assert done.returncode == 2
    assert "--reference" in done.stderr
    assert "have not released the reference model" in done.stderr
    assert "train-reference" in run("score", "--help").stdout
