"""Models try to break out of the sandbox, so that an operator knows whether it holds here."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from scoring.__main__ import main
from scoring.errors import EngineError
from scoring.formats import torchscript
from scoring.formats.contract import Attempt
from scoring.job import Plan
from scoring.sandbox import processes, selftest
from scoring.sentences import say
from scoring.timing import turns


def test_nothing_gets_out() -> None:
    assert selftest.breaches(Plan()) == ()


def test_an_honest_model_in_it_tells_what_a_turn_costs_here() -> None:
    found = turns.measured(Plan())
    assert found.is_measured
    assert 0 < found.empty_seconds < 0.01
    assert 0 <= found.idle_seconds < 0.1


def test_the_command_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest"]) == 0
    assert "held" in capsys.readouterr().out


def test_every_attempt_succeeds_where_nothing_holds_it(tmp_path: Path) -> None:
    """Otherwise an attempt proves nothing. Each one runs in a plain process here."""
    program = (
        "import io, os, sys, torch; model = torch.jit.load(io.BytesIO(sys.stdin.buffer.read())); "
        "model(torch.ones(1, 3, 8, 8)); os._exit(0)"
    )
    with selftest.baits() as (secret, victim):
        for attempt in torchscript.FORMAT.attempts(secret, victim, is_gpu=False):
            before = selftest.snapshot(victim)
            done = subprocess.run(
                [sys.executable, "-c", program], input=attempt.archive, check=False
            )
            if attempt.leaves_traces:
                assert selftest.snapshot(victim) != before, attempt.gain
            else:
                assert done.returncode == 0, attempt.gain


def test_a_breach_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Attempt(say("A model can do what it may."), torchscript.FORMAT.honest())
    monkeypatch.setattr(torchscript.FORMAT, "attempts", lambda *_, **__: [honest])
    assert selftest.breaches(Plan()) == (honest.gain,)
    assert main(["selftest", "--json"]) == 1


@pytest.mark.parametrize(
    ("landlock", "is_filtered", "words"),
    [(0, True, "CONFIG_SECURITY_LANDLOCK"), (7, False, "CONFIG_SECCOMP_FILTER")],
)
def test_a_missing_layer_is_named(landlock: int, is_filtered: bool, words: str) -> None:
    with pytest.raises(EngineError, match=words) as error:
        processes.refuse_weakness(landlock, is_filtered)
    assert error.value.code == "sandbox_unavailable"


def test_an_archive_made_by_hand_is_one_that_torch_loads() -> None:
    import torch

    model = torch.jit.load(io.BytesIO(torchscript.FORMAT.honest()))
    assert model(torch.ones(1, 3, 8, 8)).shape == (1, 2)
