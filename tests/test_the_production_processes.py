"""The commands of docker-compose.yml run as they are, on servers of their own, without DEBUG."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from leaderboard import embedded

ROOT = Path(__file__).parent.parent
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
PATIENCE = 300


def test_web_worker_and_beat_start_and_say_that_they_are_well(tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = stack.enter_context(embedded.running())
        environment = {
            name: value
            for name, value in os.environ.items()
            if name not in ("DEBUG", "DJANGO_SETTINGS_MODULE")
        } | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SECRET_KEY": "only-for-this-test",
            "SITE_URL": "https://featherweight.example",
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "FILES_DIR": str(tmp_path / "files"),
            "CACHE_DIR": str(tmp_path / "cache"),
            "STATIC_ROOT": str(tmp_path / "static"),
        }
        port = free_port()
        manage = [sys.executable, "manage.py"]
        for command in (["migrate"], ["collectstatic"], ["check", "--deploy"]):
            options = [] if command[0] == "check" else ["--noinput", "--verbosity=0"]
            subprocess.run([*manage, *command, *options], cwd=ROOT, env=environment, check=True)
        web = [word.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in told("web")]
        stack.enter_context(started(web, environment))
        for name in ("worker", "beat", "post"):
            command = [word.replace("/tmp", str(tmp_path)) for word in told(name)]  # noqa: S108
            stack.enter_context(started([*command, "-n", f"{name}@here"], environment))

        assert eventually(lambda: urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).status)
        here = "worker@here,beat@here,post@here"
        ping = ["celery", "-A", "leaderboard", "inspect", "--timeout", "10", "--destination", here]
        assert eventually(partial(all_three_answer, [*ping, "--json", "ping"], environment))


def all_three_answer(command: list[str], environment: dict[str, str]) -> bool:
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return len(json.loads(done.stdout)) == 3


def told(name: str) -> list[str]:
    """A service's command, with the defaults of its variables in place."""
    return [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", word) for word in SERVICES[name]["command"]]


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def eventually(question: Callable[[], object]) -> bool:
    """Ask again and again until there is an answer instead of an error."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if question():
                return True
        except (OSError, subprocess.CalledProcessError):
            pass
        time.sleep(0.5)
    pytest.fail("no answer")


def free_port() -> int:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        return int(finder.getsockname()[1])


def test_what_stays_for_ever_is_never_collected() -> None:
    say = "import leaderboard.wsgi, gc, sys; print(gc.get_freeze_count(), *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", say], cwd=ROOT, capture_output=True, text=True, check=True
    )
    frozen, *modules = done.stdout.split()
    assert int(frozen) > 50_000
    assert "leaderboard.web.boards" in modules
