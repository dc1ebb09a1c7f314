"""The demo starts a killed process again, as compose would."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest
from rich.console import Console

from leaderboard.demo.processes import DemoProcesses


class Enough(Exception): ...


def test_a_killed_process_is_started_again_and_the_others_are_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console(file=io.StringIO(), width=100)
    rounds = iter(range(3))

    def sleep(seconds: float) -> None:
        if next(rounds, None) is None:
            raise Enough

    processes = DemoProcesses(tmp_path)
    try:
        for name in ("web", "worker"):
            processes.start(name, "-c", "import time; print('here', flush=True); time.sleep(60)")
        before = dict(processes.running)
        before["worker"].kill()
        before["worker"].wait()
        with monkeypatch.context() as patched:
            patched.setattr(time, "sleep", sleep)
            with pytest.raises(Enough):
                processes.keep(console)
        assert processes.running["web"] is before["web"]
        assert processes.running["worker"] is not before["worker"]
        assert processes.running["worker"].poll() is None
        said = console.file.getvalue()
        assert said == "The worker process ended (-9); it is started again.\n"
    finally:
        processes.stop()
