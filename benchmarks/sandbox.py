"""What the layers of the sandbox cost: its start, the start of a child, and each call.

The same network runs in a zygote with all layers and in a zygote with none, in turns. Starts
alternate. Calls are timed in blocks ABBA, as in evaluations.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

from benchmarks import nets, tables
from scoring.job import InputSpec, Limits, Plan
from scoring.sandbox import areas, parent, processes, sealing
from scoring.timing.runner import Synthetic

PROGRAMS = {"all layers": "scoring.sandbox.zygote", "none": "benchmarks.open_zygote"}
PLAN = Plan(pinned=False, preferred=False)
SPEC = InputSpec()
CLASSES = 6
MOST_SECONDS, MOST_SHARE = 0.05, 0.01
PAIRS = 20
"""Pairs of fresh children, for the calls of each network."""
NETS: dict[str, Callable[[], nn.Module]] = {
    "residual": nets.residual,
    "shallow": partial(nets.shallow, 24),
    "minute": nets.minute,
}


def main() -> None:
    options = parser().parse_args()
    if options.quick:
        options.starts, options.children, options.quads = 2, 5, 80
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # all on one core: the same for both
    print(tables.machine_line())
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        workplace = Path(folder)
        rows.append(row("start of a zygote", starts(options.starts), "seconds"))
        with zygotes() as boxes:
            net = sealing.handed_over(nets.saved(nets.residual, workplace / "residual.pt"))
            rows.append(row("start of a child", children(boxes, net, options.children), "child"))
            for name, make in NETS.items():
                spec = InputSpec(64, 64) if name == "minute" else SPEC
                model = sealing.handed_over(nets.saved(make, workplace / f"{name}.pt"))
                said = calls(boxes, model, spec, options.quads)
                rows.append(row(f"a call of {name}", said, "call"))
    tables.show(("what", "n", "all layers", "none", "cost", "s.e.", "allowed", "within"), rows)
    print(tables.machine_line())
    sys.exit(any(one[-1] == "no" for one in rows))


@contextmanager
def zygotes() -> Iterator[list[parent.Sandbox]]:
    with ExitStack() as stack:
        yield [
            stack.enter_context(parent.started(PLAN, Limits(), program=program))
            for program in PROGRAMS.values()
        ]


def starts(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Seconds until a zygote is ready, (count, 2)."""
    found = []
    for _ in range(count):
        pair = []
        for program in PROGRAMS.values():
            start = time.perf_counter()
            with parent.started(PLAN, Limits(), program=program):
                pair.append(time.perf_counter() - start)
        found.append(pair)
        tell("starts", len(found), count)
    return np.array(found)


def children(
    boxes: list[parent.Sandbox], model: sealing.SealedModel, count: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Seconds until a child has loaded and prepared its model, (count, 2)."""
    found = []
    for _ in range(count):
        pair = []
        for box in boxes:
            start = time.perf_counter()
            with (
                closing(areas.Area(SPEC, CLASSES)) as area,
                box.child(model, area, processes.Allowance(60), Synthetic(SPEC, 0).call()),
            ):
                pair.append(time.perf_counter() - start)
        found.append(pair)
        tell("children", len(found), count)
    return np.array(found)


def calls(
    boxes: list[parent.Sandbox], model: sealing.SealedModel, spec: InputSpec, count: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Seconds per call, (PAIRS, 2): the median over the quads of each fresh pair of children.

    Fresh pairs are needed, because a process keeps the place in memory that it happened to get.
    """
    found: list[list[float]] = []
    example = Synthetic(spec, 0).call()
    for _ in range(PAIRS):
        with ExitStack() as stack:
            pair = []
            for box in boxes:
                area = stack.enter_context(closing(areas.Area(spec, CLASSES)))
                opening = box.child(model, area, processes.Allowance(600), example)
                pair.append(stack.enter_context(opening))
            for child in pair:
                child.inputs[:] = example
            for child in pair * 3:
                child.run(20, 10)
            seconds = max(child.run(20, 10).seconds for child in pair) / 20
            number = min(len(pair[0].inputs), max(1, round(0.05 / seconds)))
            quads = [quad(pair, number, first % 2) for first in range(max(2, count // PAIRS))]
            logs = np.log([ours / none for ours, none in quads])
            none = float(np.median([none for _, none in quads]))
            found.append([none * float(np.exp(np.median(logs))), none])
        tell("pairs", len(found), PAIRS)
    return np.array(found)


def quad(pair: list[processes.Child], number: int, first: int) -> tuple[float, float]:
    """Seconds per call of both, in blocks ABBA or BAAB."""
    sums = [0.0, 0.0]
    for side in (first, 1 - first, 1 - first, first):
        sums[side] += pair[side].run(number, 10).seconds / number / 2
    return sums[0], sums[1]


def row(
    what: str, found: np.ndarray[tuple[int, int], np.dtype[np.float64]], unit: str
) -> tuple[object, ...]:
    """A row of the table. The cost of a call is a share, that of a start is in seconds."""
    ours, none = np.median(found, axis=0)
    if unit == "call":
        logs = np.log(found[:, 0] / found[:, 1])
        cost, error = float(np.mean(logs)), float(np.std(logs, ddof=1) / np.sqrt(len(logs)))
        within = "yes" if cost <= MOST_SHARE + 2 * error else "no"
        figures = (f"{cost:+.2%}", f"{error:.2%}", f"{MOST_SHARE:.0%}", within)
    else:
        differences = found[:, 0] - found[:, 1]
        cost = float(np.median(differences))
        error = float(np.std(differences, ddof=1) / np.sqrt(len(differences)))
        is_bound = unit == "child"
        within = "yes" if cost <= MOST_SECONDS + 2 * error else "no"
        allowed = f"{MOST_SECONDS * 1000:.0f} ms" if is_bound else ""
        within = within if is_bound else ""
        figures = (f"{cost * 1000:+.1f} ms", f"{error * 1000:.1f} ms", allowed, within)
    return (what, len(found), f"{ours * 1000:.3f} ms", f"{none * 1000:.3f} ms", *figures)


def tell(what: str, done: int, count: int) -> None:
    print(f"\r{what}: {done} of {count}   ", end="", file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser("python -m benchmarks.sandbox", description=__doc__)
    command.add_argument("--starts", type=int, default=5, help="of each zygote")
    command.add_argument("--children", type=int, default=20, help="of each")
    command.add_argument("--quads", type=int, default=400, help="of each network's calls")
    command.add_argument("--quick", action="store_true", help="shows that it works, proves little")
    return command


if __name__ == "__main__":
    main()
