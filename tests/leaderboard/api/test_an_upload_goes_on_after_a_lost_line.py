"""A file comes in parts, by tus 1.0.0.

The bytes that came before a lost connection stay. The end of the upload keeps every rule of an
upload in one piece.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import io
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from leaderboard import throttling
from leaderboard.models import Competition, Evaluation, PartialUpload, Submission, Team, Trial, User
from leaderboard.services import competitions, partial_uploads, submissions, sweeping, teams
from tests.leaderboard.answers import ApiAnswer
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.web.conftest import text

pytestmark = pytest.mark.django_db
BEGIN = f"{API}/competitions/waste/uploads"
PART = "application/offset+octet-stream"
TUS = {"Tus-Resumable": "1.0.0"}


@dataclass
class Sender:
    """A client of tus, as small as one can be."""

    client: APIClient
    address: str = ""

    def begin(self, size: int, purpose: str = "", **headers: str) -> ApiAnswer:
        words = {"filename": "../model.pt"} | ({"purpose": purpose} if purpose else {})
        said = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in words.items())
        asked = TUS | {"Upload-Length": str(size), "Upload-Metadata": said} | headers
        answer: ApiAnswer = self.client.post(BEGIN, headers=asked)
        self.address = answer.headers.get("Location", "")
        return answer

    def part(self, start: object, body: Any, **more: Any) -> ApiAnswer:
        headers = TUS | {"Upload-Offset": str(start)} | more.pop("headers", {})
        kind = more.pop("kind", PART)
        answer: ApiAnswer = self.client.generic(
            "PATCH", self.address, body, kind, headers=headers, **more
        )
        return answer

    def offset(self) -> int:
        return int(self.client.head(self.address, headers=TUS).headers["Upload-Offset"])

    def end(self, what: str = "submission", **told: str) -> ApiAnswer:
        answer: ApiAnswer = self.client.post(f"{self.address}/{what}", told, format="json")
        return answer

    def send(self, body: bytes, purpose: str = "") -> None:
        assert self.begin(len(body), purpose).status_code == 201
        assert self.part(0, body).status_code == 204


@pytest.fixture
def sender(team: Team, owner: User) -> Sender:
    return Sender(client_of(owner))


class LostLine:
    """A body whose connection is lost after some bytes."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def read(self, size: int = -1) -> bytes:
        if not self.body:
            raise OSError("the line was lost")
        piece, self.body = self.body[:size], self.body[size:]
        return piece

    readline = read


def is_refused(answer: ApiAnswer, status: int, code: str) -> bool:
    return (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_file_comes_in_parts_over_a_bad_line(sender: Sender, team: Team, model: bytes) -> None:
    begun = sender.begin(len(model))
    told = begun.json()
    assert (told["file_name"], told["size_bytes"], told["offset"]) == ("model.pt", len(model), 0)
    assert begun.headers["Tus-Resumable"] == "1.0.0"
    assert "GMT" in begun.headers["Upload-Expires"]
    lost = {"wsgi.input": LostLine(model[:700]), "CONTENT_LENGTH": str(len(model))}
    assert sender.part(0, b"x", **lost).status_code >= 400
    assert sender.offset() == 700, "what came is kept"
    assert is_refused(sender.end(), 409, "upload_unfinished")
    half = sender.part(700, model[700:1000])
    assert (half.status_code, half.headers["Upload-Offset"]) == (204, "1000")
    assert [one["offset"] for one in sender.client.get(BEGIN).json()] == [1000]
    assert sender.part(1000, model[1000:]).status_code == 204
    assert not Submission.objects.exists()
    assert submissions.quota(team, team.competition).used == 0, "no upload is used on the way"

    ended = sender.end(note="in parts", sha256=hashlib.sha256(model).hexdigest().upper())
    assert (ended.status_code, ended.json()["is_new"]) == (201, True)
    one = Submission.objects.get()
    assert (one.file_name, one.note, one.door, one.size_bytes) == (
        *("model.pt", "in parts", "api"),
        len(model),
    )
    assert one.file.read() == model
    again = sender.end()
    assert (again.status_code, again.json()["id"], again.json()["is_new"]) == (200, one.pk, False)
    assert not list(partial_uploads.folder().iterdir())
    assert sender.client.get(BEGIN).json() == []
    for answer in (sender.client.get(sender.address), sender.part(0, b"x")):
        assert is_refused(answer, 404, "unknown_upload")


def test_only_the_next_bytes_of_the_announced_size_are_taken(sender: Sender) -> None:
    assert sender.begin(10).status_code == 201
    assert sender.part(0, b"12345").status_code == 204
    for start in (0, 4, 6, 10):
        assert is_refused(sender.part(start, b"x"), 409, "wrong_offset"), start
    assert is_refused(sender.part(5, b"123456"), 413, "too_large")
    assert is_refused(sender.part(5, b"12345678901"), 413, "too_large")
    assert is_refused(sender.part(5, b"1", kind="text/plain"), 415, "unsupported_media_type")
    for wrong in ("", "x", "-1"):
        assert is_refused(sender.part(wrong, b"x"), 400, "bad_upload_header")
    for version in ("", "0.2"):
        told = sender.part(5, b"1", headers={"Tus-Resumable": version})
        assert is_refused(told, 412, "tus_version")
        assert told.headers["Tus-Version"] == "1.0.0"
    assert sender.offset() == 5
    asked = sender.client.options(sender.address)
    assert (asked.status_code, asked.headers["Tus-Version"]) == (204, "1.0.0")
    assert "creation" in asked.headers["Tus-Extension"]


def test_two_requests_at_one_time_do_not_mix(sender: Sender) -> None:
    sender.begin(10)
    upload = PartialUpload.objects.get()
    with partial_uploads.path_of(upload).open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert is_refused(sender.part(0, b"12345"), 423, "upload_busy")
        assert is_refused(sender.end(), 423, "upload_busy")
    assert sender.part(0, b"12345").status_code == 204


def test_limits_hold_before_anything_is_read(
    sender: Sender, team: Team, owner: User, organizer: User, scored: Any, settings: Any
) -> None:
    most = team.competition.max_upload_bytes
    for size in (most + 1, int("9" * 4000)):
        assert is_refused(sender.begin(size), 413, "too_large")
    for headers in (
        {"Upload-Length": ""},
        {"Upload-Metadata": "filename !"},
        {"Upload-Metadata": "purpose bm90aGluZw=="},
    ):
        assert is_refused(sender.begin(5, **headers), 400, "bad_upload_header")
    assert not PartialUpload.objects.exists()
    Competition.objects.update(submissions_per_day=1)
    scored(team)
    assert is_refused(sender.begin(5), 403, "quota_exceeded")
    assert sender.begin(5, "trial").status_code == 201, "a trial uses none"
    competitions.pause(competition=team.competition, message="", by=organizer)
    assert is_refused(sender.part(0, b"x"), 409, "competition_not_open")
    assert is_refused(sender.begin(5), 409, "competition_not_open")


def test_a_disk_without_room_takes_nothing(sender: Sender, monkeypatch: Any) -> None:
    usage = type("Usage", (), {"free": 4})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    assert is_refused(sender.begin(5), 507, "no_space")
    assert not PartialUpload.objects.exists()


def test_a_team_sends_few_files_at_once_and_silent_ones_make_room(sender: Sender) -> None:
    for _ in range(partial_uploads.MOST_OPEN):
        assert sender.begin(5).status_code == 201
    assert is_refused(sender.begin(5), 409, "too_many_uploads")
    first, *_, last = PartialUpload.objects.order_by("pk")
    os.utime(partial_uploads.path_of(first), (0, 0))
    assert sender.begin(5).status_code == 201
    assert not PartialUpload.objects.filter(pk=first.pk).exists()
    sender.address = f"{API}/uploads/{last.key}"
    assert sender.client.delete(sender.address, headers=TUS).status_code == 204
    assert sender.begin(5).status_code == 201


def test_the_rules_are_asked_again_at_the_end(
    sender: Sender, team: Team, owner: User, teammate: User, model: bytes, submit: Any
) -> None:
    sender.send(model)
    Competition.objects.update(submissions_per_day=1)
    submit(team, 7)
    assert is_refused(sender.end(), 403, "quota_exceeded")
    Evaluation.objects.update(state="error")  # by a fault of ours: the upload comes back
    teams.leave(team=team, by=owner)
    assert is_refused(sender.end(), 404, "unknown_upload")
    sender.client = client_of(teammate)
    assert sender.end().status_code == 201, "what has come stays the team's"


def test_what_the_gate_refuses_is_gone(sender: Sender) -> None:
    sender.send(b"no model")
    in_one_piece = sender.client.post(
        f"{API}/competitions/waste/submissions", {"file": io.BytesIO(b"no model")}
    )
    ended = sender.end()
    assert (ended.status_code, ended.json()) == (400, in_one_piece.json())
    assert is_refused(sender.end(), 404, "unknown_upload")
    sender.send(b"no model")
    assert is_refused(sender.end(sha256="0" * 64), 400, "wrong_hash")
    assert not PartialUpload.objects.exists()
    assert not list(partial_uploads.folder().iterdir())


def test_a_trial_is_begun_the_same_way(sender: Sender, team: Team, model: bytes) -> None:
    sender.send(model, "trial")
    begun = sender.end("trial")
    assert begun.status_code == 201
    assert sender.end("trial").json()["id"] == begun.json()["id"] == Trial.objects.get().pk
    assert is_refused(sender.begin(5, "trial"), 409, "trial_under_way")


def test_what_nobody_ends_expires(sender: Sender, team: Team, model: bytes) -> None:
    sender.send(model)
    left = partial_uploads.folder() / "of-a-team-that-is-gone"
    for name in ("young", "old"):
        left.with_name(name).touch()
    os.utime(left.with_name("old"), (0, 0))
    sweeping.sweep()
    assert sender.offset() == len(model)
    PartialUpload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert is_refused(sender.end(), 404, "unknown_upload")
    sweeping.sweep()
    assert not PartialUpload.objects.exists()
    assert [path.name for path in partial_uploads.folder().iterdir()] == ["young"]


def test_a_bodys_size_is_checked_knowing_nobody(sender: Sender) -> None:
    sender.begin(3_000_000)
    sender.client = APIClient()
    for size in (3_000_001, 10**12):
        assert is_refused(sender.part(0, b"x", CONTENT_LENGTH=str(size)), 413, "too_large")
    asked = {"X-Unsent-Body": "2000000"}
    assert is_refused(sender.part(0, b"", headers=asked), 401, "not_authenticated")


def test_parts_have_a_limit_of_their_own(sender: Sender, monkeypatch: Any) -> None:
    monkeypatch.setattr(throttling.WriteThrottle, "rate", "2/min")
    monkeypatch.setattr(throttling.PartThrottle, "rate", "5/min")
    sender.begin(10)
    for at in range(5):
        assert sender.part(at, b"x").status_code == 204
    assert is_refused(sender.part(5, b"x"), 429, "throttled")


def test_a_form_names_an_upload_that_came_in_parts(
    sender: Sender, owner: User, rival: User, rivals: Team, model: bytes
) -> None:
    browser, other = Client(), Client()
    for client, person in ((browser, owner), (other, rival)):
        client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    page = "/competitions/waste/submit/"
    for body, fields, expected in (
        (model, {"act": ""}, lambda: Submission.objects.get().get_absolute_url()),
        (model, {"act": "try"}, lambda: Trial.objects.get().get_absolute_url()),
    ):
        sender.send(body, "trial" if fields["act"] else "")
        key = sender.address.rpartition("/")[2]
        others = other.post(page, {"upload": key, **fields}, headers={"HX-Request": "true"})
        assert others.status_code == 404, "a key alone is not enough"
        gone_to = browser.post(page, {"upload": key, "note": "parts", **fields}).headers["Location"]
        assert gone_to == expected()
    assert Submission.objects.get().door == "web"
    sender.send(b"no model")
    sent = {"upload": sender.address.rpartition("/")[2], "note": ""}
    for status, words in ((400, "none of the accepted formats"), (404, "Send the file again")):
        told = browser.post(page, sent, headers={"HX-Request": "true"})
        assert told.status_code == status
        assert words in text(told)
