"""The servers of the wheels start, keep what they must keep, and leave nothing else."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from celery import Celery
from redis import Redis

from leaderboard import embedded

START_AND_TELL = """
import os, time
from leaderboard import embedded
with embedded.running() as servers:
    print(servers.database_url, servers.redis_url, flush=True)
    if os.fork():  # a forked child lives on; it must not keep the servers alive
        time.sleep(60)
    time.sleep(40)
"""


def test_both_servers_answer_and_are_gone_afterwards() -> None:
    with embedded.running() as servers:
        with psycopg.connect(servers.database_url) as database:
            assert database.execute("SELECT lower('ÄB'), current_user").fetchone() == (
                "äb",
                "featherweight",
            )
        cache = Redis.from_url(servers.redis_url.replace("redis+socket://", "unix://"))
        assert cache.ping()
        with Celery(broker=servers.redis_url).connection() as broker:
            broker.ensure_connection(max_retries=1)
        folders = [folder_of(url) for url in (servers.database_url, servers.redis_url)]
        assert [folder.stat().st_mode & 0o777 for folder in folders] == [0o700, 0o700]
    assert not any(folder.exists() for folder in folders)


def test_a_database_in_a_folder_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / ("a long name with spaces, " * 5)
    with (
        embedded.postgresql(folder) as url,
        psycopg.connect(url) as database,
    ):
        database.execute("CREATE TABLE note AS SELECT 'kept' AS text")
    with embedded.postgresql(folder) as url, psycopg.connect(url) as database:
        assert database.execute("SELECT text FROM note").fetchone() == ("kept",)


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with (
        embedded.postgresql(tmp_path),
        pytest.raises(embedded.NoServerError, match=r"postmaster\.pid"),
        embedded.postgresql(tmp_path),
    ):
        pass


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_servers_die_with_the_process_that_started_them(number: signal.Signals) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", START_AND_TELL], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    folders = [folder_of(url) for url in starter.stdout.readline().split()]
    assert len(folders) == 2
    starter.send_signal(number)
    starter.wait()
    deadline = time.monotonic() + 30
    while any(folder.exists() for folder in folders) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(folder.exists() for folder in folders)


def test_a_missing_wheel_says_what_to_do() -> None:
    with pytest.raises(embedded.NoServerError, match="set DATABASE_URL"):
        embedded.wheel_file("no_such_wheel", "bin")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs to become somebody else")
class TestAsRoot:
    @pytest.fixture
    def blocked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        """Makes a program fail, as on a system that forbids what it does."""
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

        def block(name: str) -> None:
            shutil.copy(shutil.which("false") or "/bin/false", tmp_path / name)

        return block

    def test_without_user_namespaces_it_runs_as_nobody(
        self, blocked: Callable[[str], None]
    ) -> None:
        blocked("unshare")
        with embedded.postgresql() as url, psycopg.connect(url) as database:
            assert database.execute("SELECT 1").fetchone() == (1,)

    def test_without_any_way_it_says_what_to_do(self, blocked: Callable[[str], None]) -> None:
        blocked("unshare")
        blocked("setpriv")
        with pytest.raises(embedded.NoServerError, match="set DATABASE_URL"), embedded.postgresql():
            pass


def folder_of(url: str) -> Path:
    """The folder of the socket that a URL names."""
    path = Path(url.partition("host=")[2] or url.removeprefix("redis+socket://").rpartition("/")[0])
    assert path.is_dir()
    return path
