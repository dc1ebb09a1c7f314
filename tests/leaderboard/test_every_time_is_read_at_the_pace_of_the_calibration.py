"""What a calibration found out about the machine goes into the job of every evaluation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from leaderboard.models import Competition, Evaluation, HardwareProfile, Submission, Team
from leaderboard.services import jobs
from scoring.job import CALIBRATION, Pace
from tests.leaderboard.conftest import rewrite, told

pytestmark = pytest.mark.django_db


def test_a_submission_is_held_to_what_reference_and_probe_took_and_scattered(
    competition: Competition, team: Team, submit: Callable[..., Submission]
) -> None:
    calibration = competition.calibration
    assert calibration
    found = told(calibration)
    found["timing"] |= {"probe_seconds": 0.007, "reference_scatter": [0.09, 0.03]}
    rewrite(calibration, found)
    job = jobs.for_evaluation(submit(team).latest_evaluation)
    assert job.pace == Pace(0.01, 0.007, (0.09, 0.03))


def test_a_calibration_from_before_the_probe_says_nothing_of_it_nor_of_scatter(
    competition: Competition, team: Team, submit: Callable[..., Submission]
) -> None:
    calibration = competition.calibration
    assert calibration
    found = told(calibration)
    for name in ("probe_seconds", "reference_scatter"):
        del found["timing"][name]
    rewrite(calibration, found)
    assert jobs.for_evaluation(submit(team).latest_evaluation).pace == Pace(0.01)


def test_a_calibration_takes_its_time_where_ranks_must_hold(
    competition: Competition, profile: HardwareProfile
) -> None:
    calibration = competition.calibration
    assert calibration
    assert jobs.for_evaluation(calibration).pace is None
    assert jobs.for_evaluation(calibration).plan == profile.plan()  # a demo never refuses a time
    HardwareProfile.objects.update(max_half_width=0.03)
    strict = Evaluation.objects.get(pk=calibration.pk)
    plan = jobs.for_evaluation(strict).plan
    assert plan.max_seconds == CALIBRATION * profile.max_seconds
    assert plan.target_half_width == 0
    limits = jobs.for_evaluation(strict).limits
    assert limits.total_seconds == CALIBRATION * competition.limits().total_seconds
