"""Files lie in a bucket that speaks S3: uploads come, workers read, backups and tidying go on."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from leaderboard import storage
from leaderboard.cli import sending
from leaderboard.cli.server import Server
from leaderboard.models import Competition, Evaluation, PartialUpload, Submission, Team, Trial, User
from leaderboard.services import (
    accounts,
    backups,
    bans,
    competitions,
    copies,
    direct_uploads,
    files,
    health,
    partial_uploads,
    running,
    sweeping,
    tidying,
    tokens,
)
from leaderboard.services.backups import restoring
from leaderboard.services.objects import ObjectStorage
from leaderboard.storage import Bucket
from tests.leaderboard.answers import ApiAnswer
from tests.leaderboard.api.conftest import API, Upload, client_of
from tests.leaderboard.bucket import Door, bucket, client, server
from tests.leaderboard.conftest import report

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bucket")]
TUS = {"Tus-Resumable": "1.0.0"}
PART = 1000


__all__ = ["bucket", "server"]


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


@dataclass
class Sender:
    """A client that brings parts to the storage itself."""

    client: APIClient
    key: str = ""

    def begin(self, size: int, purpose: str = "submission") -> ApiAnswer:
        encoded = base64.b64encode(purpose.encode()).decode()
        told = f"filename {base64.b64encode(b'model.pt').decode()},purpose {encoded},direct"
        headers = TUS | {"Upload-Length": str(size), "Upload-Metadata": told}
        answer: ApiAnswer = self.client.post(f"{API}/competitions/waste/uploads", headers=headers)
        self.key = answer.json().get("key", "")
        return answer

    def ask(self, number: int, body: bytes) -> ApiAnswer:
        wanted = [{"number": number, "sha256": hashlib.sha256(body).hexdigest()}]
        answer: ApiAnswer = self.client.post(
            f"{API}/uploads/{self.key}/parts", {"parts": wanted}, format="json"
        )
        return answer

    def put(self, number: int, body: bytes) -> httpx.Response:
        [address] = self.ask(number, body).json()
        return httpx.put(address["url"], content=body, headers=address["headers"])

    def there(self) -> Any:
        return self.client.get(f"{API}/uploads/{self.key}").json()

    def end(self, what: str = "submission", **told: str) -> ApiAnswer:
        answer: ApiAnswer = self.client.post(
            f"{API}/uploads/{self.key}/{what}", told, format="json"
        )
        return answer

    def send(self, body: bytes, purpose: str = "submission") -> None:
        assert self.begin(len(body), purpose).status_code == 201
        for number, start in enumerate(range(0, len(body), PART), start=1):
            assert self.put(number, body[start : start + PART]).status_code == 200


@pytest.fixture
def sender(team: Team, owner: User, monkeypatch: pytest.MonkeyPatch) -> Sender:
    monkeypatch.setattr(direct_uploads, "PART_BYTES", PART)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    return Sender(client_of(owner))


def is_refused(answer: ApiAnswer, status: int, code: str) -> bool:
    return (answer.status_code, answer.json()["code"]) == (status, code)


def test_parts_go_to_the_bucket_and_become_a_submission(
    sender: Sender, team: Team, model: bytes, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = sender.begin(len(model)).json()
    assert begun["direct"] == {"part_bytes": PART, "parts": []}
    assert sender.put(2, model[PART : 2 * PART]).status_code == 200
    asked = Mock(wraps=ObjectStorage.parts)
    monkeypatch.setattr(ObjectStorage, "parts", lambda *given: asked(*given))
    assert (sender.there()["direct"]["parts"], sender.there()["offset"]) == ([2], PART)
    assert asked.call_count == 2, "one question for each answer"
    assert is_refused(sender.end(), 409, "upload_unfinished")
    for number, start in enumerate(range(0, len(model), PART), start=1):
        if number != 2:
            assert sender.put(number, model[start : start + PART]).status_code == 200
    assert sender.there()["offset"] == len(model)
    assert not keys("incoming/"), "no object before the end"
    ended = sender.end(note="direct", sha256=hashlib.sha256(model).hexdigest())
    assert (ended.status_code, ended.json()["is_new"]) == (201, True), ended.content
    one = Submission.objects.get()
    assert (one.file.read(), one.size_bytes, one.note) == (model, len(model), "direct")
    again = sender.end()
    assert (again.status_code, again.json()["id"]) == (200, one.pk)
    assert not keys("incoming/")
    assert not list(partial_uploads.folder().iterdir())
    settings.BUCKET = None
    assert sender.begin(len(model)).json()["direct"] is None


def test_an_address_takes_the_named_bytes_only_and_soon(
    sender: Sender, model: bytes, server: tuple[str, Door], rivals: Team, rival: User
) -> None:
    _, door = server
    sender.begin(len(model))
    first, other = model[:PART], b"x" * PART
    [address] = sender.ask(1, first).json()
    for body, headers in (
        (other, address["headers"]),
        (first[:-1], address["headers"]),
        (first, {}),
        (other, {"x-amz-checksum-sha256": checksum(other)}),
    ):
        assert httpx.put(address["url"], content=body, headers=headers).status_code == 403
    elsewhere = address["url"].replace("partNumber=1", "partNumber=2")
    key = sender.key
    others = address["url"].replace(key, "A" * len(key))
    for url in (elsewhere, others, address["url"].partition("?")[0]):
        assert httpx.put(url, content=first, headers=address["headers"]).status_code == 403
    assert httpx.get(address["url"]).status_code == 403
    door.late_seconds = direct_uploads.SIGNED_SECONDS + 1
    try:
        late = httpx.put(address["url"], content=first, headers=address["headers"])
        assert (late.status_code, late.text) == (403, "expired")
    finally:
        door.late_seconds = 0
    for number in (0, 1 + -(-len(model) // PART)):
        assert sender.ask(number, first).status_code == 400
    patched: ApiAnswer = sender.client.generic(
        "PATCH",
        f"{API}/uploads/{key}",
        "x",
        "application/offset+octet-stream",
        headers=TUS | {"Upload-Offset": "0"},
    )
    assert is_refused(patched, 409, "upload_is_direct")
    sender.client = client_of(rival)
    assert is_refused(sender.ask(1, first), 404, "unknown_upload")
    assert is_refused(sender.end(), 404, "unknown_upload")


def checksum(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def test_the_end_keeps_every_rule(
    sender: Sender, team: Team, model: bytes, submit: Any, organizer: User
) -> None:
    sender.send(b"no model, but larger than a part" * 40)
    assert sender.end().status_code == 400
    assert is_refused(sender.end(), 404, "unknown_upload")
    sender.send(model)
    assert is_refused(sender.end(sha256="0" * 64), 400, "wrong_hash")
    assert not keys("incoming/")
    most = team.competition.max_upload_bytes
    assert is_refused(sender.begin(most + 1), 413, "too_large")
    sender.send(model)
    Competition.objects.update(submissions_per_day=1)
    submit(team, 7)
    assert is_refused(sender.end(), 403, "quota_exceeded")
    ban = bans.ban(team=team, person=None, reason="Two accounts.", by=organizer)
    assert is_refused(sender.end(), 403, "banned")
    assert is_refused(sender.end("trial"), 403, "banned")
    bans.lift(ban=ban, by=organizer)
    Evaluation.objects.update(state="error")  # by a fault of ours: the upload comes back
    assert sender.end().status_code == 201
    sender.send(model, "trial")
    begun = sender.end("trial")
    assert begun.status_code == 201, begun.content
    assert sender.end("trial").json()["id"] == begun.json()["id"]
    competitions.pause(competition=team.competition, message="", by=organizer)
    assert is_refused(sender.begin(5), 409, "competition_not_open")


def test_what_nobody_ends_is_removed(
    sender: Sender, model: bytes, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(partial_uploads.MOST_OPEN):
        assert sender.begin(len(model)).status_code == 201
    assert is_refused(sender.begin(len(model)), 409, "too_many_uploads")
    for upload in PartialUpload.objects.all():  # whole, and no rule lets them end
        client().put_object(Bucket="files", Key=direct_uploads.name_of(upload), Body=b"whole")
        copies.storage().abort(direct_uploads.name_of(upload), upload.multipart_id)
    assert is_refused(sender.begin(len(model)), 409, "too_many_uploads")
    gone = PartialUpload.objects.earliest("pk")
    default_storage.delete(direct_uploads.name_of(gone))
    for _ in range(partial_uploads.MOST_OPEN):
        sender.begin(len(model))
        monkeypatch.setattr(partial_uploads, "SILENT_SECONDS", -1)
    assert not PartialUpload.objects.filter(pk=gone.pk).exists()
    sender.send(model)
    assert PartialUpload.objects.count() == partial_uploads.MOST_OPEN
    cancelled = sender.client.delete(f"{API}/uploads/{sender.key}", headers=TUS)
    assert cancelled.status_code == 204
    assert len(unfinished()) == partial_uploads.MOST_OPEN - 1
    first, second = PartialUpload.objects.order_by("pk")
    PartialUpload.objects.filter(pk=first.pk).update(expires_at=timezone.now())
    sweeping.sweep()
    assert unfinished() == [direct_uploads.name_of(second)]
    second.delete()  # as with its team
    monkeypatch.setattr(partial_uploads, "KEPT", timedelta(seconds=-60))
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "1")  # of a page
    for name in ("complete", "other"):
        client().put_object(Bucket="files", Key=f"incoming/{name}", Body=b"left")
    sweeping.sweep()
    assert unfinished() == keys("incoming/") == []


def unfinished() -> list[str]:
    found = client().list_multipart_uploads(Bucket="files").get("Uploads", ())
    return [one["Key"] for one in found]


def test_the_command_brings_parts_to_the_bucket(
    sender: Sender,
    owner: User,
    model: bytes,
    tmp_path: Path,
    server: tuple[str, Door],
    bucket: Bucket,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "config_path", lambda: tmp_path / "kept" / "config.json")
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    _, secret = tokens.issue(user=owner, name="CI")
    line = httpx.MockTransport(arrive)
    there = Server(
        httpx.Client(
            base_url="http://localhost/api/v2",
            headers={"Authorization": f"Token {secret}"},
            transport=line,
        )
    )
    path = tmp_path / "model.pt"
    path.write_bytes(model)
    _, door = server
    door.seen.clear()
    door.lost = 2
    told = sending.send(there, path, "waste", purpose="submission")
    one = Submission.objects.get(pk=told["id"])
    assert one.file.read() == model
    assert waited == [1, 2]
    assert door.seen == ["PUT"] * (2 + -(-len(model) // PART)), "each part came once"

    away = storage.default(Path(), replace(bucket, public_endpoint="http://127.0.0.1:9"))
    settings.STORAGES = settings.STORAGES | {"default": away}
    told = sending.send(there, path, "waste", purpose="trial")
    assert Trial.objects.get(pk=told["id"]).file.read() == model


def arrive(request: httpx.Request) -> httpx.Response:
    """The site's answer to a request of the command."""
    headers = dict(request.headers)
    kind, size = headers.pop("content-type", ""), headers.pop("content-length", "0")
    how: Any = {"CONTENT_LENGTH": size, "headers": headers}
    got = Client().generic(
        request.method, request.url.raw_path.decode(), request.read(), kind, **how
    )
    return httpx.Response(got.status_code, headers=dict(got.headers), content=got.content)
