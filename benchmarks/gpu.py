"""The protocol on a real GPU: the reference against itself, a narrower, a wider and a shallow net.

The table also has the quotient of long bare runs in one process, by the clock of that process and
by the events of the GPU. If torch sees no GPU, the command says so and ends with exit code 3.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

import scoring
from benchmarks import bare, nets, tables
from scoring import hardware
from scoring.errors import EngineError
from scoring.images import albums
from scoring.job import Formula, InputSpec, Job, Plan, Split
from scoring.sandbox import selftest

NETS: dict[str, Callable[[], nn.Module]] = {
    "itself": partial(nets.residual, (64, 128, 256, 512), 2),
    "narrower": partial(nets.residual, (32, 64, 128, 256), 2),
    "wider": partial(nets.residual, (96, 192, 384, 768), 2),
    "shallow": partial(nets.shallow, 64),
}
NO_GPU = 3


def main() -> int:
    options = parser().parse_args()
    if options.quick:
        options.runs, options.images, options.rounds, options.max_seconds = 1, 500, 3, 4.0
    asked = [sys.executable, "-c", "import torch, sys; sys.exit(not torch.cuda.is_available())"]
    if subprocess.run(asked, check=False).returncode:
        print("There is no GPU here that torch can use; nothing was measured.")
        return NO_GPU
    print(f"{tables.machine_line()}; {hardware.gpu_model()}")
    print(f"sandbox: {sandboxed()}", flush=True)
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        measured(Path(folder), options)
    return 0


def sandboxed() -> str:
    """What the self-test says on this GPU."""
    try:
        found = selftest.breaches(Plan(device="cuda"))
    except EngineError as error:
        return f"{error.code}: {error}"
    return "; ".join(map(str, found)) or "held"


def measured(workplace: Path, options: argparse.Namespace) -> None:
    """Print a line for each evaluation."""
    paths = {name: nets.saved(make, workplace / f"{name}.pt") for name, make in NETS.items()}
    job = Job(
        reference=paths["itself"],
        splits=(Split("public", nets.pictures(workplace / "images.zip", options.images)),),
        classes=nets.CLASSES,
        formula=Formula(quality_ref=0.5),
        input=InputSpec(224, 224, batch_size=options.batch_size),
        plan=Plan(device="cuda", max_half_width=0, max_seconds=options.max_seconds),
        cache=workplace / "cache",
    )
    by_wall, by_events = bare_ratios(workplace, list(paths.values()), job, options)
    rows: list[tuple[object, ...]] = []
    in_force: tuple[str, ...] = ()
    for number, (name, model) in enumerate(paths.items()):
        for run in range(options.runs):
            report = scoring.evaluate(
                replace(job, submission=None if name == "itself" else model, seed=run)
            )
            timing = report.timing
            assert timing, report.failure
            in_force = tuple(map(str, timing.in_force))
            rows.append(
                (
                    name,
                    run + 1,
                    f"{timing.time_ratio:.4f}",
                    f"{timing.half_width / timing.time_ratio:.2%}",
                    f"{by_wall[number]:.4f}",
                    f"{by_events[number]:.4f}",
                    f"{timing.reference_seconds_per_image * 1000:.4f} ms",
                    len(timing.quads),
                    " | ".join(map(str, report.hardware.get("gpu_clocks", []))),
                    "; ".join(map(str, timing.flags)),
                )
            )
            print(*rows[-1], file=sys.stderr, flush=True)
    tables.show(
        (
            "submission",
            "run",
            "ratio",
            "+-",
            "bare",
            "by events",
            "reference",
            "quads",
            "clocks",
            "findings",
        ),
        rows,
    )
    print(f"in force: {', '.join(in_force)}")


def bare_ratios(
    workplace: Path, models: list[Path], job: Job, options: argparse.Namespace
) -> tuple[list[float], list[float]]:
    """Time of each model / time of the first one, by both clocks: sums of alternating stretches."""
    labelled = albums.labelled(job.splits[0].images, nets.CLASSES)
    pixels = albums.pixels(labelled, job.input, workplace / "cache")
    inputs = workplace / "inputs.npy"
    np.save(inputs, albums.normalized(pixels[:400], job.input))
    seconds = np.zeros((len(models), 2))
    with bare.started(
        inputs, models, favoured=True, device="cuda", batch_size=options.batch_size
    ) as runner:
        calls = [int(1 + 100 / runner.seconds(model, 100)) for model in range(len(models))]
        for _ in range(options.rounds):
            for model in range(len(models)):
                seconds[model] += np.array(runner.clocks(model, calls[model])) / calls[model]
    by_wall, by_events = (seconds / seconds[0]).T.tolist()
    return by_wall, by_events


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser("python -m benchmarks.gpu", description=__doc__)
    command.add_argument("--runs", type=int, default=3, help="of each net")
    command.add_argument("--rounds", type=int, default=10, help="of a bare second of each net")
    command.add_argument("--images", type=int, default=4000)
    command.add_argument("--batch-size", type=int, default=8)
    command.add_argument("--max-seconds", type=float, default=Plan().max_seconds)
    command.add_argument("--quick", action="store_true", help="one short run of each")
    return command


if __name__ == "__main__":
    sys.exit(main())
