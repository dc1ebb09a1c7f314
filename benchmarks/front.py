"""Readers beside slow clients and beside uploaders, with front and gunicorn as compose has them.

python -m benchmarks.front                      # both; needs nginx python -m benchmarks.front
--uploaders 50 --megabytes 5
"""

from __future__ import annotations

import argparse
import io
import os
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml

from benchmarks import tables
from leaderboard import embedded

ROOT = Path(__file__).resolve().parents[1]
READERS = 20


@dataclass(frozen=True)
class Site:
    """Addresses and folders of the front and of the processes behind it."""

    front: str
    web: str
    log: Path
    """The front's access log."""
    spool: Path
    """Where the front keeps what is on its way."""


# The site, as docker-compose.yml runs it


@contextmanager
def running(folder: Path, environment: dict[str, str]) -> Iterator[Site]:
    """The front of docs/front over both web processes of the compose file; stopped at the end."""
    ports = {name: free_port() for name in ("front", "web", "uploads")}
    with ExitStack() as stack:
        for name in ("web", "uploads"):
            stack.enter_context(started(command(name, ports[name]), environment, folder / name))
        configuration = configured(folder, ports)
        nginx = ["nginx", "-c", str(configuration), "-g", "daemon off;"]
        stack.enter_context(started(nginx, dict(os.environ), folder / "nginx"))
        for port in ports.values():
            wait_until_it_listens(port)
            httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=300)  # everything is loaded now
        addresses = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        log, spool = folder / "access.log", folder / "spool"
        yield Site(addresses["front"], addresses["web"], log, spool)


def command(name: str, port: int) -> list[str]:
    """A service's command, with the defaults of its variables in place."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    words = [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", word) for word in services[name]["command"]]
    words = [word.replace("0.0.0.0:8000", f"127.0.0.1:{port}") for word in words]
    at = words.index("gunicorn")
    return [*words[:at], sys.executable, "-m", *words[at:]]


def configured(folder: Path, ports: dict[str, int]) -> Path:
    """The front's configuration with addresses and paths of this machine; nothing else differs."""
    (folder / "spool").mkdir(parents=True, exist_ok=True)
    text = (ROOT / "docs/front/nginx.conf").read_text()
    for theirs, ours in (
        ("/tmp/", f"{folder}/"),  # noqa: S108
        ("listen 8080;", f"listen 127.0.0.1:{ports['front']};"),
        ("server web:8000;", f"server 127.0.0.1:{ports['web']};"),
        ("server uploads:8000;", f"server 127.0.0.1:{ports['uploads']};"),
        ("/etc/nginx/", f"{ROOT}/docs/front/"),
        (f"{ROOT}/docs/front/tls.conf*", f"{folder}/tls.conf*"),
        ("/spool", str(folder / "spool")),
        ("/dev/stdout", str(folder / "access.log")),
        ("error_log stderr", f"error_log {folder}/error.log"),
    ):
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    if os.geteuid() == 0:  # the folder is ours alone
        text = f"user root;\n{text}"
    path = folder / "nginx.conf"
    path.write_text(text)
    return path


@contextmanager
def started(words: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    with log.with_suffix(".log").open("wb") as said:
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=said, stderr=said)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    with socket.socket() as finder:
        finder.bind(("127.0.0.1", 0))
        return int(finder.getsockname()[1])


def wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"Nobody listens at {port}.")


# Slow clients


@contextmanager
def slow_clients(address: str, path: str, count: int) -> Iterator[None]:
    """Connections that stay idle, in a header, in a body, and after an answer, in equal parts."""
    host, port = address.removeprefix("http://").split(":")
    half_header = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
    half_body = (
        "POST /accounts/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\nlogin="
    )
    whole = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    beginnings = ["", half_header, half_body, whole]
    with ExitStack() as stack:
        connections = []
        for number in range(count):
            one = stack.enter_context(closing(socket.create_connection((host, int(port)))))
            one.sendall(beginnings[number % len(beginnings)].encode())
            connections.append(one)
        done = threading.Event()

        def drip() -> None:
            """One byte now and then keeps a connection from being timed out between two."""
            while not done.wait(3):
                for number, one in enumerate(connections):
                    if number % len(beginnings) in (1, 2):
                        try:
                            one.sendall(b"x")
                        except OSError:
                            continue

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


# Readers


def read(address: str, seconds: float, readers: int = READERS) -> list[float]:
    """Seconds of each page that so many readers got, one after the other; inf if none came."""
    took: list[float] = []
    over = threading.Event()

    def one(client: httpx.Client) -> None:
        while True:
            began = time.perf_counter()
            try:
                good = client.get(address).status_code == 200
            except httpx.HTTPError:
                good = False
            took.append(time.perf_counter() - began if good else float("inf"))
            if over.wait(1):
                return

    with httpx.Client(timeout=10, limits=httpx.Limits()) as client:
        threads = [threading.Thread(target=one, args=[client]) for _ in range(readers)]
        for each in threads:
            each.start()
        time.sleep(seconds)
        over.set()
        for each in threads:
            each.join()
    return took


# Uploaders


def model_of(megabytes: float) -> Callable[[], bytes]:
    """Archives that the gate takes, each different: a small network, and constants that fill it."""
    import torch

    class Padded(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 5)
            self.padding = torch.nn.Parameter(torch.randn(int(megabytes * 250_000)))

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.layer(images.mean([2, 3])) + self.padding[:5]

    target = io.BytesIO()
    torch.jit.save(torch.jit.script(Padded().eval()), target)
    plain = target.getvalue()

    def another() -> bytes:
        """The same archive with other weights. The checksums of the zip are made right again."""
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(out, "w") as new:
            for info in old.infolist():
                data = old.read(info)
                if re.search(r"/data/\d+$", info.filename) and len(data) > 1000:
                    data = secrets.token_bytes(64) + data[64:]
                new.writestr(zipfile.ZipInfo(info.filename), data)
        return out.getvalue()

    return another


@contextmanager
def uploaders(
    address: str, tokens: list[str], another: Callable[[], bytes]
) -> Iterator[dict[int, int]]:
    """Each sends one model after the other; yields how often each status came."""
    statuses: dict[int, int] = {}
    over = threading.Event()

    def send(token: str) -> None:
        headers = {"Authorization": f"Token {token}"}
        with httpx.Client(headers=headers, timeout=300) as client:
            while not over.is_set():
                try:
                    status = client.post(address, files={"file": ("m.pt", another())}).status_code
                except httpx.HTTPError:
                    status = 0
                statuses[status] = statuses.get(status, 0) + 1

    threads = [threading.Thread(target=send, args=[token], daemon=True) for token in tokens]
    for one in threads:
        one.start()
    try:
        yield statuses
    finally:
        over.set()
        for one in threads:
            one.join()


# The table


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.front", description=__doc__)
    parser.add_argument("--slow", type=int, default=200, help="slow clients (200)")
    parser.add_argument("--uploaders", type=int, default=50, help="at the same moment (50)")
    parser.add_argument("--megabytes", type=float, default=5, help="of each model (5)")
    parser.add_argument("--seconds", type=float, default=20, help="of each row (20)")
    parser.add_argument("--submissions", type=int, default=1000, help="in the database (1000)")
    options = parser.parse_args()
    if not shutil.which("nginx"):
        sys.exit("nginx is not installed: apt-get install nginx-light")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="featherweight-")))
        servers = stack.enter_context(embedded.running())
        os.environ |= {
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "DEBUG": "0",
            "SECRET_KEY": secrets.token_hex(),
            "FILES_DIR": str(folder / "files"),
            "STATIC_ROOT": str(folder / "static"),
            "STATEMENT_SECONDS": "30",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "leaderboard.settings",
        }
        keys = filled(options.submissions, options.uploaders)
        site = stack.enter_context(running(folder, dict(os.environ)))
        rows = list(measured(site, options, keys))
    print(tables.machine_line())
    head = ("beside", "pages", "lost", "p50", "p95", "slowest", "")
    tables.show(head, [cells(*row) for row in rows])


def filled(submissions: int, uploaders: int) -> list[str]:
    """A competition with that many submissions; the API tokens of so many of its members."""
    import django

    django.setup()
    from django.core.management import call_command

    from benchmarks.scale import world
    from leaderboard.models import User
    from leaderboard.services import tokens

    made = world.fill(submissions, kilobytes=23, queued=0, busy=0)
    made.competition.submissions_per_day = 32_000
    made.competition.save()
    call_command("collectstatic", interactive=False, verbosity=0)
    members = User.objects.exclude(memberships=None).order_by("pk")[:uploaders]
    return [tokens.issue(user=one, name="benchmark")[1] for one in members]


def measured(
    site: Site, options: argparse.Namespace, keys: list[str]
) -> Iterator[tuple[str, list[float], str]]:
    board = "/competitions/scale/boards/public/"
    read(site.front + board, 2)
    yield "nobody", read(site.front + board, options.seconds), ""
    with slow_clients(site.front, board, options.slow):
        yield f"{options.slow} slow clients", read(site.front + board, options.seconds), ""
    with slow_clients(site.web, board, options.slow):
        said = "without the front"
        yield f"{options.slow} slow clients", read(site.web + board, options.seconds), said
    send = f"{site.front}/api/v2/competitions/scale/submissions"
    with uploaders(send, keys, model_of(options.megabytes)) as statuses:
        time.sleep(3)
        took = read(site.front + board, options.seconds)
        said = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    yield f"{len(keys)} uploaders of {options.megabytes:g} MB", took, f"uploads: {said}"


def cells(beside: str, took: list[float], said: str) -> tuple[str, ...]:
    came = sorted(one for one in took if one < float("inf"))
    if not came:
        return beside, "0", str(len(took)), "-", "-", "-", said
    p95 = came[min(len(came) - 1, int(len(came) * 0.95))]
    figures = [f"{1000 * one:.0f} ms" for one in (statistics.median(came), p95, came[-1])]
    return beside, str(len(came)), str(len(took) - len(came)), *figures, said


if __name__ == "__main__":
    main()
