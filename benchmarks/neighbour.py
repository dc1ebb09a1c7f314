"""A noisy neighbour: bursts of work on every core. Run as a program, this module works on one
core."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def main() -> None:
    import numpy as np

    dice = random.Random(int(sys.argv[1]))  # noqa: S311
    field = np.ones(4_000_000)  # 32 MB: more than the caches hold
    landlord = os.getppid()
    while os.getppid() == landlord:  # until the benchmark ends, in whatever way
        end = time.perf_counter() + dice.uniform(0.02, 0.6)
        while time.perf_counter() < end:
            field *= 1.0000001
        time.sleep(dice.uniform(0.02, 0.6))


@contextmanager
def moved_in() -> Iterator[None]:
    """A neighbour on each core during the body, in sessions of their own like programs of other
    people."""
    neighbours = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.neighbour", str(core)],
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,
        )
        for core in range(len(os.sched_getaffinity(0)))
    ]
    time.sleep(1.0)
    try:
        yield
    finally:
        for one in neighbours:
            one.kill()
            one.wait()


if __name__ == "__main__":
    main()
