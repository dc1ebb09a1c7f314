"""SQL that runs for each evaluation while others wait. PostgreSQL plans it once per connection.

Planning such a statement takes longer than running it. Django's cursors write values into the text,
so that PostgreSQL plans each time. The driver's own cursor here prepares statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import psycopg
from django.db import connection


def run(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a statement; returns its rows.

    A statement is prepared by its text. `written` puts constant values into the text, because only
    then does the plan know which partial index holds the rows.
    """
    if connection.vendor != "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []
    connection.ensure_connection()
    driver = cast("psycopg.Connection[Any]", connection.connection)
    with connection.wrap_database_errors, psycopg.Cursor(driver) as prepared:
        prepared.execute(sql, parameters or None, prepare=True)
        return prepared.fetchall() if prepared.description else []


def written(sql: str, parameters: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """A statement with its values in its text, if the database prepares statements."""
    if connection.vendor != "postgresql":
        return sql, tuple(parameters)
    with connection.cursor() as cursor:
        return cursor.mogrify(sql, parameters), ()
