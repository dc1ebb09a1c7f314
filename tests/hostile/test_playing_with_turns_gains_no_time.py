"""Native code that changes the order of turns gains no time by it.

The time of a turn without calls is subtracted from every block. A model could look faster by making
such turns long, or by saying that it is done before it was asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from scoring.errors import ModelFailed
from scoring.images import albums
from scoring.sandbox import areas, parent, processes, sealing
from scoring.timing.host import MOST_EMPTY_SECONDS, MOST_IDLE_SECONDS
from scoring.timing.runner import Entrant, Runner
from tests.hostile.conftest import LIMITS, PLAN, SPEC
from tests.hostile.making import CLASSES

DAWDLES = b"""
import os, time
real = os.read
def read(descriptor, size):
    record = real(descriptor, size)
    if record == bytes(8):
        time.sleep(0.05)
    return record
os.read = read
found = [1.0, 2.0, 3.0]
"""
BURNS = DAWDLES.replace(
    b"time.sleep(0.05)",
    b"end = time.perf_counter() + 0.05\n        while time.perf_counter() < end: pass",
)
SPEAKS_EARLY = b"""
import os
real, said = os.write, []
def write(channel, record):
    said.append(record)
    if len(said) == 5:
        real(channel, record)
    return real(channel, record)
os.write = write
found = [1.0, 2.0, 3.0]
"""


@contextmanager
def running(exploit: bytes) -> Iterator[Runner]:
    """A warm process of a model that runs this native code."""
    model = sealing.sealed(exploit, "torchscript")
    allowance = processes.Allowance(LIMITS.total_seconds)
    try:
        with (
            closing(areas.Area(SPEC, len(CLASSES))) as area,
            parent.started(PLAN, LIMITS, program="tests.scoring.exploited") as box,
            Entrant(model, SPEC, albums.Album(()), area, allowance).fresh(box, seed=0) as runner,
        ):
            yield runner
    finally:
        model.close()


@pytest.mark.parametrize("exploit", [DAWDLES, BURNS])
def test_being_slow_in_empty_turns(exploit: bytes) -> None:
    with running(exploit) as runner:
        runner.thaw()
        assert runner.empty_turn() > 0.05 - MOST_IDLE_SECONDS  # it does what it is here for
        assert runner.empty_seconds <= MOST_EMPTY_SECONDS


def test_being_done_before_it_was_asked() -> None:
    with pytest.raises(ModelFailed, match="process ended"), running(SPEAKS_EARLY):
        pass
