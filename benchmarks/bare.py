"""Models without any protocol: one process, its own clock, one pass after the other.

What a team would do at home, and what the benchmarks hold the protocol against. Started by them as
`python -m benchmarks.bare INPUTS.npy MODEL...`; told "number calls" per line, answers with seconds.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scoring import machine
from scoring.job import Plan


def main() -> None:
    import numpy as np
    import torch

    torch.set_num_threads(1)
    inputs = torch.from_numpy(np.load(sys.argv[1], mmap_mode="c"))
    models = [
        torch.jit.optimize_for_inference(torch.jit.load(path).eval())  # type: ignore[no-untyped-call]
        for path in sys.argv[2:]
    ]
    with torch.inference_mode():
        for model in models:
            for call in range(10):
                model(inputs[call % len(inputs)][None])
        print("ready", flush=True)
        position = 0
        for line in sys.stdin:
            number, calls = map(int, line.split())
            model = models[number]
            start = time.perf_counter()
            for call in range(position, position + calls):
                model(inputs[call % len(inputs)][None])
            print(time.perf_counter() - start, flush=True)
            position = (position + calls) % len(inputs)


class Bare:
    """A running one."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert self.hear() == "ready"

    def seconds(self, model: int, calls: int) -> float:
        """Seconds of a pass over so many images."""
        assert self.process.stdin
        self.process.stdin.write(f"{model} {calls}\n")
        self.process.stdin.flush()
        return float(self.hear())

    def hear(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


@contextmanager
def started(inputs: Path, models: Sequence[Path], favoured: bool = False) -> Iterator[Bare]:
    """Models on their inputs, (N, 3, height, width) float32; `favoured`: pinned and preferred as
    the protocol's own processes are."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare", str(inputs), *map(str, models)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        with machine.arranged(Plan(pinned=favoured, preferred=favoured), process.pid):
            yield Bare(process)
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
