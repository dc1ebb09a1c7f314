"""Models try to get out before a worker takes its first work; where one does, nothing is run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

import scoring
from leaderboard.models import Competition, HardwareProfile, Submission, Team, User, Worker
from leaderboard.services import containment, health, hosts, queueing, references, running, workers
from scoring.job import HostNumbers, Job, Plan, Report
from scoring.sentences import Sentence, say
from tests.leaderboard.conftest import report

pytestmark = pytest.mark.django_db
Submit = Callable[..., Submission]
UNAVAILABLE = scoring.EngineError("sandbox_unavailable", say("This kernel lacks landlock."))


class SelfTest:
    """Finds what a test wants, and remembers how often it was asked."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.finds: tuple[Sentence, ...] | Exception = ()

    def breaches(self, plan: Plan) -> tuple[Sentence, ...]:
        self.plans.append(plan)
        if isinstance(self.finds, Exception):
            raise self.finds
        return self.finds


@pytest.fixture
def selftest(monkeypatch: pytest.MonkeyPatch) -> SelfTest:
    made = SelfTest()
    monkeypatch.setattr(containment, "breaches", made.breaches)
    return made


@pytest.fixture(autouse=True)
def jobs_done(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """What the engine was given."""
    done: list[Job] = []

    def evaluate(job: Job, progress: Any = None, answered: Any = None) -> Report:
        done.append(job)
        return report(time_ratio=0.5 if job.submission else 1.0)

    monkeypatch.setattr(scoring, "evaluate", evaluate)
    return done


def due() -> None:
    Worker.objects.update(canary_due_at=timezone.now() - timedelta(1))


def test_the_sandbox_is_tried_once_in_a_process_before_the_first_work(
    selftest: SelfTest, team: Team, submit: Submit, jobs_done: list[Job]
) -> None:
    for seed in (1, 2):
        submit(team, seed)
        assert running.run_next("cpu") is not None
    assert len(jobs_done) == 2
    assert selftest.plans == [team.competition.profile.plan()]


def test_what_a_turn_costs_is_measured_once_at_the_start_and_goes_into_each_job(
    monkeypatch: pytest.MonkeyPatch,
    client: Client,
    organizer: User,
    team: Team,
    submit: Submit,
    jobs_done: list[Job],
) -> None:
    HardwareProfile.objects.update(canary_every_minutes=60, max_foreign_load=None)
    client.force_login(organizer)
    asked: list[HardwareProfile] = []
    found: list[Any] = [HostNumbers(0.00002, 0.00006)]

    def turns_of(profile: HardwareProfile, go_on: Callable[[], None]) -> HostNumbers:
        asked.append(profile)
        go_on()
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    def said() -> list[str]:
        return [one.said for one in health.examine(["turns"])]

    monkeypatch.setattr(hosts, "turns_of", turns_of)
    for seed in (1, 2):
        submit(team, seed)
        assert running.run_next("cpu") is not None
    assert len(asked) == 1
    assert [job.plan.host for job in jobs_done] == 3 * found, "the canary's as well"
    worker = Worker.objects.get()
    page = f"/admin/leaderboard/worker/{worker.pk}/change/"
    assert "An empty turn takes 0.020 ms, waking up 0.060 ms." in client.get(page).content.decode()
    assert said() == [""]
    for cost, words in (
        (HostNumbers(0.00002, 0.0005), "costs more than may be subtracted"),
        (UNAVAILABLE, "could not be measured. The default values are used."),
    ):
        found[0] = cost
        monkeypatch.setattr(workers, "begun", set())  # it has started again
        submit(team, seed=len(asked) + 2)
        assert running.run_next("cpu") is not None, "slow turns keep nobody from work"
        assert words in said()[0]
        assert words in client.get("/admin/").content.decode()
    assert jobs_done[-1].plan.host == HostNumbers()
    assert "not measured on this host" in client.get(page).content.decode()


@pytest.mark.parametrize(
    ("finds", "reason"),
    [
        ((say("A model can read the worker's files."),), "A model can read the worker's files."),
        (UNAVAILABLE, "This kernel lacks landlock."),
        (
            scoring.EngineError("no_gpu", say("This machine has no GPU.")),
            "This machine has no GPU.",
        ),
        (RuntimeError("no memory"), "of the sandbox failed: RuntimeError('no memory')"),
    ],
)
def test_where_it_does_not_hold_no_work_is_taken_and_the_reason_is_said(
    selftest: SelfTest, team: Team, submit: Submit, jobs_done: list[Job], finds: Any, reason: str
) -> None:
    selftest.finds = finds
    waiting = submit(team).latest_evaluation
    for _ in range(2):
        assert running.run_next("cpu") is None
    waiting.refresh_from_db()
    assert (waiting.state, waiting.attempt, jobs_done) == ("queued", 0, [])
    assert len(selftest.plans) == 1, "it waits some minutes before it tries again"
    worker = Worker.objects.get()
    assert worker.state == "sidelined"
    assert reason in worker.reason
    assert queueing.place(waiting).is_held


def test_not_even_a_calibration_is_run(
    selftest: SelfTest,
    draft: Competition,
    organizer: User,
    make_model: Callable[..., bytes],
    jobs_done: list[Job],
) -> None:
    selftest.finds = UNAVAILABLE
    upload = ContentFile(make_model(1), name="reference.pt")
    references.set_reference(competition=draft, upload=upload, name="", by=organizer)
    references.calibrate(competition=draft, by=organizer)
    assert running.run_next("cpu") is None
    assert not jobs_done


@pytest.mark.parametrize("minutes", [0, 60])
def test_it_tries_again_and_comes_back(
    selftest: SelfTest, team: Team, submit: Submit, minutes: int
) -> None:
    HardwareProfile.objects.update(canary_every_minutes=minutes, max_foreign_load=None)
    selftest.finds = UNAVAILABLE
    waiting = submit(team).latest_evaluation
    running.run_next("cpu")
    due()
    assert running.run_next("cpu") is None
    selftest.finds = ()
    due()
    assert running.run_next("cpu") == waiting
    assert len(selftest.plans) == 3
    worker = Worker.objects.get()
    assert (worker.state, worker.reason) == ("ready", "")
    assert worker.canaries.count() == bool(minutes)


def test_a_canary_does_not_bring_back_who_cannot_shut_models_in(
    selftest: SelfTest, team: Team, jobs_done: list[Job]
) -> None:
    HardwareProfile.objects.update(canary_every_minutes=60, max_foreign_load=None)
    selftest.finds = UNAVAILABLE
    running.run_next("cpu")
    due()
    running.run_next("cpu")
    assert not jobs_done
    assert Worker.objects.get().state == "sidelined"


def test_a_worker_without_torch_says_so(
    team: Team, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containment, "can_be_tried", lambda: False)
    submit(team)
    assert running.run_next("cpu") is None
    assert "PyTorch is not installed here" in Worker.objects.get().reason


def test_a_worker_that_is_asked_to_stop_does_not_wait_for_the_machine(
    selftest: SelfTest, profile: HardwareProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scoring.timing.machine.taken", lambda descriptor: False)
    worker = workers.this_worker(profile)
    assert not workers.is_fit(worker, should_stop=lambda: True)
    assert not selftest.plans


def test_whoever_develops_may_run_models_all_the_same_and_is_warned(
    selftest: SelfTest,
    team: Team,
    submit: Submit,
    jobs_done: list[Job],
    settings: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.ALLOW_WEAK_SANDBOX = True
    selftest.finds = (say("A model can make files."),)
    waiting = submit(team).latest_evaluation
    with caplog.at_level(logging.WARNING):
        assert running.run_next("cpu") == waiting
    assert "ALLOW_WEAK_SANDBOX is on" in caplog.text
    assert "A model can make files." in caplog.text
    assert jobs_done[0].may_be_weak


def test_the_engine_gets_the_sample_the_limits_and_no_leave_to_be_weak(
    team: Team, submit: Submit, jobs_done: list[Job]
) -> None:
    Competition.objects.update(first_call_seconds=7, output_bytes=4096)
    submit(team)
    running.run_next("cpu")
    (job,) = jobs_done
    sample = team.competition.dataset.split("sample")
    assert job.sample
    assert job.sample.read_bytes() == sample.archive.open().read()
    assert [split.name for split in job.splits] == ["public", "private"]
    assert (job.limits.first_call_seconds, job.limits.output_bytes) == (7, 4096)
    assert not job.may_be_weak
