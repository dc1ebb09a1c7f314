"""What the role of this process may do in the database."""

from __future__ import annotations

from django.db import connection
from django.db.models import Model


def may_update(model: type[Model]) -> bool:
    """Whether the database lets this process change rows of a table. SQLite has no roles."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, 'UPDATE')", [model._meta.db_table])
        [is_granted] = cursor.fetchone()
    return bool(is_granted)
