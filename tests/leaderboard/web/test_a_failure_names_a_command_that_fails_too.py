"""The advice beside a failure is a command that a team can run, and that fails for that file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from django.utils.html import strip_tags

from leaderboard.models import Competition, Submission, Team, User
from leaderboard.services import commands
from scoring.__main__ import parser
from scoring.commands import options as given
from scoring.commands import trying
from tests.leaderboard.conftest import failure, finish
from tests.leaderboard.web.conftest import text


def failed(submission: Submission, code: str) -> Submission:
    finish(submission.latest_evaluation, failure(code, "It failed."))
    return Submission.objects.get(pk=submission.pk)


@pytest.mark.parametrize(
    ("code", "command"),
    [
        ("wrong_input", "python -m scoring try model0.pt --data waste-sample.zip --input-size 24"),
        ("answers_change", "python -m scoring try model0.pt --data waste-sample.zip"),
        ("bad_declaration", "featherweight check model0.pt --competition waste"),
        ("time_unstable", ""),
        ("too_slow", ""),
    ],
)
def test_a_page_names_what_fails_at_home_where_something_does(
    see: Any, submit: Any, team: Team, owner: User, code: str, command: str
) -> None:
    submission = failed(submit(team), code)
    page = text(see(owner, submission.get_absolute_url()))
    assert "It failed." in page
    assert ("same file fails in the same way on your machine" in page) is bool(command)
    assert command in strip_tags(page)


def test_the_command_gives_the_competitions_input_and_limits(
    competition: Competition, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("-odd 'name'.pt", "waste-sample.zip"):
        (tmp_path / name).write_bytes(b"")
    Competition.objects.update(
        input_width=32,
        batch_size=2,
        mean=[0.5, 0.25, 0.125],
        std=[0.2, 0.3, 0.4],
        interpolation="bicubic",
        crop_pct=0.875,
        crop_mode="squash",
        call_seconds=3.5,
        memory_bytes=(1 << 30) + 1,
        output_bytes=4096,
        metric="balanced_accuracy",
    )
    changed = Competition.objects.get()
    words = shlex.split(commands.trying(changed, "-odd 'name'.pt"))
    assert words[:3] == ["python", "-m", "scoring"]
    monkeypatch.chdir(tmp_path)
    options = parser().parse_args(words[3:])
    assert options.command is trying.run
    assert options.model == Path("./-odd 'name'.pt")
    assert given.input_of(options) == changed.input_spec()
    assert given.limits_of(options) == changed.limits()
    assert options.metric == "balanced_accuracy"


def test_the_command_names_no_metric_where_it_is_the_default(competition: Competition) -> None:
    assert "--metric" not in commands.trying(competition)


def test_the_pages_before_an_upload_name_both(
    see: Any, team: Team, owner: User, competition: Competition
) -> None:
    upload = strip_tags(text(see(owner, "/competitions/waste/submit/")))
    assert "featherweight check model.pt --competition waste" in upload
    assert "python -m scoring try model.pt --data waste-sample.zip --input-size 24" in upload
    assert "python -m scoring try model.pt --data waste-sample.zip" in strip_tags(
        text(see(None, "/competitions/waste/data/"))
    )
