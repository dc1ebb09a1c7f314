"""Whether the ratio of the protocol is the right one.

The truth is the quotient of two long bare runs, each model alone in one process, in alternating
stretches. The plain and the corrected ratio are compared with it. The corrected one is read at the
reference's time in the same long runs; the reference's own noise comes from a run against itself.
The reference is TorchScript, whatever the format of the models is.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

import scoring
from benchmarks import bare, nets, tables
from benchmarks.bare import Truth
from scoring import formats
from scoring.images import albums
from scoring.job import Formula, InputSpec, Job, Pace, Plan, Report, Split
from scoring.timing import correction, intervals, plain, robust, tally

NETS: dict[str, Callable[[], nn.Module]] = {
    "0.1x": partial(nets.shallow, 8),
    "0.35x": partial(nets.shallow, 24),
    "1x": partial(nets.residual, (32, 64, 128, 240)),
    "2x": partial(nets.wide, 96),
}
TOLERATED, TOLERATED_OF_FEW = 0.015, 0.03
FEW = 300
BLOCK_SECONDS = 0.1
"""Seconds of the reference between two probes, so that a probe finds the caches as in a quad."""


def main() -> None:
    options = parser().parse_args()
    if options.quick:
        options.rounds, options.stretch, options.max_seconds = 3, 1.0, 4.0
    print(tables.machine_line())
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        workplace = Path(folder)
        paths = [nets.saved(nets.residual, workplace / "reference.pt")]
        ending = formats.named(options.format).endings[0]
        paths += [nets.saved(make, workplace / f"{name}{ending}") for name, make in NETS.items()]
        jobs = {
            count: job_of(workplace, paths[0], count, options) for count in (options.images, FEW)
        }
        inputs = workplace / "inputs.npy"
        one = jobs[options.images]
        labelled = albums.labelled(one.splits[0].images, nets.CLASSES)
        pixels = albums.pixels(labelled, one.input, workplace / "cache")
        np.save(inputs, albums.normalized(pixels[:500], one.input))
        itself = scoring.evaluate(replace(one, plan=replace(one.plan, target_half_width=0.0)))
        assert itself.timing
        scatter = itself.timing.reference_scatter
        truths = {name: Truth() for name in NETS}
        paces: list[Pace] = []
        reports: dict[tuple[str, int], list[Report]] = {}
        each = max(1, options.rounds // options.evaluations)
        deadline = time.monotonic() + 60 * options.minutes
        for number in range(options.rounds):
            if time.monotonic() > deadline:
                print(f"Stopped after {options.minutes:g} minutes, {number} rounds.")
                break
            stretch(inputs, paths, truths, paces, options.stretch)
            if number % each:
                continue
            for (name, path), (count, job) in (
                (net, set_) for net in zip(NETS, paths[1:], strict=True) for set_ in jobs.items()
            ):
                report = scoring.evaluate(replace(job, submission=path, seed=number))
                reports.setdefault((name, count), []).append(report)
                assert report.timing
                print(number, name, count, report.timing.time_ratio, file=sys.stderr, flush=True)
    show(truths, paces, scatter, reports)
    print(tables.machine_line())


def job_of(workplace: Path, reference: Path, count: int, options: argparse.Namespace) -> Job:
    return Job(
        reference=reference,
        splits=(Split("public", nets.pictures(workplace / f"{count}.zip", count)),),
        classes=nets.CLASSES,
        formula=Formula(quality_ref=0.5),
        input=InputSpec(),
        plan=Plan(max_seconds=options.max_seconds, max_half_width=0),
        cache=workplace / "cache",
    )


def stretch(
    inputs: Path,
    paths: list[Path],
    truths: dict[str, Truth],
    paces: list[Pace],
    seconds: float,
) -> None:
    """Run each model alone for a while, in a new process.

    The reference runs before and after every two models.
    """
    with bare.started(inputs, paths, favoured=True) as runner:
        speeds = [runner.seconds(i, 50) / 50 for i in range(len(paths))]

        def alone(model: int) -> float:
            calls = max(50, int(seconds / speeds[model]))
            return runner.seconds(model, calls) / calls

        def reference() -> float:
            calls = max(1, round(BLOCK_SECONDS / speeds[0]))
            blocks, probes = [], []
            for _ in range(max(1, round(seconds / BLOCK_SECONDS))):
                probes.append(runner.seconds(bare.PROBE, 1))
                blocks.append(runner.seconds(0, calls) / calls)
            middle = math.exp(robust.trimmed_mean(np.log(probes)))
            paces.append(Pace(float(np.mean(blocks)), middle))
            return paces[-1].reference_seconds

        names = list(truths)
        before = reference()
        for first in range(0, len(names), 2):
            pair = names[first : first + 2]
            measured = [alone(1 + first + number) for number in range(len(pair))]
            after = reference()
            for name, one, beside in zip(pair, measured, (before, after), strict=False):
                truths[name].logs.append(math.log(one / beside))
            before = after


def show(
    truths: dict[str, Truth],
    paces: list[Pace],
    scatter: tuple[float, float],
    reports: dict[tuple[str, int], list[Report]],
) -> None:
    calibrated = Pace(
        float(np.mean([one.reference_seconds for one in paces])),
        float(np.mean([one.probe_seconds for one in paces])),
        scatter,
    )
    rows = []
    for (name, count), found in reports.items():
        quads = [tally.counted(one.timing.quads) for one in found if one.timing]
        methods = {
            "plain": [plain.estimate(one) for one in quads],
            "corrected": [correction.estimate(one, calibrated) for one in quads],
        }
        tolerated = TOLERATED_OF_FEW if count == FEW else TOLERATED
        for method, estimates in methods.items():
            figures = compared(estimates, truths[name], tolerated)
            rows.append((name, count, method, len(estimates), *figures))
    head = ("net", "images", "ratio", "n", "truth", "s.e.", "mean", "bias", "limit", "ok")
    tables.show((*head, "held", "held by both"), rows)
    print("held: the truth, by the intervals alone and by them and the truth's own of 2 s.e.")
    print(
        f"reference alone: {calibrated.reference_seconds * 1000:.3f} ms; probe "
        f"{calibrated.probe_seconds * 1000:.3f} ms"
    )


def compared(
    estimates: Sequence[intervals.Estimate], truth: Truth, tolerated: float
) -> tuple[str, ...]:
    """The columns from the truth on: bias and coverage of these estimates."""
    ratios = np.array([one.ratio for one in estimates])
    widths = np.array([one.half_width for one in estimates])
    bias = float(np.expm1(np.log(ratios / truth.ratio).mean()))
    limit = tolerated + 2 * truth.error
    off = abs(ratios - truth.ratio)
    widened = np.hypot(widths, intervals.Z * truth.error * truth.ratio)
    return (
        f"{truth.ratio:.4f}",
        f"{truth.error:.2%}",
        f"{ratios.mean():.4f}",
        f"{bias:+.2%}",
        f"{limit:.2%}",
        "yes" if abs(bias) <= limit else "no",
        f"{np.mean(off <= widths):.0%}",
        f"{np.mean(off <= widened):.0%}",
    )


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser("python -m benchmarks.timing_bias", description=__doc__)
    command.add_argument("--rounds", type=int, default=30, help="of stretches of every model alone")
    command.add_argument("--stretch", type=float, default=10.0, help="seconds")
    command.add_argument(
        "--evaluations", type=int, default=10, help="of each net and set of images"
    )
    command.add_argument("--images", type=int, default=1500)
    command.add_argument("--max-seconds", type=float, default=60.0, help="cap of each measuring")
    command.add_argument("--minutes", type=float, default=600.0, help="stop after so many")
    command.add_argument(
        "--format", choices=[one.name for one in formats.FORMATS], default="torchscript"
    )
    command.add_argument("--quick", action="store_true", help="shows that it works, proves little")
    return command


if __name__ == "__main__":
    main()
