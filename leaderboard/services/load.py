"""How many cores others keep busy beside this process and its children."""

from __future__ import annotations

import os
import time

from scoring.timing import machine


class ForeignLoad:
    """Cores that others keep busy, on average since the start.

    A child counts as one's own once it has ended, so read the load after that.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.at, self.foreign = time.monotonic(), machine.foreign_seconds(own_seconds())

    def cores(self) -> float | None:
        """The load in cores; None where the kernel does not tell."""
        foreign, elapsed = machine.foreign_seconds(own_seconds()), time.monotonic() - self.at
        if foreign is None or self.foreign is None or elapsed <= 0:
            return None
        return max(0.0, foreign - self.foreign) / elapsed


def own_seconds() -> float:
    """CPU seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
