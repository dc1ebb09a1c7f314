"""A polling worker without a broker; on SQLite too, by tests/test_everything_also_on_sqlite.py."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import zipfile
from collections.abc import Callable

import httpx
import pytest
from PIL import Image

from leaderboard.models import Canary, Dataset, Evaluation, HardwareProfile, User
from leaderboard.services import divisions, importing, measurements, queueing, staging
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
    # So wide that only a broken canary is out of the band, however busy the machine is.
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
    assert [one.evaluation.pk for one in measurements.attempts(again)] == [first.pk, again.pk]
    canary = Canary.objects.get()
    assert canary.passed
    assert canary.time_ratio > 0


def many_images() -> bytes:
    """So many that the server reads them in the background, and for some seconds."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(staging.AT_ONCE_FILES + 2):
            picture = io.BytesIO()
            colour = (number % 256, number // 256, 7)
            Image.new("RGB", (640, 480), colour).save(picture, "PNG", compress_level=1)
            archive.writestr(f"{('cat', 'dog')[number % 2]}/{number}.png", picture.getvalue())
    return target.getvalue()


def signed_in(site: str, person: User) -> httpx.Client:
    person.set_password("a-light-model")
    person.save()
    browser = httpx.Client(base_url=site, timeout=90, follow_redirects=True)
    login = {"login": person.username, "password": "a-light-model"}
    assert posted(browser, "/accounts/login/", login).status_code == 200
    return browser


def posted(
    browser: httpx.Client, path: str, data: dict[str, str], **files: tuple[str, bytes, str]
) -> httpx.Response:
    browser.get(path)
    token = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
    headers = {"Referer": str(browser.base_url)}
    return browser.post(path, data=data | token, files=files or None, headers=headers)


@pytest.mark.usefixtures("profile")
def test_an_import_goes_on_elsewhere_when_its_server_is_killed(
    start: Start,
    site: str,
    processes: list[subprocess.Popen[bytes]],
    organizer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser = signed_in(site, organizer)
    source = ("images.zip", many_images(), "application/zip")
    page = posted(browser, "/admin/leaderboard/dataset/add/", {"name": "Pets"}, source=source)
    assert page.status_code == 200, page.text
    [staged] = staging.of(organizer)
    wait_until(lambda: importing.progress_of(staged).done)
    os.killpg(processes[0].pid, signal.SIGKILL)  # the server, while it reads

    start(*WORK, REDIS_URL="")
    wait_until(lambda: importing.state_of(staged) is not importing.State.UNDER_WAY)
    assert importing.state_of(staged) is importing.State.READY, importing.trouble_of(staged)
    assert importing.progress_of(staged).tries == 2
    monkeypatch.setattr(importing, "start", lambda: None)  # the worker's sweep imports it
    wishes = divisions.Wishes(seed=staged.seed)
    importing.decide(staged, name="Pets", licence="", wishes=wishes, by=organizer)
    wait_until(lambda: importing.state_of(staged) is importing.State.IMPORTED)
    assert sum(split.images for split in Dataset.objects.get().splits.all()) == 1002
