"""`manage.py check` warns of a weak sandbox. With --deploy, models try to break out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import scoring
from leaderboard import checks
from leaderboard.services import containment
from scoring.sentences import Sentence, say

ROOT = Path(__file__).parent.parent
ENGINE = scoring.EngineError


def manage(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "SECRET_KEY": "x" * 60} | variables,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.parametrize(
    ("finds", "code", "words"),
    [
        (ENGINE("sandbox_unavailable", say("It lacks landlock.")), "E001", "It lacks landlock."),
        (
            (say("A model can make files."), say("And more.")),
            "E002",
            "here. A model can make files. And more.",
        ),
        (ENGINE("sandbox_failed", say("It did not start.")), "E003", "It did not start."),
    ],
)
def test_what_is_found_is_an_error_with_a_stable_code(
    monkeypatch: pytest.MonkeyPatch, finds: Any, code: str, words: str
) -> None:
    def breaches(plan: Any) -> tuple[Sentence, ...]:
        if isinstance(finds, Exception):
            raise finds
        return tuple(finds)

    monkeypatch.setattr(containment, "breaches", breaches)
    (found,) = checks.the_sandbox_holds()
    assert (found.id, found.is_serious()) == (f"featherweight.{code}", True)
    assert words in found.msg


def test_a_sandbox_that_holds_is_not_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containment, "breaches", lambda plan: ())
    assert checks.the_sandbox_holds() == []


def test_without_torch_the_check_says_that_it_was_not_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(containment, "can_be_tried", lambda: False)
    (found,) = checks.the_sandbox_holds()
    assert (found.id, found.is_serious()) == ("featherweight.I001", False)


def test_the_command_really_tries() -> None:
    """The result depends on the machine. A model must have run in any case."""
    done = manage("check", "--deploy")
    assert "featherweight.I001" not in done.stderr
    assert done.returncode == ("featherweight.E" in done.stderr), done.stderr


def test_only_before_a_deployment() -> None:
    assert "featherweight" not in manage("check").stderr


def test_a_weak_sandbox_is_warned_of_at_every_command() -> None:
    done = manage("check", ALLOW_WEAK_SANDBOX="1")
    assert done.returncode == 0
    assert "featherweight.W001" in done.stderr
    assert "ALLOW_WEAK_SANDBOX is on" in done.stderr
