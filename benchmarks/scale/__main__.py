"""Fill, measure, print. Servers start first: Django reads their address from the environment."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import tables
from benchmarks.scale import measure
from benchmarks.scale.measure import Seen
from leaderboard import embedded


def main() -> None:
    options = parser().parse_args()
    sizes = sorted(options.submissions)
    with database(options.sqlite):
        import django

        django.setup()
        from django.conf import settings

        settings.DEBUG = False  # which would keep every query

        from benchmarks.scale import rows, world

        chosen = [one for one in rows.ROWS if matches(one.name, options.rows)]
        if not chosen:
            sys.exit(f"No row is called so. There are: {', '.join(one.name for one in rows.ROWS)}")
        if not options.json:
            print(tables.machine_line(), "SQLite" if options.sqlite else "PostgreSQL", sep="; ")
        first: dict[str, Seen] = {}
        found: list[Seen] = []
        for size in sizes:
            began = time.perf_counter()
            made = world.fill(
                size, kilobytes=options.report_kilobytes, queued=options.queued, busy=options.busy
            )
            seconds = time.perf_counter() - began
            said = f"{size:,} submissions, {world.megabytes():,.0f} MB, filled in {seconds:.0f} s"
            print(said, file=sys.stderr)
            for row in chosen:
                one = measure.see(row, made, first.get(row.name))
                first.setdefault(row.name, one)
                found.append(one)
                if not options.json:
                    print(*cells(one), sep="; ", file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps([dataclasses.asdict(one) for one in found], indent=1))
    else:
        head = ("row", "submissions", "p50", "p99", "queries", "ratio", "bar", "")
        tables.show(head, [cells(one) for one in found])
        print(tables.machine_line())
    sys.exit(any(one.is_held is False for one in found))


def cells(seen: Seen) -> tuple[str, ...]:
    return (
        seen.row,
        f"{seen.submissions:,}",
        "" if math.isnan(seen.p50) else f"{seen.p50:,.1f} {seen.unit}",
        "" if seen.p99 is None else f"{seen.p99:,.1f}",
        "" if seen.queries is None else str(seen.queries),
        "" if seen.ratio is None else f"{seen.ratio:.1f}x",
        seen.bar,
        {None: "", True: "held", False: "MISSED"}[seen.is_held],
    )


def matches(name: str, wanted: list[str]) -> bool:
    return not wanted or any(part.lower() in name.lower() for part in wanted)


@contextmanager
def database(is_sqlite: bool) -> Iterator[None]:
    """An empty database with a cache beside it, and folders for files, thrown away afterwards."""
    with tempfile.TemporaryDirectory(prefix="featherweight-scale-") as folder:
        os.environ |= {
            "DEBUG": "1",
            "LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "leaderboard.settings",
            "FILES_DIR": f"{folder}/files",
            "CACHE_DIR": f"{folder}/cache",
            "STATIC_ROOT": folder,
            "ALLOWED_HOSTS": "testserver",
        }
        if is_sqlite:
            os.environ |= {"DATABASE_URL": f"sqlite:///{folder}/db.sqlite3", "REDIS_URL": ""}
            yield
            return
        with embedded.postgresql(Path(folder)) as database_url, embedded.valkey() as redis_url:
            os.environ |= {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
            yield


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.scale",
        description="Times at growing numbers of submissions; teams a tenth. The exit code is 1 "
        "where a bar is missed.",
    )
    found.add_argument(
        "--submissions",
        type=lambda text: int(text.replace(",", "")),
        nargs="+",
        default=[1_000, 100_000],
        help="One or several; ratios are to the smallest (default: 1000 100000).",
    )
    found.add_argument(
        "--rows", nargs="+", default=[], help="Only rows whose name contains one of these words."
    )
    found.add_argument("--sqlite", action="store_true", help="The embedded default instead.")
    found.add_argument("--json", action="store_true", help="The table for programs.")
    found.add_argument(
        "--report-kilobytes", type=float, default=23, help="Of each evaluation (default: 23)."
    )
    found.add_argument("--queued", type=int, default=5_000, help="Evaluations that wait besides.")
    found.add_argument("--busy", type=int, default=1_000, help="Submissions of the busiest team.")
    return found


if __name__ == "__main__":
    main()
