"""Hostile uploads through the API's door and one real worker, which then scores an honest model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from leaderboard.models import (
    Competition,
    Dataset,
    Evaluation,
    HardwareProfile,
    Split,
    Submission,
    Team,
    User,
)
from leaderboard.services import (
    competitions,
    files,
    references,
    running,
    submissions,
    teams,
    tokens,
)
from tests.end_to_end.conftest import (  # noqa: F401
    Start,
    files_that_processes_share,
    processes,
    profile,
    start,
    wait_until,
)
from tests.hostile import making
from tests.hostile.archives import ATTACKS
from tests.hostile.conftest import LIMITS, images, untouched
from tests.hostile.making import CLASSES, HIDDEN, SHOWN, SIZE, Place, code
from tests.leaderboard.conftest import organizer, outsider, owner  # noqa: F401

State = Evaluation.State
WORK = ("manage.py", "work", "--profile", "cpu", "--poll", "0.1")
AT_THE_DOOR = [name for name, attack in ATTACKS.items() if attack.ending == "refused"]
RUN = [
    "read a file by another spelling",
    "wait for a FIFO",
    "write a file",
    "make a file while it is loaded",
    "a huge offset",
    "reinterpret and read by another spelling",
    "a weight that is a string",
    "loops while it is loaded",
    "signs too deep",
    "divides the least number",
    "fork without waiting",
    "prints what it sees",
    "raises what it sees once it is hidden",
    "prints without end",
    "prints control characters",
    "prints markup",
    "NaN",
    "a string",
    "a sparse one",
    "more than there are numbers",
    "changes its input",
    "throws dice",
    "remembers without end",
    "never answers what is hidden",
    "doubling",
    "tuples too deep",
]
"""Only some uploads of each class, because each starts a sandbox. The tests of the engine run
all."""
PAST_THE_DOOR = ["read a file", "a bomb", "garbage"]
"""The gate is off for these, as if it had not known them yet."""


@pytest.fixture
def competition(
    profile: HardwareProfile,  # noqa: F811
    organizer: User,  # noqa: F811
    tmp_path: Path,
) -> Competition:
    """An open competition with limits of seconds, and images that carry a mark. It is really
    calibrated."""
    made = Competition.objects.create(
        slug="waste",
        title="Waste sorting",
        profile=profile,
        dataset=dataset(tmp_path),
        input_height=SIZE,
        input_width=SIZE,
        mean=[0, 0, 0],
        std=[1, 1, 1],
        submissions_per_day=1000,
        load_seconds=LIMITS.load_seconds,
        first_call_seconds=LIMITS.first_call_seconds,
        call_seconds=LIMITS.call_seconds,
        total_seconds=LIMITS.total_seconds,
        memory_bytes=LIMITS.memory_bytes // 2,  # which slow machines fill within a call's seconds
    )
    upload = ContentFile(making.honest_file(), name="reference.pt")
    references.set_reference(competition=made, upload=upload, name="Linear", by=organizer)
    references.calibrate(competition=made, by=organizer)
    calibration = running.run_next("cpu")
    assert calibration
    calibration.refresh_from_db()
    assert calibration.state == State.SCORED, calibration.error_message
    made.refresh_from_db()
    competitions.open_(competition=made, by=organizer)
    return made


def dataset(folder: Path) -> Dataset:
    made = Dataset.objects.create(
        name="Waste", classes=list(CLASSES), sha256="d" * 64, created_at=timezone.now()
    )
    for name, pixel in (("sample", SHOWN), ("public", HIDDEN), ("private", HIDDEN)):
        path = folder / f"{name}.zip"
        path.write_bytes(images(pixel, count=3))
        sha256 = files.sha256_of(path)
        Split.objects.create(
            dataset=made,
            name=name,
            archive=files.keep_path(path, sha256=sha256, folder="datasets", suffix=".zip"),
            sha256=sha256,
            size_bytes=path.stat().st_size,
            images=3 * len(CLASSES),
            images_by_class=dict.fromkeys(CLASSES, 3),
        )
    return made


@pytest.fixture
def team(competition: Competition, owner: User) -> Team:  # noqa: F811
    return teams.create(competition=competition, name="Sorters", by=owner)


class Door:
    """The API, as a team's member sees it."""

    def __init__(self, owner: User, place: Place) -> None:  # noqa: F811
        self.place = place
        self.headers = {"Authorization": f"Token {tokens.issue(user=owner, name='test')[1]}"}
        self.client = Client()

    def post(self, data: bytes) -> Any:
        cache.clear()  # that so many uploads at once are throttled is tested elsewhere
        return self.client.post(
            "/api/v2/competitions/waste/submissions",
            {"file": ContentFile(data, name="model.pt")},
            headers=self.headers,
        )

    def get(self, submission: int) -> dict[str, Any]:
        answer = self.client.get(f"/api/v2/submissions/{submission}", headers=self.headers)
        assert answer.status_code == 200
        return dict(answer.json())

    def uploaded(self, data: bytes) -> Submission:
        answer = self.post(data)
        assert answer.status_code == 201, answer.content
        return Submission.objects.get(pk=answer.json()["id"])


def test_one_worker_outlives_them_all(
    start: Start,  # noqa: F811
    competition: Competition,
    team: Team,
    owner: User,  # noqa: F811
    outsider: User,  # noqa: F811
    place: Place,
) -> None:
    door = Door(owner, place)
    for name in AT_THE_DOOR:
        answer = door.post(ATTACKS[name].write(place))
        assert answer.status_code in (400, 422), (name, answer.content)
        assert answer.json()["code"] in ATTACKS[name].codes, (name, answer.json())
    assert not Submission.objects.exists()

    uploads = {name: door.uploaded(ATTACKS[name].write(place)) for name in RUN}
    for number, name in enumerate(PAST_THE_DOOR):
        harmless = code(f"y = torch.zeros([{number + 1}])")(place)
        uploads[name] = door.uploaded(harmless)
        files.local_path(uploads[name].file).chmod(0o600)
        files.local_path(uploads[name].file).write_bytes(ATTACKS[name].write(place))
    honest = door.uploaded(code("y = torch.zeros([9])")(place))

    with untouched(place):
        worker = start(*WORK, REDIS_URL="")
        waiting = Evaluation.objects.exclude(submission=None)
        wait_until(
            lambda: not waiting.unfinished().exists() or worker.poll() is not None,
            seconds=400,
        )
    assert worker.poll() is None

    assert door.get(honest.pk)["state"] == "scored"
    for name, upload in uploads.items():
        attack, evaluation = ATTACKS[name], Evaluation.objects.get(submission=upload)
        assert evaluation.state in (State.SCORED, State.FAILED), (name, evaluation.error_message)
        assert (evaluation.attempt, evaluation.faults, evaluation.error_code) == (1, 0, ""), name
        if evaluation.state == State.FAILED:
            assert evaluation.failure_code in attack.codes, (name, evaluation.failure_code)
        else:
            assert attack.ending in ("scored", "contained"), name
        assert_nothing_leaks(door, upload, outsider, place)
    assert submissions.quota(team, competition).used == len(uploads) + 1


def assert_nothing_leaks(door: Door, upload: Submission, stranger: User, place: Place) -> None:
    """No secret is in the rows, or in any answer to the team or to anybody else."""
    evaluation = Evaluation.objects.get(submission=upload)
    shown = json.dumps(door.get(upload.pk)) + json.dumps(
        [one.found for one in evaluation.reports.all()]
    )
    member, visitor = Client(), Client()
    member.force_login(upload.uploaded_by)
    visitor.force_login(stranger)
    own = member.get(upload.get_absolute_url())
    assert own.status_code == 200
    page = own.content.decode()
    for secret in (f"SEEN-{HIDDEN}", making.SECRET):
        assert secret not in shown + page
    assert "<script>alert" not in page
    said = visitor.get(upload.get_absolute_url()).content.decode()
    board = visitor.get("/competitions/waste/boards/public/").content.decode()
    for text in ("SEEN-", making.SECRET, "Traceback", str(place.secret)):
        assert text not in said + board
