"""What the role of this process may do in the database."""

from __future__ import annotations

from django.db import connection
from django.db.models import Model


def may_update(model: type[Model]) -> bool:
    """Whether the database lets this process change rows of a table."""
    return is_granted(model, "UPDATE")


def may_delete(model: type[Model]) -> bool:
    """Whether the database lets this process delete rows of a table."""
    return is_granted(model, "DELETE")


def is_granted(model: type[Model], act: str) -> bool:
    """Whether the role of this process has a right on a table. SQLite has no roles: always true
    there."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, %s)", [model._meta.db_table, act])
        [found] = cursor.fetchone()
    return bool(found)
