"""Native code that can tell a turn without calls from the others gains nothing by dawdling there.

The time of an empty turn is taken off every block, so whoever makes it long would look fast.
"""

from __future__ import annotations

import os

from scoring import images, sandbox
from scoring.runner import MOST_EMPTY_SECONDS, Contestant
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


def test_waiting_in_empty_turns_gains_no_time() -> None:
    model = os.memfd_create("exploit", os.MFD_CLOEXEC)
    os.write(model, DAWDLES)
    budget = sandbox.Budget(LIMITS.total_seconds)
    contestant = Contestant(model, SPEC, images.Album(()), len(CLASSES), budget)
    try:
        with (
            sandbox.started(PLAN, LIMITS, program="tests.scoring.exploited") as box,
            contestant.fresh(box, seed=0) as runner,
        ):
            runner.thaw()
            assert runner.empty_turn() > 0.05  # it does what it is here for
            assert runner.empty_seconds <= MOST_EMPTY_SECONDS
    finally:
        os.close(model)
