"""Numbers of a host: what the measuring must know of the machine on which it runs.

The defaults were found on virtual machines of 2 cores. A worker measures its own numbers
(`scoring.timing.turns`, `scoring.timing.between_runs`), a job carries them, a report names them.
"""

from __future__ import annotations

from dataclasses import dataclass

from scoring.dataclass_json import Json

BETWEEN_RUNS_SD = 0.004
"""Standard deviation of log ratios between evaluations that one evaluation cannot see: how the
machine happens to lay out and share its memory. A host's own number is never smaller."""
MOST_EMPTY_SECONDS = 0.0001
"""Most seconds of a turn without calls that are subtracted. Native code could be slow there on
purpose, to have more subtracted from its blocks."""
MOST_IDLE_SECONDS = 0.0003
"""Most idle seconds of a turn that are subtracted. An idle core needs time to wake up: 40 to 200 us
on a virtual machine, which is 1 to 2 % of a probe, or of a block of a tiny model."""
MARGIN = 3.0
"""A limit / what was measured at a worker's start. Turns later in the day may be longer."""
CEILING = 1.25
"""Highest limit / its default. Both limits together are then 1 % of a block of 50 ms: the most that
a cheat may gain."""
START_SECONDS = 0.25
"""Least seconds that a process is taken to need for its start."""


@dataclass(frozen=True)
class HostNumbers(Json):
    """What was measured on a host; the defaults hold where nothing was."""

    empty_seconds: float | None = None
    """Of a turn without calls, the median of a calm moment. None: not measured."""
    idle_seconds: float | None = None
    """Of a turn's part in which the process does not run, because its core wakes up: the same.
    None: not measured, or nothing is subtracted (several threads, a GPU)."""
    start_seconds: float = START_SECONDS
    """Seconds in which a process of the reference starts: the shortest start of an evaluation, and
    at least `START_SECONDS`."""
    between_runs_sd: float = BETWEEN_RUNS_SD
    canaries: int = 0
    """Number of canaries that `between_runs_sd` comes from. 0: it is the default."""

    @property
    def is_measured(self) -> bool:
        """Whether turns were measured on this host."""
        return self.empty_seconds is not None

    @property
    def most_empty_seconds(self) -> float:
        """Most seconds of an empty turn that are subtracted."""
        return limit(self.empty_seconds, MOST_EMPTY_SECONDS)

    @property
    def most_idle_seconds(self) -> float:
        """Most idle seconds of a turn that are subtracted."""
        return limit(self.idle_seconds, MOST_IDLE_SECONDS)

    @property
    def is_slow_to_turn(self) -> bool:
        """Whether half of the turns cost more than may be subtracted: small models look slower
        here than they are."""
        return (self.empty_seconds or 0.0) > self.most_empty_seconds or (
            self.idle_seconds or 0.0
        ) > self.most_idle_seconds


def limit(median: float | None, usual: float) -> float:
    """`MARGIN` times a median, between usual and `CEILING` times usual.

    A calm moment lowers no limit: a core that wakes in 0.03 ms then may need 0.15 ms later.
    """
    return min(max(MARGIN * (median or 0.0), usual), CEILING * usual)
