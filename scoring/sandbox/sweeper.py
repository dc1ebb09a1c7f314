"""A program of our own on the GPU: `python -m scoring.sandbox.sweeper DEVICE`, one line per order.

Between two turns it overwrites the GPU's cache, and how long that takes tells whether the GPU is
idle: kernels that a model left queued go on while its process is stopped, and share the device.
The measurer, `Sweeper`, holds the clock. DEVICE cpu is a stand-in for tests.
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
"""More than any GPU's L2 cache; the CPU's stand-in takes a hundredth."""
LEARNING_SWEEPS = 20
IDLE_SWEEPS = 2
"""In a row, as fast as when nothing else ran."""
SLOWER = 1.5
"""Times the idle sweep's seconds: a device that is shared is at least twice as slow."""
SETTLE_SECONDS = 2.0


def main() -> None:
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
    """A running sweeper; `idle_seconds` is what a sweep takes when nothing else runs."""

    orders: IO[str]
    answers: IO[str]
    idle_seconds: float = 0.0

    def learn(self) -> None:
        """Sweep an idle device often enough to know how long that takes."""
        self.idle_seconds = sorted(self.sweep() for _ in range(LEARNING_SWEEPS))[
            LEARNING_SWEEPS // 2
        ]

    def sweep(self) -> float:
        """Seconds of one sweep by the measurer's clock."""
        start = time.perf_counter()
        self.orders.write("sweep\n")
        self.orders.flush()
        if self.answers.readline() != "done\n":
            raise OSError("The sweeper ended.")
        return time.perf_counter() - start

    def settles(self, within: float = SETTLE_SECONDS) -> bool:
        """Sweep until the device is idle; false where it is not in time."""
        deadline = time.perf_counter() + within
        fast = 0
        while fast < IDLE_SWEEPS:
            if time.perf_counter() > deadline:
                return False
            fast = fast + 1 if self.sweep() <= SLOWER * self.idle_seconds else 0
        return True


@contextmanager
def started(device: str, environment: Mapping[str, str]) -> Iterator[Sweeper]:
    """A sweeper on an idle device."""
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
