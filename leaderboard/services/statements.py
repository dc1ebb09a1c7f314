"""SQL that runs for each evaluation while others wait. PostgreSQL plans it once per connection.

Planning such a statement takes longer than running it. Django's cursors write values into the text,
so that PostgreSQL plans each time. The driver's own cursor here prepares statements.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec, cast

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Expression, QuerySet
from django.db.models.sql.compiler import SQLCompiler

Given = ParamSpec("Given")
Rows = list[tuple[Any, ...]]
LIST = "(%s::bigint[])"


def run(sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Rows:
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
    # In Django's own wrapper, so that a statement is counted and its errors are Django's.
    wrapper = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with wrapper(PreparingCursor(driver)) as cursor:  # type: ignore[arg-type]
        cursor.execute(sql, parameters or None)
        return cursor.fetchall() if cursor.description else []


class PreparingCursor(psycopg.Cursor[Any]):
    """The driver's cursor, which prepares each statement."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> PreparingCursor:
        super().execute(query, params, **{"prepare": True, **options})
        if connection.queries_logged:  # Django's log reads what the driver leaves out here
            self._query = self._convert_query(query, params)
        return self


def written(sql: str, parameters: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """A statement with its values in its text, if the database prepares statements."""
    if connection.vendor != "postgresql":
        return sql, tuple(parameters)
    with connection.cursor() as cursor:
        return cursor.mogrify(sql, parameters), ()


def prepared(make: Callable[Given, QuerySet[Any, Any]]) -> Callable[Given, Rows]:
    """Let a function that makes a query set of plain values return its rows.

    Django takes longer to compile such a query than PostgreSQL to run it. So the function is called
    once, with a `Slot` for each argument, and the compiled text is kept. An argument can stand only
    where an expression can: it must not decide which query is made. A list stands after `__in`.
    """

    @functools.cache
    def compiled(lists: tuple[str, ...]) -> Compiled:
        slots = {name: Slot(name, name in lists) for name in inspect.signature(make).parameters}
        return Compiled(cast("Callable[..., QuerySet[Any, Any]]", make)(**slots))

    @functools.wraps(make)
    def rows(*args: Given.args, **kwargs: Given.kwargs) -> Rows:
        if connection.vendor != "postgresql":
            return list(make(*args, **kwargs))
        values = inspect.getcallargs(make, *args, **kwargs)
        lists = tuple(name for name, value in values.items() if isinstance(value, list))
        return compiled(lists).rows(values)

    return rows


class Slot(Expression):
    """The place of a value in a statement; the value comes when the statement runs."""

    def __init__(self, name: str, is_list: bool) -> None:
        super().__init__()
        self.name = name
        self.is_list = is_list

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        return LIST if self.is_list else "%s", [self]


class Compiled:
    """The SQL of a query, with its constants in the text and a name for each slot."""

    def __init__(self, query: QuerySet[Any, Any]) -> None:
        compiler = query.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        # Django writes IN before a list. PostgreSQL knows no IN for a value that comes later.
        first, *others = sql.replace(f"IN {LIST}", f"= ANY {LIST}").split("%s")
        with connection.cursor() as cursor:
            parts = [
                f"%({one.name})s" if isinstance(one, Slot) else cursor.mogrify("%s", [one])
                for one in parameters
            ]
        pairs = zip(parts, others, strict=True)
        self.sql = first + "".join(part + other for part, other in pairs)
        self.converters = compiler.get_converters(one for one, *_ in compiler.select)

    def rows(self, values: Mapping[str, Any]) -> Rows:
        found = run(self.sql, values)
        if not self.converters:
            return found
        changed = [list(row) for row in found]
        for row in changed:
            for place, (convert, expression) in self.converters.items():
                for one in convert:
                    row[place] = one(row[place], expression, connection)
        return [tuple(row) for row in changed]
