"""The cast: an organizer, an owner with a teammate, a rival, an outsider; and their competition.

Evaluations here are recorded from invented reports, through the service that workers use; the tests
that really measure stand in tests/end_to_end and tests/scoring.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.utils import timezone, translation
from PIL import Image

from leaderboard.models import (
    Baseline,
    Competition,
    Dataset,
    Evaluation,
    HardwareProfile,
    Split,
    Submission,
    Team,
    User,
)
from leaderboard.models.answers import Answers
from leaderboard.services import (
    baseline_files,
    competitions,
    containment,
    files,
    hosts,
    partial_uploads,
    recording,
    references,
    running,
    submissions,
    teams,
    workers,
)
from leaderboard.throttling import WriteThrottle
from scoring.job import (
    PROTOCOL,
    ClassQuality,
    DryRun,
    Failure,
    HostNumbers,
    Isolation,
    Quad,
    Report,
    SplitQuality,
    Timing,
)
from scoring.sentences import say

CLASSES = ["Metal", "Paper", "Plastic"]
SAID = "layer 1 <b>weighs</b> 0.25\n"
"""What every model of the tests prints in its dry run."""
WEAK = Isolation(missing=(say("filter of system calls (only for computing)"),), is_weak=True)


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has its own folder of files, and fast password hashes."""
    monkeypatch.setattr(partial_uploads, "gettempdir", lambda: str(tmp_path))
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.FILES_DIR = tmp_path / "files"
    settings.CACHE_DIR = tmp_path / "cache"
    settings.KEYS_DIR = tmp_path / "keys"
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files"), "base_url": None},
        }
    }


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    """Restores English, because a request in another language leaves its language to this
    thread."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def no_pause_after_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """An evaluation that failed by our fault may be taken again at once."""
    monkeypatch.setattr(recording, "RETRY_AFTER", timedelta(0))


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raises the limit of changes, because tests write faster than people."""
    monkeypatch.setattr(WriteThrottle, "rate", "10000/min")
    cache.clear()  # SQLite numbers the users of each test alike


@pytest.fixture(autouse=True)
def sandbox_that_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the self-test of the sandbox, which takes seconds, by one that finds nothing."""
    monkeypatch.setattr(containment, "breaches", lambda plan: ())
    monkeypatch.setattr(hosts, "turns_of", lambda profile, go_on: HostNumbers(0.00003, 0.00008))
    monkeypatch.setattr(workers, "contained", set())
    monkeypatch.setattr(workers, "begun", set())


def person(name: str, **fields: Any) -> User:
    return User.objects.create_user(
        username=name, email=f"{name}@example.org", password="a-long-passphrase", **fields
    )


@pytest.fixture
def organizer(db: None) -> User:
    return person("organizer", is_staff=True, is_superuser=True)


@pytest.fixture
def owner(db: None) -> User:
    return person("owner")


@pytest.fixture
def teammate(db: None) -> User:
    return person("teammate")


@pytest.fixture
def rival(db: None) -> User:
    return person("rival")


@pytest.fixture
def outsider(db: None) -> User:
    return person("outsider")


@pytest.fixture
def profile(db: None) -> HardwareProfile:
    return HardwareProfile.objects.create(
        slug="cpu", name="One core", max_half_width=0, canary_every_minutes=0
    )


def images(per_class: int = 2) -> bytes:
    """A zip of class folders with small pictures, a colour to each class."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for index, label in enumerate(CLASSES):
            for number in range(per_class):
                picture = io.BytesIO()
                colour = [20, 20, 20]
                colour[index], colour[index - 1] = 230, 20 + number
                Image.new("RGB", (24, 18), tuple(colour)).save(picture, "PNG")
                archive.writestr(f"{label}/{number:04}.png", picture.getvalue())
    return target.getvalue()


@pytest.fixture
def dataset(db: None, tmp_path: Path) -> Dataset:
    made = Dataset.objects.create(
        name="Waste", classes=CLASSES, sha256="d" * 64, created_at=timezone.now()
    )
    for number, name in enumerate(("sample", "public", "private"), start=1):
        path = tmp_path / f"{name}.zip"
        path.write_bytes(images(per_class=4 * number))
        sha256 = files.sha256_of(path)
        Split.objects.create(
            dataset=made,
            name=name,
            archive=files.keep_path(path, sha256=sha256, folder="datasets", suffix=".zip"),
            sha256=sha256,
            size_bytes=path.stat().st_size,
            images=12 * number,
            images_by_class=dict.fromkeys(CLASSES, 4 * number),
        )
    return made


@pytest.fixture
def draft(profile: HardwareProfile, dataset: Dataset) -> Competition:
    return Competition.objects.create(
        slug="waste",
        title="Waste sorting",
        overview="Sort **waste**.",
        profile=profile,
        dataset=dataset,
        input_height=24,
        input_width=24,
        time_zone="Asia/Seoul",
    )


@pytest.fixture
def competition(
    draft: Competition, organizer: User, make_model: Callable[..., bytes]
) -> Competition:
    """An open competition, whose reference has a public F1 of 0.700 and takes 10 ms for an
    image."""
    upload = ContentFile(make_model(seed=1000), name="reference.pt")
    references.set_reference(competition=draft, upload=upload, name="ResNet18-D", by=organizer)
    calibration = references.calibrate(competition=draft, by=organizer)
    finish(calibration, report(quality_public=0.7, quality_private=0.69, time_ratio=1.0))
    draft.refresh_from_db()
    competitions.open_(competition=draft, by=organizer)
    return draft


@pytest.fixture
def team(competition: Competition, owner: User, teammate: User) -> Team:
    made = teams.create(competition=competition, name="Sorters", by=owner)
    teams.accept(code=teams.invite(team=made, by=owner).code, by=teammate)
    return made


@pytest.fixture
def rivals(competition: Competition, rival: User) -> Team:
    return teams.create(competition=competition, name="Rivals", by=rival)


@pytest.fixture
def submit(make_model: Callable[..., bytes]) -> Callable[..., Submission]:
    """Upload a model for a team by its first member. Another `seed` makes another model."""

    def upload(team: Team, seed: int = 0, **fields: Any) -> Submission:
        return submissions.submit(
            competition=team.competition,
            team=team,
            upload=ContentFile(make_model(seed), name=f"model{seed}.pt"),
            by=team.memberships.select_related("user").first().user,
            door="web",
            **fields,
        ).submission

    return upload


@pytest.fixture
def scored(submit: Callable[..., Submission]) -> Callable[..., Submission]:
    """A submission with a recorded report: `scored(team, seed=3, time_ratio=0.5)`."""

    def make(team: Team, seed: int = 0, **figures: float) -> Submission:
        submission = submit(team, seed)
        finish(submission.latest_evaluation, report(**figures))
        return Submission.objects.get(pk=submission.pk)

    return make


@pytest.fixture
def baseline(
    competition: Competition, organizer: User, make_model: Callable[..., bytes]
) -> Callable[..., Baseline]:
    """A measured baseline: `baseline("MobileNetV3", seed=70, time_ratio=0.5)`."""

    def make(name: str, seed: int = 70, is_released: bool = False, **figures: float) -> Baseline:
        made = baseline_files.add(
            competition=competition,
            upload=ContentFile(make_model(seed), name="baseline.pt"),
            name=name,
            is_released=is_released,
            by=organizer,
        )
        finish(made.evaluations.get(), report(**figures))
        return made

    return make


def finish(
    evaluation: Evaluation, found: Report, answered: dict[str, Any] | None = None
) -> Evaluation:
    """Claim an evaluation as a worker would, and record a report."""
    claimed = running.claim(evaluation.profile)
    assert claimed == evaluation, "another evaluation was next in line"
    recording.record(claimed, found, answered)
    return claimed


def answers_of(*, public: Sequence[int], private: Sequence[int]) -> dict[str, Any]:
    """Answers as the engine hands them over."""
    return {"public": np.array(public), "private": np.array(private)}


ANSWERED = b"AnsweredABC."
"""Planted where answers are kept, to be searched for."""


def plant_answers(evaluation: Evaluation) -> None:
    """Keep answers that are easy to recognise, for a scored evaluation and the calibration."""
    for one in (evaluation, evaluation.competition.calibration):
        one.answers = Answers.objects.create(
            competition=one.competition,
            dataset=one.dataset,
            content=f"planted {one.pk}",
            public=ANSWERED,
            private=ANSWERED,
        )
        one.save()


def shapes_of(content: bytes) -> list[str]:
    """All forms in which bytes may look in a page or a file: text, hex, base 64, and numbers."""
    numbers = [str(one) for one in content]
    return [
        content.decode(),
        content.hex(),
        base64.b64encode(content).decode(),
        *(mark.join(numbers) for mark in (",", ", ", " ", "\n")),
    ]


def rewrite(evaluation: Evaluation, found: dict[str, Any]) -> None:
    """Replace a recorded report by another one, as an older engine would have written it."""
    evaluation.reports.filter(attempt=evaluation.attempt).update(found=found)
    evaluation.__dict__.pop("_report", None)  # read before


def told(evaluation: Evaluation) -> dict[str, Any]:
    """The report of an evaluation as JSON, for `rewrite`."""
    found = evaluation.report()
    assert found
    return found.to_json()


def report(
    *,
    quality_public: float = 0.7,
    quality_private: float = 0.68,
    time_ratio: float = 1.0,
    half_width: float = 0.01,
) -> Report:
    """A report as the engine would write it for a model with these figures."""
    return Report(
        status="scored",
        splits={
            name: SplitQuality(
                images=12,
                quality=quality,
                accuracy=quality,
                per_class={label: ClassQuality(quality, quality, quality, 4) for label in CLASSES},
                confusion=((4, 0, 0), (0, 4, 0), (0, 0, 4)),
            )
            for name, quality in (("public", quality_public), ("private", quality_private))
        },
        timing=Timing(
            time_ratio=time_ratio,
            half_width=half_width,
            seconds_per_image=0.01 * time_ratio,
            reference_seconds_per_image=0.01,
            quads=(Quad(0.1, 0, 0.1, 10, 0.1 * time_ratio, 10, 0.1, 0.1 * time_ratio),),
            segments=3,
            measured_seconds=12.5,
            disturbed_share=0.0,
            in_force=(say("While one model runs, the other one is stopped."),),
        ),
        dry_run=DryRun(images=8, output=SAID),
        isolation=Isolation(layers=(say("filter of system calls (only for computing)"),)),
        quality_ref=round(quality_public, 3),
        hardware={"cpu": "Test processor"},
        versions={"protocol": str(PROTOCOL), "torch": "2.13.0"},
        stages={"measure": 12.5},
    )


def failure(code: str = "wrong_output", message: str = "Expected (1, 3), got (1, 4).") -> Report:
    return Report(
        status="failed",
        failure=Failure(code, (say(message),)),
        dry_run=DryRun(images=8, output=SAID, is_cut=True),
        isolation=Isolation(layers=(say("filter of system calls (only for computing)"),)),
    )
