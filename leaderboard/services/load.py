"""How busy a machine is with something else than this process and its children."""

from __future__ import annotations

import os
import time

from scoring.timing.machine import busy_seconds


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


def own_seconds() -> float:
    """Of these, the ones of this process and of the children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
