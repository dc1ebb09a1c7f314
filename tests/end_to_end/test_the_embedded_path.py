"""A polling worker without a broker; on SQLite too, by tests/test_everything_also_on_sqlite.py."""

from __future__ import annotations

import signal
from collections.abc import Callable

import httpx

from leaderboard.models import Canary, Evaluation, HardwareProfile, User
from leaderboard.services import measurements, queueing
from tests.end_to_end.conftest import Start, verdict, wait_until

WORK = ("manage.py", "work", "--profile", "cpu", "--poll", "0.1")
State = Evaluation.State


def upload(api: httpx.Client, model: bytes) -> Evaluation:
    answer = api.post("competitions/waste/submissions", files={"file": ("model.pt", model)})
    assert answer.status_code == 201, answer.text
    return Evaluation.objects.get(submission=answer.json()["id"])


def test_good_and_bad_models_end_with_a_score_and_a_code(
    start: Start,
    site: str,
    client: Callable[[str], httpx.Client],
    make_model: Callable[..., bytes],
) -> None:
    start(*WORK, REDIS_URL="")
    api = client(site)
    good = upload(api, make_model(1))
    bad = upload(api, make_model(2, classes=7))
    states = {one.pk: verdict(api, one.submission_id) for one in (good, bad)}
    assert states[good.pk]["state"] == "scored"
    assert states[bad.pk]["state"] == "failed"
    assert states[bad.pk]["failure"]["code"] == "wrong_output"
    for body in states.values():
        assert body["dry_run"] == {"images": 8, "output": "", "is_cut": False}
        assert body["isolation"]["is_weak"] is False


def test_a_stopped_worker_gives_back_what_it_was_measuring(
    start: Start, site: str, client: Callable[[str], httpx.Client], model: bytes
) -> None:
    worker = start(*WORK, REDIS_URL="")
    evaluation = upload(client(site), model)

    def is_running() -> bool:
        evaluation.refresh_from_db()
        return evaluation.state == State.RUNNING

    wait_until(is_running)
    worker.send_signal(signal.SIGTERM)
    worker.wait(60)
    evaluation.refresh_from_db()
    assert evaluation.state == State.QUEUED
    assert worker.returncode == 0


def test_measuring_again_pools_and_a_worker_checks_itself_first(
    start: Start,
    site: str,
    client: Callable[[str], httpx.Client],
    organizer: User,
    model: bytes,
) -> None:
    # So wide that only a broken canary fails, however busy the machine is.
    limits = {"canary_every_minutes": 60, "canary_band": 20.0, "max_foreign_load": None}
    HardwareProfile.objects.update(**limits)
    start(*WORK, REDIS_URL="")
    api = client(site)
    first = upload(api, model)
    verdict(api, first.submission_id)
    again = queueing.evaluate_again(submission=first.submission, by=organizer)

    def is_finished() -> bool:
        again.refresh_from_db()
        return again.is_finished

    wait_until(is_finished)
    assert (again.state, again.measurements) == (State.SCORED, 2)
    assert [one.evaluation.pk for one in measurements.stretches(again)] == [first.pk, again.pk]
    canary = Canary.objects.get()
    assert canary.passed
    assert canary.time_ratio > 0
