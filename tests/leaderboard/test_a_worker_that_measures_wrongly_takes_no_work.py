"""The reference against itself has the ratio 1.

A worker that measures another ratio is sidelined, and says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone, translation

import scoring
from leaderboard import queue
from leaderboard.errors import Conflict
from leaderboard.models import (
    Canary,
    Competition,
    Evaluation,
    HardwareProfile,
    Submission,
    Team,
    User,
    Worker,
)
from leaderboard.services import (
    competitions,
    hosts,
    load,
    queueing,
    references,
    running,
    sweeping,
    workers,
)
from scoring.job import Job, Progress, Report
from scoring.sentences import say
from scoring.timing import machine
from tests.leaderboard.conftest import failure, finish, report

pytestmark = pytest.mark.django_db
Submit = Callable[..., Submission]


class Engine:
    """Answers with figures of a test's choice, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.stages: list[str] = []
        self.canary: Report | Exception = report(time_ratio=1.001)
        self.submission: Report | Exception = report(time_ratio=0.5)

    def evaluate(self, job: Job, progress: Any = None, answered: Any = None) -> Report:
        self.jobs.append(job)
        for stage in self.stages:
            progress(Progress(stage, 0.0))
        found = self.submission if job.submission else self.canary
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(scoring, "evaluate", made.evaluate)
    monkeypatch.setattr(machine, "busy_seconds", lambda: None)
    return made


@pytest.fixture
def checked(competition: Competition) -> HardwareProfile:
    """A profile whose workers check themselves every hour."""
    HardwareProfile.objects.update(canary_every_minutes=60)
    return HardwareProfile.objects.get()


@pytest.fixture
def knocks(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    heard: list[bool] = []
    monkeypatch.setattr(queue, "knock", lambda slug, is_passed_on=False: heard.append(is_passed_on))
    return heard


def due(worker: Worker) -> None:
    Worker.objects.filter(pk=worker.pk).update(canary_due_at=timezone.now() - timedelta(1))


def test_a_worker_checks_itself_before_its_first_work_and_then_now_and_then(
    checked: HardwareProfile, engine: Engine, team: Team, submit: Submit
) -> None:
    submit(team, seed=1)
    assert running.run_next("cpu") is not None
    assert [job.submission is None for job in engine.jobs] == [True, False]
    submit(team, seed=2)
    running.run_next("cpu")
    assert len(engine.jobs) == 3, "once an hour is enough"
    due(Worker.objects.get())
    assert running.run_next("cpu") is None
    assert Canary.objects.count() == 2
    canary = Canary.objects.first()
    assert (canary.passed, canary.time_ratio, canary.half_width) == (True, 1.001, 0.01)


def test_ten_canaries_of_a_profile_tell_the_noise_between_its_runs(
    checked: HardwareProfile,
    engine: Engine,
    team: Team,
    submit: Submit,
    client: Client,
    organizer: User,
) -> None:
    worker = workers.this_worker(checked)
    figures: dict[str, Any] = {"half_width": 0.01, "foreign_load": None, "standard_error": 0.005}
    for number in range(9):
        workers.record(worker, time_ratio=1.01 if number % 2 else 0.99, **figures)
    assert workers.record(worker, time_ratio=1.5, **figures).passed is False
    workers.record(worker, time_ratio=1.5, half_width=0.01, foreign_load=None)  # no standard error
    within = Canary.objects.last().within_error
    assert within == pytest.approx(((0.005 / 0.99) ** 2 - 0.004**2) ** 0.5)
    assert hosts.of(checked, worker) == worker.numbers, "nine passed"
    workers.record(worker, time_ratio=1.01, **figures)
    found = hosts.of(checked, worker)
    assert found.canaries == 10
    assert found.between_runs_sd == pytest.approx(0.0082, abs=0.0001)
    due(worker)
    submit(team)
    assert running.run_next("cpu") is not None
    canary, submission = engine.jobs
    worker.refresh_from_db()
    assert submission.plan.host == hosts.of(checked, worker)
    assert submission.plan.host.between_runs_sd == found.between_runs_sd
    assert canary.plan.host == worker.numbers, "noise must not widen the band of a canary"
    client.force_login(organizer)
    page = f"/admin/leaderboard/hardwareprofile/{checked.pk}/change/"
    said = f"{100 * found.between_runs_sd:.2f} % (from 10 canaries)"
    assert said in client.get(page).content.decode()


@pytest.mark.parametrize(
    ("time_ratio", "half_width", "load", "reason"),
    [
        (1.019, 0.001, None, ""),
        (1.03, 0.001, None, "was 1.030 ± 0.001. The allowed range is 1 ± 0.02"),
        (0.96, 0.01, None, "was 0.960"),
        (1.03, 0.03, None, ""),  # beyond the band, within three standard errors
        (1.0, 0.001, 0.4, ""),
        (1.0, 0.001, 0.9, "Other programs keep 0.9 cores busy. The limit is 0.5."),
    ],
)
def test_the_band_the_standard_errors_and_the_load_decide(
    checked: HardwareProfile, time_ratio: float, half_width: float, load: float, reason: str
) -> None:
    worker = workers.this_worker(checked)
    canary = workers.record(worker, time_ratio=time_ratio, half_width=half_width, foreign_load=load)
    worker.refresh_from_db()
    assert canary.passed is (reason == "")
    assert worker.state == ("sidelined" if reason else "ready")
    assert reason in worker.reason
    assert canary.reason == worker.reason


def test_limits_belong_to_the_profile(checked: HardwareProfile) -> None:
    HardwareProfile.objects.update(canary_band=0.5, max_foreign_load=None)
    worker = workers.this_worker(checked)
    canary = workers.record(worker, time_ratio=1.3, half_width=0.01, foreign_load=7.0)
    assert canary.passed


def test_a_sidelined_worker_takes_no_work_tries_again_and_comes_back(
    checked: HardwareProfile, engine: Engine, team: Team, submit: Submit
) -> None:
    engine.canary = report(time_ratio=1.2)
    waiting = submit(team).latest_evaluation
    assert running.run_next("cpu") is None
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempt) == ("queued", 0)
    assert running.run_next("cpu") is None
    assert Canary.objects.count() == 1, "it waits some minutes before it tries again"
    engine.canary = report(time_ratio=1.0)
    due(Worker.objects.get())
    assert running.run_next("cpu") == waiting
    worker = Worker.objects.get()
    assert (worker.state, worker.reason) == ("ready", "")


def test_the_knock_of_a_sidelined_worker_is_passed_on_once_and_the_sweep_knocks_again(
    checked: HardwareProfile, engine: Engine, team: Team, submit: Submit, knocks: list[bool]
) -> None:
    engine.canary = report(time_ratio=1.2)
    submit(team)
    assert knocks == [False]
    running.run_next("cpu")
    assert knocks == [False, True]
    running.run_next("cpu", is_passed_on=True)
    assert knocks == [False, True]
    sweeping.sweep()
    assert knocks == [False, True, False]


def test_before_anything_is_calibrated_work_is_taken(
    draft: Competition, organizer: Any, engine: Engine, make_model: Callable[..., bytes]
) -> None:
    HardwareProfile.objects.update(canary_every_minutes=60)
    upload = ContentFile(make_model(1), name="reference.pt")
    references.set_reference(competition=draft, upload=upload, name="", by=organizer)
    calibration = references.calibrate(competition=draft, by=organizer)
    assert running.run_next("cpu") == calibration
    assert not Canary.objects.exists()
    assert running.run_next("cpu") is None
    assert Canary.objects.exists(), "now there is something to check with"


@pytest.mark.parametrize(
    "trouble",
    [
        scoring.EngineError("sandbox_failed", say("The sandbox did not start.")),
        RuntimeError("no memory"),
        failure(),
    ],
)
def test_a_reference_that_cannot_be_measured_sidelines_the_worker(
    checked: HardwareProfile, engine: Engine, trouble: Any
) -> None:
    engine.canary = trouble
    running.run_next("cpu")
    worker = Worker.objects.get()
    assert worker.state == "sidelined"
    assert "could not be measured against itself" in worker.reason


def test_why_a_worker_takes_no_work_is_said_in_the_readers_language(
    checked: HardwareProfile, engine: Engine
) -> None:
    full = say("The disk is full. %(name)s cannot be stored.", name="x")
    engine.canary = scoring.EngineError("sandbox_failed", full)
    running.run_next("cpu")
    worker = Worker.objects.get()
    assert worker.reason.endswith("itself. Code: sandbox_failed. " + str(full))
    with translation.override("ko"):
        assert worker.reason.startswith("기준 모델끼리 비교해 측정하지 못했습니다. 코드: sandbox")


def test_a_canary_is_small_and_never_refused_for_its_noise(
    checked: HardwareProfile, engine: Engine
) -> None:
    running.run_next("cpu")
    (job,) = engine.jobs
    assert [split.name for split in job.splits] == ["sample"]
    assert (job.plan.max_half_width, job.plan.min_quads, job.plan.max_seconds) == (0, 8, 15)
    assert job.formula.quality_ref == 0.7


def test_load_of_others_is_what_the_machine_does_beside_us_once_we_have_it(
    checked: HardwareProfile, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, own, clock = iter([50.0, 100.0, 112.0]), iter([0.0, 1.0, 4.0]), iter([-90.0, 0.0, 10.0])
    monkeypatch.setattr(machine, "busy_seconds", lambda: next(busy))
    monkeypatch.setattr(load, "own_seconds", lambda: next(own))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    engine.stages = ["wait", "measure"]
    worker = workers.this_worker(checked)
    competition = workers.calibrated(checked)
    canary = workers.check(worker, competition, should_stop=lambda: False)
    assert canary.foreign_load == pytest.approx(0.9)
    assert not canary.passed


def test_a_queue_without_a_fit_worker_says_so(
    checked: HardwareProfile, team: Team, submit: Submit
) -> None:
    waiting = submit(team).latest_evaluation
    worker = workers.this_worker(checked)
    assert not queueing.place(waiting).is_held
    workers.record(worker, time_ratio=1.2, half_width=0.001, foreign_load=None)
    assert queueing.place(waiting).is_held
    assert Evaluation.objects.get(pk=waiting.pk).state == "queued"


def test_switching_the_canary_off_brings_a_sidelined_worker_back(
    checked: HardwareProfile, engine: Engine
) -> None:
    engine.canary = report(time_ratio=1.2)
    running.run_next("cpu")
    HardwareProfile.objects.update(canary_every_minutes=0)
    running.run_next("cpu")
    assert Worker.objects.get().state == "ready"


def test_a_worker_that_is_asked_to_stop_stops_checking(
    checked: HardwareProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def evaluate(job: Job, progress: Any, answered: Any = None) -> Report:
        progress(Progress("measure", 10.0))
        return report()

    monkeypatch.setattr(scoring, "evaluate", evaluate)
    assert running.run_next("cpu", should_stop=lambda: True) is None
    assert not Canary.objects.exists()


def test_a_worker_that_is_started_again_under_its_old_name_checks_itself_again(
    checked: HardwareProfile, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.run_next("cpu")
    Worker.objects.update(fingerprint={"cpu": "another"})
    monkeypatch.setattr(workers, "begun", set())  # what a container has after it was restarted
    running.run_next("cpu")
    assert Canary.objects.count() == 2
    assert Worker.objects.get().fingerprint != {"cpu": "another"}


@pytest.mark.parametrize(
    "trouble", [RuntimeError("the disk is full"), replace(report(), status="invalid")]
)
def test_a_worker_where_something_broke_checks_itself_before_it_tries_again(
    checked: HardwareProfile, engine: Engine, team: Team, submit: Submit, trouble: Any
) -> None:
    waiting = submit(team).latest_evaluation
    engine.submission = trouble
    running.run_next("cpu")
    engine.canary = RuntimeError("the disk is full")
    assert running.run_next("cpu") is None
    waiting.refresh_from_db()
    assert (waiting.state, waiting.faults, waiting.remaining_seconds) == ("queued", 1, None)
    assert queueing.place(waiting).is_held


def test_the_canary_is_the_reference_that_was_calibrated_last(
    competition: Competition, organizer: Any, make_model: Callable[..., bytes]
) -> None:
    later = Competition.objects.create(
        slug="later", title="Later", profile=competition.profile, dataset=competition.dataset
    )
    upload = ContentFile(make_model(1), name="reference.pt")
    references.set_reference(competition=later, upload=upload, name="", by=organizer)
    finish(references.calibrate(competition=later, by=organizer), report())
    assert workers.calibrated(competition.profile) == later


def test_a_worker_that_checks_itself_is_seen_to_be_there(
    checked: HardwareProfile, engine: Engine
) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    worker = workers.this_worker(checked)
    Worker.objects.update(seen_at=long_ago)
    worker.refresh_from_db()
    engine.stages = ["wait"]
    workers.check(worker, workers.calibrated(checked), should_stop=lambda: False)
    assert Worker.objects.get().seen_at > long_ago


def test_a_reference_that_is_not_found_like_itself_opens_no_competition(
    checked: HardwareProfile, competition: Competition, organizer: Any
) -> None:
    Competition.objects.update(state="draft")
    Evaluation.objects.update(time_ratio=1.05)
    competition = Competition.objects.get()
    with pytest.raises(
        Conflict, match=r"was 1.050 ± 0.010. The allowed range is 1 ± 0.02"
    ) as refused:
        competitions.open_(competition=competition, by=organizer)
    assert refused.value.code == "calibration_off_band"
    HardwareProfile.objects.update(canary_band=0.06)
    competitions.open_(competition=Competition.objects.get(), by=organizer)
