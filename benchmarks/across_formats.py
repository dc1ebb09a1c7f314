"""One network in several formats, each against the same TorchScript reference: the network itself.

The bare ratio comes from long runs of each file alone, in alternating stretches. The bars: ONNX at
most 0.85; ONNX in int8 at most 0.45 if the processor has VNNI.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import scoring
from benchmarks import bare, nets, tables
from benchmarks.bare import Truth
from scoring import hardware
from scoring.images import albums
from scoring.job import Formula, InputSpec, Job, Plan, Report, Split

BARS = {"torchscript": None, "onnx": 0.85, "int8-onnx": 0.45}


def main() -> None:
    options = parser().parse_args()
    if options.quick:
        options.evaluations, options.rounds, options.max_seconds = 1, 3, 3.0
    print(tables.machine_line())
    print("processor:", ", ".join(hardware.cpu_features() or ()) or "no wide instructions")
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        place = Path(folder)
        data = nets.pictures(place / "images.zip", options.images)
        job = Job(
            reference=nets.saved(nets.residual, place / "reference.pt"),
            splits=(Split("public", data),),
            classes=nets.CLASSES,
            formula=Formula(quality_ref=0.5),
            plan=Plan(max_seconds=options.max_seconds, max_half_width=0),
            cache=place / "cache",
        )
        labelled = albums.labelled(data, nets.CLASSES)
        pixels = np.array(albums.pixels(labelled, InputSpec(), place / "cache")[:200])
        paths = {
            "torchscript": nets.saved(nets.residual, place / "same.pt"),
            "onnx": nets.saved(nets.residual, place / "same.onnx"),
            "int8-onnx": nets.saved(nets.residual, place / "int8.onnx", torch.from_numpy(pixels)),
        }
        inputs = place / "inputs.npy"
        np.save(inputs, albums.normalized(pixels, InputSpec()))
        truths = alone(inputs, job.reference, paths, options)
        calibration = scoring.evaluate(job).timing
        assert calibration
        job = replace(job, pace=calibration.pace)
        reports: dict[str, list[Report]] = {}
        for number in range(options.evaluations):
            for name, path in paths.items():
                report = scoring.evaluate(replace(job, submission=path, seed=number))
                reports.setdefault(name, []).append(report)
                assert report.timing, report.failure
                print(number, name, report.timing.time_ratio, file=sys.stderr, flush=True)
    show(truths, reports)
    print(tables.machine_line())


def alone(
    inputs: Path, reference: Path, paths: dict[str, Path], options: argparse.Namespace
) -> dict[str, Truth]:
    """Bare ratios: the seconds per call of each file / those of the reference."""
    truths = {name: Truth() for name in paths}
    with bare.started(inputs, [reference, *paths.values()], favoured=True) as runner:
        calls = [
            max(20, int(options.stretch / (runner.seconds(model, 50) / 50)))
            for model in range(1 + len(paths))
        ]
        for _ in range(options.rounds):
            for number, name in enumerate(paths, start=1):
                beside = runner.seconds(0, calls[0]) / calls[0]
                took = runner.seconds(number, calls[number]) / calls[number]
                truths[name].logs.append(math.log(took / beside))
    return truths


def show(truths: dict[str, Truth], reports: dict[str, list[Report]]) -> None:
    rows = []
    for name, found in reports.items():
        timings = [one.timing for one in found if one.timing]
        ratio = float(np.mean([one.time_ratio for one in timings]))
        bar = BARS[name]
        rows.append(
            (
                name,
                len(timings),
                f"{ratio:.3f}",
                f"{np.mean([one.half_width for one in timings]):.3f}",
                f"{truths[name].ratio:.3f}",
                f"{truths[name].error:.1%}",
                bar or "",
                "" if bar is None else "yes" if ratio <= bar else "no",
            )
        )
    tables.show(("format", "n", "ratio", "+-", "bare", "s.e.", "bar", "ok"), rows)


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser("python -m benchmarks.across_formats", description=__doc__)
    command.add_argument("--evaluations", type=int, default=3, help="of each format")
    command.add_argument("--rounds", type=int, default=20, help="of stretches of each file alone")
    command.add_argument("--stretch", type=float, default=1.0, help="seconds")
    command.add_argument("--images", type=int, default=1000)
    command.add_argument("--max-seconds", type=float, default=20.0, help="cap of each measuring")
    command.add_argument("--quick", action="store_true", help="shows that it works, proves little")
    return command


if __name__ == "__main__":
    main()
