"""Rows of the table: an act that is done again and again, how long it takes, and its bar."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.scale.world import World

Act = Callable[[], object]

WARM_UP = 2
"""Calls before the first one that counts. They fill the caches."""
CALLS, SECONDS = 30, 2.0
"""A row ends after so many calls, or so many seconds."""
PATIENCE = 30
"""Seconds after which PostgreSQL gives a query up; its row then took infinitely long."""


@dataclass(frozen=True)
class Row:
    """One row of the table.

    `make` prepares and returns the act, which is called again and again. If `is_figure`, `make`
    returns the figure itself.
    """

    name: str
    make: Callable[[World], object]
    bar: float | None
    flat: float | None
    """At most so many times what the smallest world took."""
    unit: str
    is_figure: bool
    is_rate: bool
    """Whether more is better."""
    is_undone: bool
    """Whether each call runs in a transaction that is rolled back."""


@dataclass(frozen=True)
class Seen:
    """The figures of one row in one world."""

    row: str
    submissions: int
    p50: float
    p99: float | None
    queries: int | None
    unit: str
    ratio: float | None
    bar: str
    is_held: bool | None


ROWS: list[Row] = []


def timed(
    name: str, *, ms: float | None = None, flat: float | None = None, undone: bool = False
) -> Callable[[Callable[[World], Act]], Callable[[World], Act]]:
    """Decorates a function that prepares an act. The act is timed, in milliseconds."""

    def add(make: Callable[[World], Act]) -> Callable[[World], Act]:
        ROWS.append(Row(name, make, ms, flat, "ms", False, False, undone))
        return make

    return add


def figure(
    name: str, *, unit: str, most: float | None = None, least: float | None = None
) -> Callable[[Callable[[World], float]], Callable[[World], float]]:
    """Decorates a function that measures by itself, once in each world, and returns the figure."""

    def add(make: Callable[[World], float]) -> Callable[[World], float]:
        is_rate = least is not None
        bar = least if is_rate else most
        ROWS.append(Row(name, make, bar, None, unit, True, is_rate, False))
        return make

    return add


def see(row: Row, world: World, first: Seen | None) -> Seen:
    """Measure a row in a world. `first`: the figure of the smallest world."""
    from django.db import OperationalError

    p99: float | None = None
    queries: int | None = None
    if row.is_figure:
        found = row.make(world)
        assert isinstance(found, int | float)
        p50 = float(found)
    else:
        act = row.make(world)
        assert callable(act)
        try:
            for _ in range(WARM_UP):
                call(act, row.is_undone)
            queries = counted(act, row.is_undone)
            seconds = repeated(act, row.is_undone)
        except OperationalError:
            seconds = [math.inf]
        p50 = 1000 * statistics.median(seconds)
        p99 = 1000 * sorted(seconds)[int(0.99 * (len(seconds) - 1))]
    ratio = p50 / first.p50 if first and 0 < first.p50 < math.inf else None
    return Seen(
        row=row.name,
        submissions=world.submissions,
        p50=p50,
        p99=p99,
        queries=queries,
        unit=row.unit,
        ratio=ratio,
        bar=bar_of(row),
        is_held=is_held(row, p50, ratio),
    )


def repeated(act: Act, is_undone: bool) -> list[float]:
    seconds: list[float] = []
    until = time.perf_counter() + SECONDS
    while len(seconds) < CALLS and (time.perf_counter() < until or len(seconds) < 3):
        seconds.append(call(act, is_undone))
    return seconds


def call(act: Act, is_undone: bool) -> float:
    """Seconds of one call. The time to undo it does not count."""
    from django.db import transaction

    if not is_undone:
        began = time.perf_counter()
        act()
        return time.perf_counter() - began
    with transaction.atomic():
        began = time.perf_counter()
        act()
        seconds = time.perf_counter() - began
        transaction.set_rollback(True)
    return seconds


def counted(act: Act, is_undone: bool) -> int:
    """The queries of one call."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        call(act, is_undone)
    own = [one for one in queries if not one["sql"].startswith(("BEGIN", "ROLLBACK", "SAVEPOINT"))]
    return len(own)


def bar_of(row: Row) -> str:
    parts = []
    if row.bar is not None:
        parts.append(f"{'>=' if row.is_rate else '<='} {row.bar:g} {row.unit}")
    if row.flat is not None:
        parts.append(f"<= {row.flat:g}x")
    return ", ".join(parts)


def is_held(row: Row, value: float, ratio: float | None) -> bool | None:
    """Whether a figure is within the bars of its row. None without a bar, and for NaN."""
    if (row.bar is None and row.flat is None) or math.isnan(value):
        return None
    within = row.bar is None or (value >= row.bar if row.is_rate else value <= row.bar)
    return within and (row.flat is None or ratio is None or ratio <= row.flat)
