"""The web server and the workers that the demo runs beside itself."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from django.core.management import call_command
from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
RESTART_SECONDS = 2.0
"""Seconds until an ended process is started again."""


class DemoProcesses:
    """The processes that the demo runs beside itself. Each logs to its own file."""

    def __init__(self, logs: Path) -> None:
        self.logs = logs
        self.commands: dict[str, tuple[str, ...]] = {}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str) -> None:
        self.commands[name] = command
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raises `SystemExit` with the log of a process that ended."""
        for name, process in self.running.items():
            if process.poll() is not None:
                log = (self.logs / f"{name}.log").read_text(errors="replace")
                raise SystemExit(f"The demo's {name} process ended:\n{log[-2000:]}")

    def keep(self, console: Console) -> NoReturn:
        """Start ended processes again, as compose does."""
        while True:
            time.sleep(RESTART_SECONDS)
            for name, process in list(self.running.items()):
                if (code := process.poll()) is not None:
                    console.print(f"The {name} process ended ({code}); it is started again.")
                    self.start(name, *self.commands[name])

    def stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def running(arguments: argparse.Namespace, folder: Path) -> Iterator[DemoProcesses]:
    """Start the web server and yield the processes, to which workers are added; stop all at the
    end."""
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    started = DemoProcesses(folder / "logs")
    try:
        bind = f"127.0.0.1:{arguments.port}"
        web = ("-m", "gunicorn", "leaderboard.wsgi", "--bind", bind, "--threads", "8")
        started.start("web", *web, "--no-control-socket")
        yield started
    finally:
        started.stop()
