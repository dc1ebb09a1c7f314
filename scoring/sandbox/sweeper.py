"""A trusted program on the GPU: `python -m scoring.sandbox.sweeper DEVICE`.

It overwrites the GPU's cache between two turns. The time of that tells whether the GPU is idle:
kernels that a model left in the queue go on while its process is stopped, and share the device.
`Sweeper` is the measurer's side and has the clock. Each order and each answer is one line of text.
DEVICE cpu is a stand-in for tests.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

SWEEP_BYTES = 256 << 20
"""More than any GPU's L2 cache. On a CPU a hundredth of it."""
LEARNING_SWEEPS = 20
"""Sweeps at the start. Their median is the time of a sweep on an idle device."""
IDLE_SWEEPS = 2
"""So many fast sweeps in a row mean that the device is idle."""
SLOWER = 1.5
"""A sweep up to 1.5 times the idle time is fast. A shared device is at least twice as slow."""
SETTLE_SECONDS = 2.0
"""A device that is not idle by then was left busy."""


def main() -> None:
    """Sweep once for each line of standard input."""
    import torch

    device = sys.argv[1]
    size = SWEEP_BYTES if device == "cuda" else SWEEP_BYTES // 100
    field = torch.zeros(size // 4, device=device)
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin):
        field.fill_(number)
        if device == "cuda":
            torch.cuda.synchronize()
        print("done", flush=True)


@dataclass
class Sweeper:
    """A running sweeper. `idle_seconds`: of one sweep on an idle device."""

    orders: IO[str]
    answers: IO[str]
    idle_seconds: float = 0.0

    def learn(self) -> None:
        """Measure `idle_seconds`, on a device that is idle."""
        self.idle_seconds = sorted(self.sweep() for _ in range(LEARNING_SWEEPS))[
            LEARNING_SWEEPS // 2
        ]

    def sweep(self) -> float:
        """Seconds of one sweep by the measurer's clock. Raises `OSError` if the sweeper is gone."""
        start = time.perf_counter()
        self.orders.write("sweep\n")
        self.orders.flush()
        if self.answers.readline() != "done\n":
            raise OSError("The sweeper ended.")
        return time.perf_counter() - start

    def settles(self, within: float = SETTLE_SECONDS) -> bool:
        """Sweep until the device is idle. False if it is still busy after `within` seconds."""
        deadline = time.perf_counter() + within
        fast = 0
        while fast < IDLE_SWEEPS:
            if time.perf_counter() > deadline:
                return False
            fast = fast + 1 if self.sweep() <= SLOWER * self.idle_seconds else 0
        return True


@contextmanager
def started(device: str, environment: Mapping[str, str]) -> Iterator[Sweeper]:
    """A sweeper on a device that is idle now. Raises `OSError` if it cannot start."""
    process = subprocess.Popen(
        [sys.executable, "-m", "scoring.sandbox.sweeper", device],
        cwd="/",
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdin
        assert process.stdout
        sweeper = Sweeper(process.stdin, process.stdout)
        if process.stdout.readline() != "ready\n":
            raise OSError("The sweeper could not be started.")
        sweeper.learn()
        yield sweeper
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    main()
