"""Tables and the machine they came from."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from scoring import hardware
from scoring.job import Plan


def show(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table. Columns are as wide as their content, the first one stands to the left."""
    lines = [tuple(head), *(tuple(map(str, row)) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for line in lines:
        first, *rest = (
            cell.ljust(width) if not i else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        print("  ".join([first, *rest]), flush=True)


def machine_line() -> str:
    """The machine of a table, and how busy it was."""
    facts = hardware.fingerprint(Plan())
    load = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return f"{now}; {facts['cpu']}, {facts['cores']} cores; load averages {load}"
