"""A trial: a worker runs the model on the sample. No score, no rank, no upload used."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from leaderboard.models import Entry, Evaluation, Submission, Team, Trial, User
from leaderboard.services import running, submissions, sweeping, trials
from scoring import trial as engine
from scoring.job import ClassQuality, DryRun, Failure, SplitQuality
from scoring.job import Trial as Found
from scoring.sentences import say
from tests.leaderboard.api.conftest import API, Run, client_of
from tests.leaderboard.conftest import CLASSES
from tests.leaderboard.web.conftest import text

pytestmark = pytest.mark.django_db
QUALITY = SplitQuality(
    images=12,
    quality=0.75,
    accuracy=0.75,
    per_class={label: ClassQuality(1, 1, 1, 4) for label in CLASSES},
    confusion=((4, 0, 0), (0, 4, 0), (0, 0, 4)),
)
PASSED = Found(
    "passed", dry_run=DryRun(images=8, output="hello"), quality=QUALITY, seconds_per_image=0.002
)
FAILED = Found("failed", failure=Failure("wrong_output", (say("Expected (1, 3)."),)))


@pytest.fixture
def finds(monkeypatch: pytest.MonkeyPatch) -> Callable[[Found | Exception], None]:
    """What the engine finds from now on, without running anything."""

    def set_to(found: Found | Exception) -> None:
        def run(job: Any) -> Found:
            assert Path(job.submission).exists()
            assert not job.splits, "a trial sees the sample alone"
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(engine, "run", run)

    set_to(PASSED)
    return set_to


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def begin(team: Team, model: bytes, by: User) -> Trial:
    return trials.begin(
        competition=team.competition, team=team, upload=ContentFile(model, "small.pt"), by=by
    )


def test_by_the_page_to_what_was_found(
    team: Team, owner: User, model: bytes, finds: Callable[..., None], submit: Any
) -> None:
    browser = browser_of(owner)
    address = "/competitions/waste/submit/"
    assert "Only try the model on the sample" in text(browser.get(address))
    before = submissions.quota(team, team.competition).used
    sent = {"file": SimpleUploadedFile("small.pt", model), "act": "try", "note": ""}
    page = browser.post(address, sent, follow=True)
    assert "Waiting for a machine" in text(page)
    trial = Trial.objects.get()
    waiting = submit(team, 5)  # an evaluation that waits, too
    running.run_next("cpu", should_stop=lambda: True)
    trial.refresh_from_db()
    assert trial.state == "passed"
    for url in (f"/trials/{trial.pk}/", f"/trials/{trial.pk}/status/"):
        told = text(browser.get(url))
        assert "0.7500" in told
        assert "hello" in told
    assert submissions.quota(team, team.competition).used == before + 1  # of the submission
    assert list(Submission.objects.all()) == [waiting]
    assert not Entry.objects.exists()
    assert not Evaluation.objects.filter(state="scored", submission__isnull=False).exists()


def test_by_the_api_with_its_failure(
    team: Team, owner: User, model: bytes, finds: Callable[..., None]
) -> None:
    client = client_of(owner)
    address = f"{API}/competitions/waste/trials"
    made = client.post(address, {"file": SimpleUploadedFile("small.pt", model)})
    assert (made.status_code, made.json()["state"]) == (201, "queued")
    again = client.post(address, {"file": SimpleUploadedFile("small.pt", model)})
    assert (again.status_code, again.json()["code"]) == (409, "trial_under_way")
    finds(FAILED)
    running.run_next("cpu")
    found = client.get(f"{API}/trials/{made.json()['id']}?wait=1").json()
    assert found["state"] == "failed"
    assert found["failure"] == {"code": "wrong_output", "message": "Expected (1, 3)."}
    bad = client.post(address, {"file": SimpleUploadedFile("small.pt", b"no model")})
    assert bad.status_code == 400
    assert Trial.objects.count() == 1


def test_they_are_few_and_an_error_of_ours_stops_no_worker(
    team: Team,
    owner: User,
    model: bytes,
    finds: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finds(RuntimeError("boom"))
    begin(team, model, owner)
    running.run_next("cpu")
    assert Trial.objects.get().state == "error"
    monkeypatch.setattr(trials, "MOST_A_DAY", 1)
    answer = client_of(owner).post(
        f"{API}/competitions/waste/trials", {"file": SimpleUploadedFile("small.pt", model)}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "too_many_trials")


def test_a_model_that_passed_is_submitted_without_another_upload(
    team: Team, owner: User, rival: User, model: bytes, finds: Callable[..., None]
) -> None:
    trial = begin(team, model, owner)
    running.run_next("cpu")
    member, page = browser_of(owner), f"/trials/{trial.pk}/submit/"
    assert page in text(member.get(trial.get_absolute_url()))
    assert browser_of(rival).post(page).status_code == 404
    sent = member.post(page)
    submission = Submission.objects.get()
    assert sent.headers["Location"] == submission.get_absolute_url()
    assert (submission.file_name, submission.team) == ("small.pt", team)
    assert member.post(page).headers["Location"] == sent.headers["Location"]
    assert Submission.objects.count() == 1


def test_lost_ones_end_and_old_ones_go_with_their_file(
    team: Team, owner: User, model: bytes
) -> None:
    trial = begin(team, model, owner)
    Trial.objects.update(state="running", claimed_at=timezone.now() - trials.LOST_AFTER)
    sweeping.sweep()
    trial.refresh_from_db()
    assert trial.state == "error"
    assert default_storage.exists(trial.file.name)
    Trial.objects.update(uploaded_at=timezone.now() - trials.KEPT - timedelta(seconds=1))
    sweeping.sweep()
    assert not Trial.objects.exists()
    assert not default_storage.exists(trial.file.name)


def test_the_engine_tries_a_real_model(team: Team, owner: User, model: bytes) -> None:
    begin(team, model, owner)
    running.run_next("cpu")
    trial = Trial.objects.get()
    assert trial.state == "passed", trial.found
    assert trial.told
    assert trial.told.quality
    assert trial.told.quality.images == 12


@pytest.mark.django_db(transaction=True)
def test_by_the_command(team: Team, owner: User, file: Path, run: Run) -> None:
    is_over = threading.Event()

    def record() -> None:
        while not is_over.wait(0.05):
            end = {"state": "passed", "found": PASSED.to_json()}
            if Trial.objects.filter(state="queued").update(**end):
                break
        connection.close()

    worker = threading.Thread(target=record, daemon=True)
    worker.start()
    done = run("submit", file, "-c", "waste", "--test")
    is_over.set()
    worker.join()
    assert done.returncode == 0, done.stderr
    assert "passed: 12 images of the sample, quality 0.7500 there, about 2 ms" in done.stdout
    assert "hello" in done.stdout
    assert run("submit", file, "-c", "waste", "--test", "--max-score", "1").returncode == 2
    assert not Submission.objects.exists()
