"""Every upload that cannot be taken is answered by a stable code, and stores nothing."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from datetime import timedelta

import pytest
import torch
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from rest_framework.test import APIClient

from leaderboard.models import ApiToken, Competition, Submission, Team, User
from leaderboard.services import competitions, tokens
from tests.leaderboard.api.conftest import API, Upload

pytestmark = pytest.mark.django_db


def zipped(name: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(name, "hello")
    return target.getvalue()


def state_dict() -> bytes:
    target = io.BytesIO()
    torch.save(torch.nn.Linear(3, 3).state_dict(), target)
    return target.getvalue()


BAD = {
    "not_a_zip": lambda model: b"MZ" + bytes(1000),
    "truncated_zip": lambda model: model[: len(model) // 2],
    "python_pickle": lambda model: pickle.dumps({"weights": [1, 2, 3]}),
    "state_dict": lambda model: state_dict(),
    "empty_file": lambda model: b"",
    "not_torchscript": lambda model: zipped("readme/hello.txt"),
}


@pytest.mark.parametrize("code", BAD)
def test_a_file_that_is_no_model(team: Team, upload: Upload, model: bytes, code: str) -> None:
    answer = upload(BAD[code](model))
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["detail"]
    assert not Submission.objects.exists()


def test_a_declaration_that_is_out_of_bounds(
    team: Team, upload: Upload, make_model: Callable[..., bytes]
) -> None:
    answer = upload(make_model(extra={"featherweight.json": '{"input_size": [3, 9999, 9999]}'}))
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_declaration")


def test_a_declaration_of_what_is_not_honoured(
    team: Team, upload: Upload, make_model: Callable[..., bytes]
) -> None:
    answer = upload(make_model(extra={"featherweight.json": '{"crop_border_pixels": 4}'}))
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_declaration")
    assert "'crop_border_pixels' has no effect here" in answer.json()["detail"]
    assert not Submission.objects.exists()


def test_a_declaration_is_taken_as_it_is(
    team: Team, upload: Upload, make_model: Callable[..., bytes]
) -> None:
    declared = '{"crop_pct": 0.8751234, "crop_mode": "border", "interpolation": "box"}'
    assert upload(make_model(extra={"featherweight.json": declared})).status_code == 201
    fed = Submission.objects.get().static["input"]
    assert (fed["crop_pct"], fed["crop_mode"], fed["interpolation"]) == (0.8751234, "border", "box")


@pytest.mark.parametrize("excess", [1, 2 << 20])
def test_a_file_that_is_too_large(team: Team, upload: Upload, model: bytes, excess: int) -> None:
    Competition.objects.update(max_upload_bytes=len(model))
    answer = upload(model + bytes(excess))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_form_without_a_file(team: Team, client: APIClient) -> None:
    answer = client.post(f"{API}/competitions/waste/submissions", {"note": "forgotten"})
    body = answer.json()
    assert (answer.status_code, body["code"]) == (400, "invalid")
    assert list(body["fields"]) == ["file"]


def test_an_idempotency_key_that_is_too_long(team: Team, upload: Upload, model: bytes) -> None:
    body = upload(model, key="k" * 201).json()
    assert (body["code"], list(body["fields"])) == ("invalid", ["idempotency_key"])


def test_a_competition_that_is_closed(
    team: Team, upload: Upload, model: bytes, organizer: User
) -> None:
    competitions.close(competition=team.competition, by=organizer)
    answer = upload(model)
    assert (answer.status_code, answer.json()["code"]) == (409, "competition_not_open")


def test_a_pause_is_told_with_its_message(
    team: Team, upload: Upload, model: bytes, organizer: User
) -> None:
    competitions.pause(competition=team.competition, message="new worker comes", by=organizer)
    body = upload(model).json()
    assert body["code"] == "competition_not_open"
    assert "new worker comes" in body["detail"]


def test_a_person_without_a_team(team: Team, upload: Upload, outsider: User, model: bytes) -> None:
    answer = upload(model, by=outsider)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_a_member")
    assert "Create or join a team" in answer.json()["detail"]


def test_the_quota_is_used(team: Team, upload: Upload, make_model: Callable[..., bytes]) -> None:
    Competition.objects.update(submissions_per_day=1)
    assert upload(make_model(1)).status_code == 201
    answer = upload(make_model(2))
    assert (answer.status_code, answer.json()["code"]) == (403, "quota_exceeded")
    assert "1 of 1" in answer.json()["detail"]
    assert upload(make_model(1)).status_code == 200  # the same again costs nothing


class TestToken:
    def post(self, model: bytes, header: str) -> tuple[int, dict[str, str]]:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=header)
        form = {"file": SimpleUploadedFile("model.pt", model)}
        answer = client.post(f"{API}/competitions/waste/submissions", form)
        assert answer["WWW-Authenticate"] == "Token"
        return answer.status_code, answer.json()

    @pytest.mark.parametrize("secret", ["fw_0123456789abcdef", "x", "fw_ümlaut"])
    def test_unknown(self, team: Team, model: bytes, secret: str) -> None:
        status, body = self.post(model, f"Token {secret}")
        assert (status, body["code"]) == (401, "unknown_token")
        assert "profile page" in body["detail"]

    def test_expired_is_told_apart_and_kept(self, team: Team, owner: User, model: bytes) -> None:
        token, secret = tokens.issue(user=owner, name="old CI")
        ApiToken.objects.filter(pk=token.pk).update(expiry=timezone.now() - timedelta(days=1))
        for _ in range(2):
            status, body = self.post(model, f"Token {secret}")
            assert (status, body["code"]) == (401, "expired_token")
            assert "old CI" in body["detail"]

    def test_revoked(self, team: Team, owner: User, model: bytes) -> None:
        token, secret = tokens.issue(user=owner, name="old CI")
        tokens.revoke(user=owner, token_key=token.token_key, by=owner)
        assert self.post(model, f"Token {secret}")[1]["code"] == "unknown_token"

    def test_of_an_account_that_is_switched_off(
        self, team: Team, owner: User, model: bytes
    ) -> None:
        _, secret = tokens.issue(user=owner, name="CI")
        User.objects.filter(pk=owner.pk).update(is_active=False)
        assert self.post(model, f"Token {secret}")[1]["code"] == "inactive_account"

    @pytest.mark.parametrize("header", ["Token", "Token two words", ""])
    def test_missing_or_malformed(self, team: Team, model: bytes, header: str) -> None:
        status, body = self.post(model, header)
        assert status == 401
        assert body["code"] in ("authentication_failed", "not_authenticated")
