"""Models without any protocol: one process, its own clock, one pass after the other.

A team would measure like this at home. The benchmarks compare the protocol with it. They start it
as `python -m benchmarks.bare DEVICE BATCH_SIZE INPUTS.npy MODEL...`. It reads lines "number calls"
and answers with seconds by its own clock and, on a GPU, by the events of the GPU. Number -1 is the
probe.
"""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scoring.job import Device, Plan
from scoring.timing import machine

WARM_UP_CALLS = 20
PROBE = -1


@dataclass
class Truth:
    """Logarithms of model / reference, one for each round of stretches."""

    logs: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return math.exp(statistics.fmean(self.logs))

    @property
    def error(self) -> float:
        """Relative standard error."""
        return statistics.stdev(self.logs) / math.sqrt(len(self.logs))


def main() -> None:
    import numpy as np
    import torch

    from scoring.timing.probe import Probe

    device, batch_size, images, *paths = sys.argv[1:]
    torch.set_num_threads(1)
    inputs = torch.from_numpy(np.load(images, mmap_mode="c"))
    inputs = inputs[: len(inputs) // int(batch_size) * int(batch_size)]
    batches = inputs.reshape(-1, int(batch_size), *inputs.shape[1:])
    models = [loaded(path, device) for path in paths]
    clock = clock_of(device)
    probe = Probe()

    def run(number: int, first: int, calls: int) -> None:
        for call in range(first, first + calls):
            if number == PROBE:
                probe.run()
                continue
            models[number](batches[call % len(batches)].to(device)).cpu()

    with torch.inference_mode():
        for number in range(len(models)):
            run(number, 0, WARM_UP_CALLS)
        print("ready", flush=True)
        position = 0
        for line in sys.stdin:
            number, calls = map(int, line.split())
            started, events = time.perf_counter(), clock()
            run(number, position, calls)
            seconds = clock() - events
            print(time.perf_counter() - started, seconds, flush=True)
            position = (position + calls) % len(batches)


def loaded(path: str, device: str) -> Callable[[Any], Any]:
    """A model file as a function of a batch, prepared as its runtime does it."""
    import torch

    if path.endswith(".onnx"):
        from scoring.formats.onnx import runtime

        return runtime.Cpu().load(Path(path).read_bytes())
    model = torch.jit.load(path, map_location=device).eval()  # type: ignore[no-untyped-call]
    return torch.jit.optimize_for_inference(model)  # type: ignore[no-any-return, no-untyped-call]


def clock_of(device: str) -> Callable[[], float]:
    """Seconds by the clock of the device, once it has done all that it was asked for."""
    import torch

    if device == "cpu":
        return time.perf_counter
    first = torch.cuda.Event(enable_timing=True)
    first.record()

    def clock() -> float:
        now = torch.cuda.Event(enable_timing=True)
        now.record()
        torch.cuda.synchronize()
        return float(first.elapsed_time(now)) / 1000

    return clock


class Bare:
    """A running process of this module."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert self.hear() == "ready"

    def seconds(self, model: int, calls: int) -> float:
        """Seconds of so many calls."""
        return self.clocks(model, calls)[0]

    def clocks(self, model: int, calls: int) -> tuple[float, float]:
        """Seconds of so many calls, by the process's clock and by the device's own."""
        assert self.process.stdin
        self.process.stdin.write(f"{model} {calls}\n")
        self.process.stdin.flush()
        wall, device = map(float, self.hear().split())
        return wall, device

    def hear(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


@contextmanager
def started(
    inputs: Path,
    models: Sequence[Path],
    *,
    favoured: bool = False,
    device: Device = "cpu",
    batch_size: int = 1,
) -> Iterator[Bare]:
    """A process with models on their inputs, (N, 3, height, width) float32.

    `favoured`: cores and priority are those of the processes of the protocol.
    """
    arguments = [device, str(batch_size), str(inputs), *map(str, models)]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        plan = Plan(device=device, pinned=favoured, preferred=favoured)
        with machine.arranged(plan, process.pid):
            yield Bare(process)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
