"""Lines of the log, plain and as JSON, have the id of the request, on the worker, too."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

import scoring
from leaderboard import logs
from leaderboard.models import Evaluation, Team, User
from leaderboard.services import running
from tests.leaderboard.conftest import report

pytestmark = pytest.mark.django_db
GIVEN = "0123456789abcdef"


@pytest.fixture
def written() -> Iterator[StringIO]:
    """What the site would write as JSON."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.Json())
    root = logging.getLogger()
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


def test_from_the_upload_to_the_result(
    team: Team,
    owner: User,
    model: bytes,
    client: Client,
    written: StringIO,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scoring, "evaluate", lambda *_, **__: report(time_ratio=0.5))
    client.force_login(owner)
    answer = client.post(
        "/competitions/waste/submit/",
        {"file": SimpleUploadedFile("model.pt", model)},
        headers={"X-Request-ID": GIVEN},
    )
    assert answer["X-Request-ID"] == GIVEN
    evaluation = Evaluation.objects.get(team=team)
    assert evaluation.request_id == GIVEN
    assert running.run_next("cpu") == evaluation
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    ours = [line for line in lines if line.get("request") == GIVEN]
    assert {line["logger"] for line in ours} >= {
        "leaderboard.services.queueing",
        "leaderboard.services.running",
    }
    assert [line["evaluation"] for line in ours if "takes attempt" in line["event"]] == [
        evaluation.pk
    ]
    assert all(line["level"] and line["timestamp"] for line in ours)
    assert logs.current_id() == "", "nothing stays with the thread"


def test_an_id_that_is_none_is_replaced_and_codes_stay_out(
    client: Client, written: StringIO
) -> None:
    for wrong in ("", "x", "a b\nc" * 3, "<script>alert(1)</script>"):
        answer = client.get("/invitations/a-Secret_Code/x", headers={"X-Request-ID": wrong})
        assert logs.GIVEN.fullmatch(answer["X-Request-ID"])
        assert answer["X-Request-ID"] != wrong
    assert "invitations/-" in written.getvalue()
    assert "Secret" not in written.getvalue()


def test_a_plain_line_has_it_at_its_end() -> None:
    line: Any = logging.LogRecord("a", logging.INFO, "p", 1, "Said.", (), None)
    formatter: Callable[..., str] = logs.WithoutCodes("{message}", style="{").format
    with logs.working_for(request="1234"):
        assert formatter(line) == "Said. [request=1234]"
    assert formatter(line) == "Said."
