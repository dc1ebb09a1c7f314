"""An ONNX file goes through the service of uploads: stored, known by its content, or refused."""

from __future__ import annotations

import pytest
from django.core.files.base import ContentFile

from leaderboard.errors import BadModel
from leaderboard.models import Submission, Team, User
from leaderboard.services import submissions
from scoring.formats.onnx import writing
from scoring.formats.onnx.writing import attribute, field, floats, node, tensor, value

TAKES, GIVES = value("x", ("n", 3, 8, 8)), [value("y", ("n", 3))]
NODES = [node("Flatten", ["x"], ["f"]), node("Gemm", ["f", "w"], ["y"], attribute("transB", 1))]


def file(weights: bytes, more: bytes = b"") -> bytes:
    return writing.model(writing.graph(NODES, [weights], takes=TAKES, gives=GIVES), more=more)


def send(team: Team, by: User, data: bytes, name: str = "model.onnx") -> submissions.Receipt:
    upload = ContentFile(data, name=name)
    return submissions.submit(
        competition=team.competition, team=team, upload=upload, by=by, door="api"
    )


@pytest.mark.django_db
def test_it_is_known_by_its_content_whatever_its_name_and_metadata(team: Team, owner: User) -> None:
    data = file(tensor("w", (3, 192), floats(*range(576))))
    receipt = send(team, owner, data, "model.pt")
    assert receipt.submission.static["format"] == "onnx"
    assert receipt.submission.static["operators"] == ["Flatten", "Gemm"]
    author = field(14, writing.entry("author", "somebody"))
    again = send(team, owner, file(tensor("w", (3, 192), floats(*range(576))), author))
    assert not again.is_new
    assert again.submission == receipt.submission


@pytest.mark.django_db
def test_external_data_is_refused_and_nothing_is_stored(team: Team, owner: User) -> None:
    with pytest.raises(BadModel) as refusal:
        send(team, owner, file(writing.external("w", (3, 192), "model.onnx.data")))
    assert refusal.value.code == "external_data"
    assert "external_data=False" in str(refusal.value)
    assert not Submission.objects.exists()
