"""How busy a machine is with something else than this process and its children."""

from __future__ import annotations

import os
import time
from pathlib import Path


class ForeignLoad:
    """Cores that others keep busy, on average since the start; None where the kernel won't say.

    Children count once they have ended, so read it when they have.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.at, self.busy, self.own = time.monotonic(), busy_seconds(), own_seconds()

    def cores(self) -> float | None:
        busy, elapsed = busy_seconds(), time.monotonic() - self.at
        if busy is None or self.busy is None or elapsed <= 0:
            return None
        return max(0.0, (busy - self.busy) - (own_seconds() - self.own)) / elapsed


def busy_seconds() -> float | None:
    """Seconds that the machine's cores were at work, or stolen by its host."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        user, nice, system, _, _, hard, soft, stolen = map(int, fields)
    except (OSError, ValueError):
        return None
    return (user + nice + system + hard + soft + stolen) / os.sysconf("SC_CLK_TCK")


def own_seconds() -> float:
    """Of these, the ones of this process and of the children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
