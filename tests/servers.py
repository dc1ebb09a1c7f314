"""The tests' world: real PostgreSQL and Valkey, and folders for files, made for one run of pytest.

This is an early plugin (`-p tests.servers` in pyproject.toml) and not a conftest, because Django
reads its settings from the environment before any conftest is loaded. A DATABASE_URL that the
caller has set is used as it is, and then nothing is started.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from leaderboard import embedded

world = ExitStack()
is_ours = False
"""Whether the servers were started here."""


@pytest.hookimpl(wrapper=True)  # a wrapper comes before pytest-django, which loads the settings
def pytest_load_initial_conftests() -> Iterator[None]:
    global is_ours
    os.environ.setdefault("DEBUG", "1")
    if "DATABASE_URL" not in os.environ:
        try:
            servers = world.enter_context(embedded.running())
        except embedded.NoServerError as error:
            raise pytest.UsageError(str(error)) from error
        is_ours = True
        os.environ["DATABASE_URL"] = servers.database_url
        os.environ["REDIS_URL"] = servers.redis_url
    folder = world.enter_context(tempfile.TemporaryDirectory(prefix="featherweight-"))
    os.environ["FILES_DIR"] = f"{folder}/files"
    os.environ["CACHE_DIR"] = f"{folder}/cache"
    return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(specs: list[Any]) -> None:
    """Tests side by side: pytest-django gives each process a database of its own, and so each has
    a Valkey, which holds the cache and the knocks."""
    for spec in specs if is_ours else ():
        spec.env["REDIS_URL"] = world.enter_context(embedded.valkey())


def pytest_unconfigure() -> None:
    world.close()
