"""Prepare a folder, a database and processes for the demo, then run its story."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django
from rich.console import Console

from leaderboard import embedded
from leaderboard.demo import fashion, processes


def main() -> int:
    arguments = parse()
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with environment(arguments) as folder:
            from leaderboard.demo import story  # whose models need the settings

            with processes.running(arguments, folder) as started:
                passed = story.tell(arguments, folder, console, started)
                if not arguments.check:
                    console.print("\nServing until Ctrl-C.")
                    started.keep(console)
                return 0 if passed else 1
    except KeyboardInterrupt:
        console.print("\nStopped. The next demo starts anew.")
        return 0
    except fashion.NoDatasetError as error:
        console.print(f"[red]no_dataset:[/] {error}")
        return 1
    except embedded.NoServerError as error:
        console.print(f"[red]no_server:[/] {error}")
        return 1


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m leaderboard.demo",
        description="Run a whole competition here: real images, a reference model and those of "
        "eleven teams trained now, uploads by API and web form, a worker, both boards. Each run "
        "starts anew.",
        epilog="With --check three teams take part, and the exit code is 0 only if every "
        "submission was scored, both boards hold every team, and no participant could see the "
        "private board before publication.",
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="images, class by folder, as a zip or folder; fashion: those of Debian's package "
        "dataset-fashion-mnist",
    )
    parser.add_argument("--full", action="store_true", help="PostgreSQL, Valkey, Celery and beat")
    parser.add_argument("--check", action="store_true", help="end when the boards are printed")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument(
        "--folder", type=Path, default=Path(".demo"), help="thrown away and made anew"
    )
    arguments = parser.parse_args()
    if arguments.data not in (None, fashion.NAME) and not arguments.data.exists():
        parser.error(f"there is no {arguments.data}; name a zip or folder of class folders")
    if not is_free(arguments.port):
        if not arguments.check:
            parser.error(f"port {arguments.port} is in use; choose another with PORT=… or --port")
        arguments.port = any_free_port()
    return arguments


@contextmanager
def environment(arguments: argparse.Namespace) -> Iterator[Path]:
    """The settings of the demo, for this process and all processes that it starts."""
    folder = arguments.folder.resolve()
    if folder.exists() and not (folder / "demo").exists():
        raise SystemExit(f"{folder} exists and is not a demo's folder; choose another.")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "logs").mkdir(parents=True)
    (folder / "demo").touch()
    os.environ.update(
        DJANGO_SETTINGS_MODULE="leaderboard.settings",
        DEBUG="0",
        SECRET_KEY=secrets.token_urlsafe(40),
        SITE_URL=f"http://127.0.0.1:{arguments.port}",
        DATABASE_URL=f"sqlite:///{folder}/db.sqlite3",
        REDIS_URL="",
        EMAIL_URL="",
        # All models here are the demo's own. If the kernel lacks a layer, the demo says so.
        ALLOW_WEAK_SANDBOX="1",
        FILES_DIR=str(folder / "files"),
        CACHE_DIR=str(folder / "cache"),
        STATIC_ROOT=str(folder / "static"),
        LOG_LEVEL="WARNING",
    )
    with ExitStack() as stack:
        if arguments.full:
            servers = stack.enter_context(embedded.running(folder))
            os.environ.update(DATABASE_URL=servers.database_url, REDIS_URL=servers.redis_url)
        django.setup()
        yield folder


def is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def any_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
