"""What a site needs: disk for submissions, memory of each kind of process.

Two databases of different sizes are filled as `benchmarks.scale` does. Their difference is the disk
of the submissions between them, with reports, indexes and history. Processes are started on the
larger one. What an evaluation takes is told by `benchmarks.evaluation_cost`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks import tables
from benchmarks.scale.__main__ import database

READ = "print(open('/proc/self/status').read().split('RssAnon:')[1].split()[0])"
"""Prints the kilobytes of anonymous memory of a process, without shared libraries."""
SITE = f"""
import django
django.setup()
from django.test import Client
for path in ("", "boards/public/", "race/", "rules/") * 3:
    assert Client().get(f"/competitions/SLUG/{{path}}").status_code == 200
{READ}
"""
WORKER = f"""
import django
django.setup()
from leaderboard.services import running, workers
import scoring.engine, scoring.timing.measuring, torch
{READ}
"""
POST = f"""
import django
django.setup()
from leaderboard.services import posting, sweeping
sweeping.sweep()
posting.go_on(seconds=1)
{READ}
"""


def main() -> None:
    options = parser().parse_args()
    with database(options.sqlite):
        import django

        django.setup()
        from django.conf import settings

        settings.DEBUG = False  # which would keep every query
        from benchmarks.scale import world

        sizes = []
        for count in sorted(options.submissions):
            made = world.fill(count, kilobytes=options.report_kilobytes, queued=0, busy=10)
            sizes.append((count, world.megabytes()))
        (few, small), (many, large) = sizes
        slug = made.competition.slug
        rows = [
            ("database, 1,000 submissions", f"{1000 * (large - small) / (many - few):.0f} MB"),
            ("answers, 1,000 models and 5,000 images", f"{5000 * 1000 / 1e6:.0f} MB"),
            ("process of the site", megabytes(SITE.replace("SLUG", slug))),
            ("post and beat", megabytes(POST)),
            ("worker before it measures", megabytes(WORKER)),
        ]
    tables.show(("what", "needs"), rows)
    print(tables.machine_line())


def megabytes(program: str) -> str:
    """Anonymous memory of a process at the end of its program."""
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return f"{int(said.split()[-1]) / 1e3:.0f} MB"


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(
        prog="python -m benchmarks.sizing",
        description="Disk of submissions and memory of processes, for docs/operate.md.",
    )
    found.add_argument("--submissions", type=int, nargs=2, default=[1_000, 11_000])
    found.add_argument("--sqlite", action="store_true", help="The embedded default instead.")
    found.add_argument(
        "--report-kilobytes", type=float, default=23, help="Of each evaluation (default: 23)."
    )
    found.add_argument(
        "--quick", action="store_const", dest="submissions", const=[100, 300], help="Only try it."
    )
    return found


if __name__ == "__main__":
    main()
