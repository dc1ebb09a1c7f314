"""Row locks, in one order: profile, competition, queued evaluation, team, then the rest. Another
order can deadlock."""

from __future__ import annotations

from typing import TypeVar

from django.db import connection
from django.db.models import Model
from django.utils.translation import gettext

from leaderboard.errors import NotFound
from leaderboard.services import statements

Row = TypeVar("Row", bound=Model)


def lock(row: Row) -> Row:
    """The row, read again and locked until the transaction ends. Raises `NotFound` if it was
    removed.

    NO KEY: other rows can still refer to a locked row, which would otherwise lead to deadlocks.
    SQLite has no row locks. A transaction there holds the write lock from its start.
    """
    # Not type(row): the user of a request is a lazy object that wraps the row.
    found = row.__class__._default_manager.select_for_update(no_key=True).filter(pk=row.pk).first()
    if found is None:
        raise NotFound(gettext("%(row)s was just removed.") % {"row": row})
    return found


def hold(model: type[Model], key: int) -> None:
    """Lock a row as `lock` does, without reading it."""
    if connection.vendor != "postgresql":
        return
    table = connection.ops.quote_name(model._meta.db_table)
    statements.run(f"SELECT id FROM {table} WHERE id = %s FOR NO KEY UPDATE", [key])  # noqa: S608


def share(row: Row) -> Row:
    """The row, read again. Until the transaction ends, others may share it, and nobody can change
    it.

    Django has no method for FOR SHARE. On SQLite the transaction holds the write lock, as in
    `lock`.
    """
    manager = type(row)._default_manager
    if connection.vendor != "postgresql":
        return manager.get(pk=row.pk)
    table = connection.ops.quote_name(row._meta.db_table)
    [found] = manager.raw(f"SELECT * FROM {table} WHERE id = %s FOR SHARE", [row.pk])  # noqa: S608
    return found
