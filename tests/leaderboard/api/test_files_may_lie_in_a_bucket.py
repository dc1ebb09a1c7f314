"""Files lie in a bucket that speaks S3: uploads come, workers read, backups and tidying go on."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage

from leaderboard import storage
from leaderboard.models import Evaluation, Submission, Team, User
from leaderboard.services import accounts, backups, copies, files, health, running, tidying
from leaderboard.services.backups import restoring
from leaderboard.storage import Bucket
from tests.leaderboard import bucket as served
from tests.leaderboard.api.conftest import API, Upload, client_of
from tests.leaderboard.conftest import report

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, served.Door]]:
    with served.serving() as found:
        yield found


@pytest.fixture(autouse=True)
def bucket(server: tuple[str, served.Door], settings: Any, own_files: None) -> Bucket:
    """An empty bucket, which the site is set to."""
    address, _ = server
    made = Bucket(
        name="files",
        endpoint=address,
        public_endpoint=address,
        region=served.REGION,
        access_key=served.ACCESS_KEY,
        secret_key=served.SECRET_KEY,
        cache_bytes=1 << 30,
    )
    settings.BUCKET = made
    settings.STORAGES = settings.STORAGES | {"default": storage.default(Path(), made)}
    client().create_bucket(Bucket="files")
    for page in client().get_paginator("list_objects_v2").paginate(Bucket="files"):
        for one in page.get("Contents", ()):
            client().delete_object(Bucket="files", Key=one["Key"])
    return made


def client() -> Any:
    storage: Any = default_storage
    return storage.connection.meta.client


def keys(prefix: str = "") -> list[str]:
    found = client().list_objects_v2(Bucket="files", Prefix=prefix)
    return [one["Key"] for one in found.get("Contents", ())]


def test_an_upload_lies_in_the_bucket_and_comes_back(
    upload: Upload, team: Team, owner: User, model: bytes, settings: Any, tmp_path: Path
) -> None:
    sent = upload(model)
    assert sent.status_code == 201, sent.content
    one = Submission.objects.get()
    assert keys("models/") == sorted({one.file.name, team.competition.reference.file.name})
    assert not list(Path(settings.FILES_DIR).rglob("*.pt"))
    answer: Any = client_of(owner).get(f"{API}/submissions/{one.pk}/file")
    assert b"".join(answer.streaming_content) == model
    assert answer.headers["Content-Length"] == str(len(model))
    taken = zipfile.ZipFile(io.BytesIO(b"".join(accounts.copy(owner))))
    assert taken.read(f"models/{one.pk}-model.pt") == model

    backups.backup(tmp_path / "kept", is_portable=True)
    manifest = backups.verified(tmp_path / "kept")
    assert f"files/{one.file.name}" in manifest.hashes
    default_storage.delete(one.file.name)
    restoring.bring_files(tmp_path / "kept", manifest)
    assert one.file.read() == model


def test_the_doctor_tries_the_bucket(settings: Any, bucket: Bucket) -> None:
    assert [one.level for one in health.examine(["storage"])] == [health.Level.OK]
    assert not keys("health/")
    settings.STORAGES = settings.STORAGES | {
        "default": storage.default(Path(), replace(bucket, name="nobodys"))
    }
    [found] = health.examine(["storage"])
    assert "S3_ENDPOINT" in found.advice


def test_what_no_row_names_is_tidied(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tidying, "YOUNG", timedelta(seconds=-60))
    name = f"models/aa/{'a' * 64}.pt"
    client().put_object(Bucket="files", Key=name, Body=b"left")
    there = set(keys())
    assert tidying.tidy().files == 1
    assert set(keys()) == there - {name}


def test_a_worker_reads_copies_that_are_what_their_names_say(
    team: Team, submit: Callable[..., Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = submit(team)
    seen = []

    def engine(job: Any, **more: Any) -> Any:
        seen.append(job)
        assert job.submission.read_bytes() == submission.file.read()
        copies.evict(0)
        assert job.submission.exists(), "what is held stays"
        return report()

    monkeypatch.setattr("scoring.evaluate", engine)
    monkeypatch.setattr(copies, "JUST_USED_SECONDS", -1.0)
    ended = running.run_next("cpu")
    ended.refresh_from_db()
    assert ended.state == Evaluation.State.SCORED
    [job] = seen
    assert job.submission.parent.parent.parent == copies.folder()
    client().delete_object(Bucket="files", Key=submission.file.name)
    assert files.local_path(submission.file) == job.submission, "a copy is used again"
    copies.evict(0)
    assert not job.submission.exists()


@pytest.mark.parametrize("is_missing", [True, False])
def test_a_missing_or_altered_object_is_no_fault_of_the_team(
    team: Team, submit: Callable[..., Submission], is_missing: bool
) -> None:
    submission = submit(team)
    if is_missing:
        default_storage.delete(submission.file.name)
    else:
        client().put_object(Bucket="files", Key=submission.file.name, Body=b"other bytes")
    while one := running.run_next("cpu"):
        last = one
    last.refresh_from_db()
    assert (last.state, last.error_code) == (Evaluation.State.ERROR, "storage_failed")
    assert not list(copies.folder().rglob("*.part"))
    assert not [path for path in copies.folder().rglob("*.pt") if submission.sha256 in path.name]


def test_two_workers_of_a_machine_fetch_one_file(team: Team, submit: Any, bucket: Bucket) -> None:
    name = submit(team).file.name
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: copies.path_of(name, bucket), range(8)))
    assert [path.read_bytes() for path in found] == [default_storage.open(name).read()]


def test_copies_keep_below_their_bound(
    team: Team, submit: Any, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "JUST_USED_SECONDS", 0.0)
    paths = [copies.path_of(submit(team, seed).file.name, bucket) for seed in range(3)]
    size = paths[0].stat().st_size
    for age, path in zip((30, 10, 20), paths, strict=True):
        os.utime(path, (1e9 - age, 1e9 - age))
    part = paths[0].with_name("killed.part")
    part.touch()
    os.utime(part, (0, 0))
    most = sum(path.stat().st_size for path in paths) + size - 1
    copies.path_of(submit(team, 9).file.name, replace(bucket, cache_bytes=most))
    assert [path.exists() for path in [*paths, part]] == [False, True, True, False]
