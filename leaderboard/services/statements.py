"""SQL that is run for each evaluation while others wait: PostgreSQL plans it once a connection.

Planning such a statement takes longer than running it. Django's own cursors write values into the
text and so plan anew each time; the cursor here is the driver's, which prepares statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import psycopg
from django.db import connection


def run(sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run a statement; the rows it returns.

    The text is what is prepared, so what does not change from call to call belongs into it, by
    `written`: only then does the plan know which partial index holds the rows.
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
    """A statement with its values in its text, where the database has plans to keep."""
    if connection.vendor != "postgresql":
        return sql, tuple(parameters)
    with connection.cursor() as cursor:
        return cursor.mogrify(sql, parameters), ()
