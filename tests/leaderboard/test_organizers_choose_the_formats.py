"""A competition takes the formats that its organizers chose, and every door says which."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import submissions
from tests.leaderboard.admin.test_an_organizer_runs_a_competition import change, text
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.test_an_onnx_file_is_an_upload_like_any_other import file
from tests.leaderboard.test_an_onnx_file_is_an_upload_like_any_other import floats as numbers
from tests.leaderboard.test_an_onnx_file_is_an_upload_like_any_other import tensor as weights

pytestmark = pytest.mark.django_db
BOTH = ["torchscript", "onnx"]


@pytest.fixture
def panel(organizer: User) -> Client:
    client = Client()
    client.force_login(organizer)
    return client


@pytest.fixture
def onnx() -> bytes:
    return file(weights("w", (3, 192), numbers(*range(576))))


def take(competition: Competition, *names: str) -> None:
    Competition.objects.filter(pk=competition.pk).update(formats=list(names))
    competition.refresh_from_db()


def send(by: User, data: bytes) -> Any:
    upload = {"file": SimpleUploadedFile("model.pt", data), "note": ""}
    return client_of(by).post(f"{API}/competitions/waste/submissions", upload)


def test_a_new_competition_takes_every_format(draft: Competition) -> None:
    assert draft.formats == BOTH


@pytest.mark.parametrize("formats", [[], ["pickle"], ["onnx", "onnx"], "onnx", None, [["onnx"]]])
def test_formats_are_names_of_the_table(draft: Competition, formats: Any) -> None:
    draft.formats = formats
    with pytest.raises(ValidationError) as refusal:
        draft.full_clean()
    assert "formats" in refusal.value.message_dict


@pytest.mark.parametrize("taken", BOTH)
def test_another_known_format_is_refused_by_name_and_uses_no_quota(
    team: Team, owner: User, model: bytes, onnx: bytes, taken: str
) -> None:
    take(team.competition, taken)
    files = {"torchscript": model, "onnx": onnx}
    other = next(name for name in BOTH if name != taken)
    answer = send(owner, files[other])
    assert (answer.status_code, answer.json()["code"]) == (400, "format_not_taken")
    title = {"torchscript": "TorchScript", "onnx": "ONNX"}[taken]
    assert f"accepts these formats: {title}." in answer.json()["detail"]
    assert not Submission.objects.exists()
    assert submissions.quota(team, team.competition).used == 0
    assert send(owner, files[taken]).status_code == 201


def test_it_is_refused_for_its_format_even_if_the_quota_is_used(
    team: Team, owner: User, onnx: bytes
) -> None:
    take(team.competition, "torchscript")
    Competition.objects.update(submissions_per_day=0)
    assert send(owner, onnx).json()["code"] == "format_not_taken"


def test_pages_and_the_api_say_what_is_taken(team: Team, owner: User) -> None:
    take(team.competition, "onnx")
    client = Client()
    client.force_login(owner)
    form = text(client.get(reverse("upload", args=["waste"])))
    assert 'accept=".onnx"' in form
    assert "Accepted: ONNX." in form
    for page in ("upload", "rules"):
        shown = text(client.get(reverse(page, args=["waste"])))
        assert "ONNX" in shown
        read = re.sub(r"<script.*?</script>", "", shown, flags=re.DOTALL)  # sentences in store
        assert "TorchScript" not in read
    assert "one of these formats: ONNX (" in text(client.get(reverse("data", args=["waste"])))
    assert client_of(owner).get(f"{API}/competitions/waste").json()["formats"] == ["onnx"]


def test_an_organizer_chooses_in_a_draft(panel: Client, draft: Competition) -> None:
    change(panel, draft, formats=["onnx"])
    assert draft.formats == ["onnx"]
    assert "This field is required" in text(change(panel, draft, formats=[]))
    assert draft.formats == ["onnx"]


def test_an_open_competition_may_take_one_more_and_keeps_each(
    panel: Client, competition: Competition, calibrated: Callable[[], bool]
) -> None:
    refused = change(panel, competition, formats=["onnx"])
    assert competition.formats == BOTH
    assert "You cannot remove one." in text(refused)
    take(competition, "torchscript")
    change(panel, competition, formats=BOTH)
    assert competition.formats == BOTH
    assert calibrated()


@pytest.fixture
def calibrated(competition: Competition) -> Callable[[], bool]:
    """Whether the competition still has its calibration."""
    return lambda: Competition.objects.get(pk=competition.pk).calibration is not None
