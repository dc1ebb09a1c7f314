"""Quads, intervals, both clocks and reasons, whatever became of an evaluation."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from leaderboard.models import Competition, Evaluation, Team, User
from leaderboard.models.evaluation import MAX_FAULTS
from leaderboard.services import queueing, recording, running
from scoring.job import Failure, Pace, Plan, Quad, Report
from scoring.sentences import say
from scoring.timing import outcome, publication, robust
from tests.leaderboard.conftest import failure, finish, report, rewrite, told
from tests.leaderboard.web.conftest import text

SECRET = "secret/path/private.zip"
HALF_WIDTH = '<span class="half-width">'


def measured(
    *,
    status: Literal["scored", "failed", "invalid"] = "scored",
    start: float = 0.0,
    **figures: float,
) -> Report:
    """A report with eight quads in two segments, one of them disturbed."""
    found = report(**figures)
    assert found.timing
    quads = tuple(
        Quad(
            start + number,
            number // 4,
            0.20 + start / 1000,
            20,
            0.101 + number / 1000 + start / 1000,
            20,
            0.19,
            0.10,
            disturbed=number == 5,
        )
        for number in range(8)
    )
    timing = replace(found.timing, quads=quads, flags=(say("The CPU clock disagrees."),))
    return replace(found, status=status, timing=timing)


def address(evaluation: Evaluation) -> str:
    return f"/evaluations/{evaluation.pk}/measurement/"


def chart(page: str) -> dict[str, Any]:
    raw = page.split('<script id="measurement-data" type="application/json">')[1]
    found: dict[str, Any] = json.loads(raw.split("</script>")[0])
    return found


def test_organizers_see_points_interval_clocks_machine_and_findings(
    see: Any, submit: Any, team: Team, organizer: User
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, measured(time_ratio=0.5, half_width=0.012))
    page = text(see(organizer, address(submission.latest_evaluation)))
    data = chart(page)
    assert (len(data["counted"]), len(data["disturbed"]), len(data["cpu"])) == (7, 1, 8)
    assert data["wall"] == []  # the same as what counts, where the plain ratio does
    assert data["band"] == {"ratio": 0.5, "low": 0.488, "high": 0.512}
    assert [stripe["number"] for stripe in data["segments"]] == [1, 2]
    assert data["y"][0] < 0.488
    assert data["counted"][0]["y"] == pytest.approx(0.505)
    assert data["cpu"][0]["y"] == pytest.approx(0.1 / 0.19)
    for said in (
        f"0.5000 {HALF_WIDTH}± 0.0120",
        "95 % interval, ± 2.4 %",
        "Test processor",
        "2.13.0",
        "While one model runs, the other one is stopped.",
        "The CPU clock disagrees.",
        "10.0</strong> ms at its calibration",
        "Measured time",
        "why you can trust it",
    ):
        assert said in page, said
    assert page.count("disturbed</td>") == 1
    assert "Each comparison" in page
    assert address(submission.latest_evaluation) in text(
        see(organizer, submission.get_absolute_url())
    )


def test_a_team_sees_segments_in_two_digits_and_no_quad(
    see: Any, submit: Any, team: Team, owner: User
) -> None:
    submission = submit(team)
    secret = measured(time_ratio=0.512345678, half_width=0.0123456)
    assert secret.timing
    said = replace(
        secret.timing, plain_ratio=0.51789, pace_coefficient=0.87, stopped_cpu_seconds=0.3
    )
    finish(submission.latest_evaluation, replace(secret, timing=said))
    page = text(see(owner, address(submission.latest_evaluation)))
    data = chart(page)
    assert data["counted"] == [
        {"x": 1, "y": 0.51, "segment": 1},
        {"x": 2, "y": 0.53, "segment": 2},
    ]
    assert (data["wall"], data["cpu"], data["disturbed"]) == ([], [], [])
    assert data["band"]["ratio"] == 0.5123
    assert f"0.5123 {HALF_WIDTH}± 0.0130" in page
    assert "<strong>Two digits.</strong>" in page
    for never in (
        "comparisons were measured in",
        "CPU",
        "Disturbed",
        "0.87",
        "Plain ratio",
        "12 s",
        "8 of 8",
    ):
        assert never not in page.replace("The CPU clock", ""), never
    shown = text(see(owner, submission.get_absolute_url()))
    for one in (page, shown):  # their number, too, follows from what a model does
        assert not re.search(r"The comparisons belong to|\d segments?\. Each", one)
    assert "paired measurements" not in shown


def test_a_team_sees_at_most_twelve_segments(
    see: Any, submit: Any, team: Team, owner: User
) -> None:
    submission = submit(team)
    found = measured()
    assert found.timing
    quads = tuple(
        replace(found.timing.quads[0], at_seconds=float(n), segment=n, submission_seconds=0.1 + n)
        for n in range(40)
    )
    finish(submission.latest_evaluation, replace(found, timing=replace(found.timing, quads=quads)))
    data = chart(text(see(owner, address(submission.latest_evaluation))))
    assert len(data["counted"]) == 10  # four at a time


def test_of_an_evaluation_without_a_score_a_team_sees_nothing(
    see: Any, submit: Any, team: Team, owner: User, organizer: User
) -> None:
    submission = submit(team)
    unstable = replace(
        measured(status="failed"),
        failure=Failure("time_unstable", (say("It scatters."),)),
        splits={},
    )
    finish(submission.latest_evaluation, unstable)
    url = address(submission.latest_evaluation)
    assert "measurement-data" not in text(see(owner, url))
    assert "has no score" in text(see(owner, url))
    assert url not in text(see(owner, submission.get_absolute_url()))
    assert len(chart(text(see(organizer, url)))["cpu"]) == 8
    assert url in text(see(organizer, submission.get_absolute_url()))


def test_both_estimates_are_shown_where_the_engine_tells_them(
    see: Any, submit: Any, team: Team, organizer: User
) -> None:
    evaluation = submit(team).latest_evaluation
    finish(evaluation, measured())
    assert "Corrected ratio" not in text(see(organizer, address(evaluation)))
    row = Evaluation.objects.get(pk=evaluation.pk)
    found = told(row)
    found["timing"] |= {"plain_ratio": 0.5123, "corrected_ratio": 0.5017}
    found["timing"] |= {"plain_half_width": 0.0101, "corrected_half_width": None}
    rewrite(row, found)
    page = text(see(organizer, address(evaluation)))
    assert f"0.5123 {HALF_WIDTH}± 0.0101" in page
    assert "0.5017</span>" in page


def test_pooled_measurements_stand_one_after_the_other(
    see: Any, submit: Any, team: Team, owner: User, organizer: User
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, measured(time_ratio=0.5))
    repeat = queueing.evaluate_again(submission=submission, by=organizer)
    finish(repeat, measured(time_ratio=0.52, start=0.5))
    of_team = chart(text(see(owner, address(repeat))))
    assert [part["from"] for part in of_team["parts"]] == [1, 3]
    page = text(see(organizer, address(repeat)))
    data = chart(page)
    assert [part["name"] for part in data["parts"]] == ["Measurement 1", "Measurement 2"]
    assert [stripe["number"] for stripe in data["segments"]] == [1, 2, 3, 4]
    assert data["parts"][1]["from"] > data["segments"][1]["to"]
    assert "An organizer asked for a new measurement." in page
    assert "The result combines 2 measurements." in page
    assert address(submission.evaluations.last()) in page
    shown = text(see(owner, submission.get_absolute_url()))
    assert "The result combines 2 measurements. An organizer asked for a new measurement." in shown


@pytest.mark.parametrize(("again", "is_wider"), [(0.03, True), (0.012, False), (0.008, False)])
def test_an_interval_that_grew_by_measuring_again_says_so(
    see: Any, submit: Any, team: Team, owner: User, organizer: User, again: float, is_wider: bool
) -> None:
    submission = submit(team)
    first = submission.latest_evaluation
    finish(first, measured(half_width=0.012))
    repeat = queueing.evaluate_again(submission=submission, by=organizer)
    finish(repeat, measured(half_width=again, start=0.5))
    page = text(see(owner, address(repeat)))
    assert ("wider than before the last measurement (± 0.012)" in page) == is_wider
    assert "wider than" not in text(see(owner, address(first)))


def test_what_was_measured_on_another_machine_says_so(
    see: Any, submit: Any, team: Team, owner: User, organizer: User
) -> None:
    submission = submit(team)
    for start, cpu in ((0.0, "Old processor"), (0.3, "Test processor"), (0.6, "Test processor")):
        if start:
            queueing.evaluate_again(submission=submission, by=organizer)
        found = replace(measured(start=start), hardware={"cpu": cpu, "cores": 4})
        finish(submission.latest_evaluation, found)
    page = text(see(owner, address(submission.latest_evaluation)))
    assert "Measurement 1, on Old processor, 4 cores</th>" in page
    assert "Measurement 2</th>" in page
    assert "Measurement 3</th>" in page


def test_a_noisy_attempt_is_shown_while_the_next_one_waits(
    see: Any, submit: Any, team: Team, owner: User, organizer: User
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, measured(status="invalid"))
    of_team = text(see(owner, address(submission.latest_evaluation)))
    assert "too noisy until now" in of_team
    assert "measurement-data" not in of_team
    page = text(see(organizer, address(submission.latest_evaluation)))
    assert "too noisy until now" in page
    assert chart(page)["band"] is None
    assert "the next attempt adds to them" in text(see(owner, submission.get_absolute_url()))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("queued", "has not been measured yet. The chart shows what was measured before"),
        ("running", "has not been measured yet. The chart shows what was measured before"),
        ("cancelled", "This evaluation was cancelled. The chart shows what was measured before"),
        ("internal", "The measurement was interrupted. Our system failed"),
        ("too_noisy", "The machine stayed too noisy. Our system failed"),
    ],
)
def test_a_repeat_without_a_time_shows_the_one_before_and_says_why(
    see: Any, submit: Any, team: Team, owner: User, organizer: User, state: str, said: str
) -> None:
    submission = submit(team)
    finish(submission.latest_evaluation, measured())
    repeat = queueing.evaluate_again(submission=submission, by=organizer)
    if state == "running":
        running.claim(repeat.profile)
    elif state == "cancelled":
        queueing.cancel(evaluation=repeat, by=organizer)
    elif state != "queued":
        for _ in range(MAX_FAULTS):
            claimed = running.claim(repeat.profile)
            recording.give_back(claimed, code=state, said=say(SECRET))
    assert "measurement-data" not in text(see(owner, address(repeat)))
    page = text(see(organizer, address(repeat)))
    assert len(chart(page)["cpu"]) == 8
    assert said in page
    assert "too noisy until now" not in page


def test_a_shared_measurement_says_so(
    see: Any, submit: Any, team: Team, rivals: Team, rival: User
) -> None:
    finish(submit(team, seed=1).latest_evaluation, measured())
    shared = submit(rivals, seed=1).latest_evaluation
    running.run_next("cpu")
    page = text(see(rival, address(shared)))
    assert "The same model was measured here before" in page
    assert len(chart(page)["counted"]) == 2
    assert "Sorters" not in page


@pytest.mark.parametrize("state", ["queued", "running", "failed", "error"])
def test_without_a_measurement_there_are_words(
    see: Any, submit: Any, team: Team, owner: User, state: str
) -> None:
    evaluation = submit(team).latest_evaluation
    if state == "failed":
        finish(evaluation, failure())
    if state == "running":
        running.claim(evaluation.profile)
    if state == "error":
        for _ in range(3):
            claimed = running.claim(evaluation.profile)
            recording.give_back(claimed, code="internal", said=say(SECRET))
    page = see(owner, address(evaluation))
    assert page.status_code == 200
    assert SECRET not in text(page)
    assert "measurement-data" not in text(page)


def test_a_calibration_shows_the_reference_against_itself(
    see: Any, competition: Competition, organizer: User
) -> None:
    page = text(see(organizer, address(competition.calibration)))
    assert "the reference model is compared with itself" in page


def test_the_page_has_nothing_inline(see: Any, submit: Any, team: Team, owner: User) -> None:
    evaluation = submit(team).latest_evaluation
    finish(evaluation, measured())
    page = text(see(owner, address(evaluation)))
    assert " style=" not in page
    assert "<style" not in page
    assert "<script>" not in page


def test_quads_stand_at_the_calibrated_speed_where_that_is_published(
    see: Any, submit: Any, team: Team, organizer: User
) -> None:
    submission = submit(team)
    found = measured(time_ratio=0.5, half_width=0.012)
    assert found.timing
    corrected = replace(
        found.timing,
        published="corrected",
        corrected_ratio=0.5,
        pace_coefficient=0.5,
        read_at_seconds=0.0025,  # the quads' reference took 0.01
        load_coefficient=math.log(1.1),
        foreign_load=0.25,
        loads=(0.5, 1.5),
        probe_seconds=0.007,
        probe_coefficient=0.5,
        probe_read_at_seconds=0.004,
        probes=(0.003, 0.009),
        quad_ratios=tuple(0.505 * 2 / 1.1 / 1.5 + number / 100 for number in range(8)),
    )
    finish(submission.latest_evaluation, replace(found, timing=corrected))
    page = see(organizer, address(submission.latest_evaluation))
    data = chart(text(page))
    assert len(data["wall"]) == 8
    assert data["counted"][0]["y"] == pytest.approx(data["wall"][0]["y"] * 2 / 1.1 / 1.5)
    assert "0.25</span> cores busy on average" in text(page)
    assert "7.00</span> ms on average; the corrected ratio is given for" in text(page)
    assert "this model becomes 0.50 % slower" in text(page)
    assert "The same conditions for everyone" in text(page)


def test_the_points_of_a_corrected_measurement_are_the_ones_its_ratio_was_made_of() -> None:
    random = np.random.default_rng(0)
    core, memory, load = random.normal(0.1, 0.1, (3, 120))
    quads = tuple(
        Quad(
            float(n),
            n // 20,
            0.2 * math.exp(core[n] + memory[n]),
            100,
            0.1 * math.exp(core[n] + 0.2 * load[-n]),
            100,
            0.2,
            0.1,
            reference_load=load[n],
            submission_load=load[-n] + 0.1,
            probe_seconds=0.006 * math.exp(core[n]),
        )
        for n in range(120)
    )
    measurement = outcome.Measurement(np.zeros(1, dtype=np.int64), quads, 1.0)
    found = publication.summary(measurement, Plan(), pace=Pace(0.0022, 0.0062))
    assert found.published == "corrected"
    assert found.probe_coefficient
    assert found.imbalance_coefficient * found.imbalance_read_at > 0
    reported = json.loads(json.dumps(found.to_json()))
    logs = [math.log(ratio) for ratio in reported["quad_ratios"]]
    assert math.exp(robust.trimmed_mean(np.array(logs))) == pytest.approx(found.time_ratio)
