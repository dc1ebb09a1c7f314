"""A measurement at home: the calibration is kept, and holds for what it was measured with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import scoring
from scoring import calibrated
from scoring.errors import EngineError
from scoring.job import HostNumbers, InputSpec, Job, Pace, Plan, Report, Split, Timing

HOST = HostNumbers(empty_seconds=0.00002, idle_seconds=0.00012)
CALIBRATION = Report(
    status="scored",
    quality_ref=0.7,
    timing=Timing(
        time_ratio=1.0,
        half_width=0.01,
        seconds_per_image=0.01,
        reference_seconds_per_image=0.01,
        quads=(),
        segments=3,
        measured_seconds=60.0,
        disturbed_share=0.0,
    ),
)


@pytest.fixture(autouse=True)
def turns_of_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrated, "turns_of", lambda job: HOST)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that the engine is given; it answers each as a calibration."""
    jobs: list[Job] = []

    def evaluate(job: Job, tell: Any = None) -> Report:
        jobs.append(job)
        return CALIBRATION

    monkeypatch.setattr(scoring, "evaluate", evaluate)
    return jobs


@pytest.fixture
def job(tmp_path: Path) -> Job:
    for name in ("reference.pt", "model.pt", "sample.zip"):
        (tmp_path / name).write_text(name)
    return Job(
        reference=tmp_path / "reference.pt",
        submission=tmp_path / "model.pt",
        splits=(Split("public", tmp_path / "sample.zip"),),
        classes=("a", "b"),
        input=InputSpec(24, 24),
        plan=Plan(max_half_width=0.0, max_seconds=10.0),
    )


def test_it_is_measured_once_for_the_same_conditions(
    job: Job, asked: list[Job], tmp_path: Path
) -> None:
    kept = tmp_path / "here" / "waste.json"
    calibrated.score(job, kept)
    first, second = asked
    assert (first.submission, first.plan.max_seconds, first.plan.target_half_width) == (None, 30, 0)
    assert second.submission == job.submission
    assert (second.pace, second.formula.quality_ref) == (Pace(0.01), 0.7)
    calibrated.score(replace(job, submission=job.reference), kept)
    assert len(asked) == 3
    assert [one.plan.host for one in asked] == [HOST] * 3, "measured once, and kept"
    others: list[Callable[[], Job]] = [
        lambda: replace(job, plan=replace(job.plan, threads=2)),
        lambda: replace(job, input=InputSpec(32, 32)),
        lambda: (job.reference.write_text("another"), job)[1],
    ]
    for number, other in enumerate(others, start=1):
        calibrated.score(other(), kept)
        assert len(asked) == 3 + 2 * number
    kept.write_text("{}")
    calibrated.score(job, kept)
    assert len(asked) == 11


def test_a_noisy_machine_keeps_nothing(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "evaluate", lambda job, tell: Report(status="invalid"))
    kept = tmp_path / "waste.json"
    with pytest.raises(EngineError, match="too noisy"):
        calibrated.score(job, kept)
    assert not kept.exists()
