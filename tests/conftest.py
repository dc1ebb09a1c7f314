"""Real model files for every test; the cast of users stands in tests/leaderboard/conftest.py."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from pytest_django import DjangoDbBlocker


@pytest.fixture(scope="session")
def make_model() -> Callable[..., bytes]:
    """A TorchScript classifier as bytes; another `seed` gives another model."""
    import torch

    class Linear(torch.nn.Module):
        def __init__(self, classes: int) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, classes)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.layer(images.mean([2, 3]))

    def make(seed: int = 0, classes: int = 3, extra: dict[str, str] | None = None) -> bytes:
        torch.manual_seed(seed)
        target = io.BytesIO()
        scripted = torch.jit.script(Linear(classes).eval())
        torch.jit.save(scripted, target, _extra_files=extra or {})
        return target.getvalue()

    return make


@pytest.fixture(scope="session")
def model(make_model: Callable[..., bytes]) -> bytes:
    return make_model()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite's test database is a file, for threads and processes to share."""
    from django.db import connections

    database = connections["default"].settings_dict
    if database["ENGINE"].endswith("sqlite3"):
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Tables made of the models count as migrated, which backups and the doctor look at."""
    from django.conf import settings
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader
    from django.db.migrations.recorder import MigrationRecorder

    settings.MIGRATION_MODULES = {}
    with django_db_blocker.unblock():
        recorder = MigrationRecorder(connection)
        recorder.ensure_schema()
        for app, name in MigrationLoader(connection).disk_migrations:
            recorder.record_applied(app, name)
