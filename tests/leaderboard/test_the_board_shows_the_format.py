"""The format and the number type of a model stand on the board, in its CSV and in the API."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import submissions
from scoring import formats
from tests.leaderboard.api.conftest import API, client_of
from tests.leaderboard.conftest import finish, report
from tests.leaderboard.test_an_onnx_file_is_an_upload_like_any_other import file
from tests.leaderboard.test_an_onnx_file_is_an_upload_like_any_other import floats as numbers
from tests.leaderboard.test_an_onnx_file_is_an_upload_like_any_other import tensor as weights

pytestmark = pytest.mark.django_db
CELL = '">{} <span class="half-width">float32</span></td>'


@pytest.fixture
def onnx(team: Team, owner: User) -> Submission:
    """A scored ONNX model of the team."""
    data = file(weights("w", (3, 192), numbers(*range(576))))
    sent = submissions.submit(
        competition=team.competition,
        team=team,
        upload=ContentFile(data, name="model.onnx"),
        by=owner,
        door="web",
    ).submission
    finish(sent.latest_evaluation, report(time_ratio=0.5))
    return sent


def test_the_board_and_my_submissions_have_a_column(
    onnx: Submission, rivals: Team, scored: Callable[..., Submission], owner: User
) -> None:
    scored(rivals, seed=2)
    client = Client()
    client.force_login(owner)
    board = client.get(reverse("board", args=["waste", "public"])).content.decode()
    assert board.count(CELL.format("ONNX")) == 1
    assert board.count(CELL.format("TorchScript")) == 2  # the rivals' and the reference
    mine = client.get(reverse("submissions", args=["waste"])).content.decode()
    assert mine.count(CELL.format("ONNX")) == 1


def test_programs_read_it_too(onnx: Submission, owner: User) -> None:
    client = client_of(owner)
    address = f"{API}/competitions/waste/boards/public"
    expected = ("onnx", "float32")
    (row,) = client.get(address).json()["results"]
    assert (row["format"], row["number_type"]) == expected
    body = client.get(f"{address}.csv").getvalue().decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(body, newline=""))
    assert (line["format"], line["number_type"]) == expected
    one = client.get(f"{API}/submissions/{onnx.pk}").json()
    assert (one["format"], one["number_type"]) == expected


def test_the_overview_names_the_format_of_the_reference(competition: Competition) -> None:
    page = Client().get(reverse("competition", args=["waste"])).content.decode()
    assert "ResNet18-D, TorchScript<br>" in " ".join(page.split())
    assert "Time ratios are relative to this model." in page


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (["float32", "int64"], "float32"),
        (["float32", "int32", "int8", "uint8"], "int8"),
        (["float32", "qint8"], "int8"),
        (["bfloat16", "float32"], "bfloat16"),
        (["float16", "float32"], "float16"),
        (["float64"], "float64"),
        (["float8_e5m2"], "float8_e5m2"),
        ([], ""),
    ],
)
def test_the_narrowest_type_of_the_weights_counts(dtypes: list[str], expected: str) -> None:
    assert formats.number_type(dtypes) == expected
