"""What an honest network gains by disguises that pretend to be faster.

Each disguise is evaluated in turn with the network itself. Gain = honest ratio / disguised ratio -
1. The early exit takes six times as long on one image in ten. Its honest ratio is what that must
cost, from the network itself and from a model that always takes six times as long.

Of many disguises some seem to gain by chance. A disguise that seems to gain is run again as often,
twice at most, and judged by all of its runs.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

import scoring
from benchmarks import cheats, cheats_onnx, nets, tables
from scoring import formats
from scoring.images import albums
from scoring.job import Formula, InputSpec, Job, Plan, Report, Split

TOLERATED = 0.01
EXIT, BETWEEN = "dear on 10 % of the images", "works between its calls"
TWIN = "works inside its calls"
HONEST: dict[str, dict[str, type[nn.Module]]] = {
    "torchscript": {"honest": cheats.Honest, TWIN: cheats.WorksInside, "dear": cheats.Dear},
    "onnx": {"honest": cheats.Honest, TWIN: cheats.WorksInside, "dear": cheats_onnx.Dear},
}
"""By format: what the disguises are held against, in every round."""
DISGUISES = {"torchscript": cheats.DISGUISES, "onnx": cheats_onnx.DISGUISES}
NAMES = frozenset(name for honest in HONEST.values() for name in honest)


def main() -> None:
    options = parser().parse_args()
    if options.quick:
        options.runs, options.again, options.max_seconds = 2, 0, 3.0
    print(tables.machine_line())
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        workplace = Path(folder)
        wanted = {
            name: disguise
            for name, disguise in DISGUISES[options.format].items()
            if not options.only or any(word in name for word in options.only)
        }
        job, share = prepared(workplace, options)
        ending = formats.named(options.format).endings[0]
        reports: dict[str, list[Report]] = {}
        deadline = time.monotonic() + 60 * options.minutes
        for number in range((1 + options.again) * options.runs):
            if number and number % options.runs == 0:
                wanted = {name: wanted[name] for name in not_held(reports, share)}
            if not wanted:
                break
            if time.monotonic() > deadline:
                print(f"Stopped after {options.minutes:g} minutes and {number} rounds.")
                break
            for name, model in (HONEST[options.format] | wanted).items():
                path = workplace / f"{name}{ending}"
                if not path.exists():
                    nets.saved(model, path)
                one = replace(job, submission=path, seed=options.seed + 1000 * number)
                reports.setdefault(name, []).append(scoring.evaluate(one))
                print(describe(name, reports[name][-1]), file=sys.stderr, flush=True)
    show(reports, share)
    print(tables.machine_line())


def prepared(workplace: Path, options: argparse.Namespace) -> tuple[Job, float]:
    """A job without a submission, and the share of images on which an early exit is slow."""
    data = nets.pictures(workplace / "images.zip", options.images)
    plan = Plan(max_seconds=options.max_seconds, target_half_width=0.0, max_half_width=0)
    job = Job(
        reference=nets.saved(nets.residual, workplace / "reference.pt"),
        splits=(Split("public", data),),
        classes=nets.CLASSES,
        input=InputSpec(),
        formula=Formula(quality_ref=0.5),
        plan=plan,
        cache=workplace / "cache",
    )
    pixels = albums.pixels(albums.labelled(data, nets.CLASSES), job.input, workplace / "cache")
    inputs = torch.from_numpy(albums.normalized(pixels, job.input))
    calibration = scoring.evaluate(job).timing
    assert calibration
    job = replace(job, pace=calibration.pace)
    return job, float(np.mean([cheats.is_dear(image[None]) for image in inputs]))


def show(reports: dict[str, list[Report]], share: float) -> None:
    rows: list[tuple[object, ...]] = []
    for name, found in reports.items():
        scored = sum(one.status == "scored" for one in found)
        codes = sorted({one.failure.code for one in found if one.failure})
        flags = sorted({str(flag) for one in found if one.timing for flag in one.timing.flags})
        outcome = f"{scored} scored" if scored else ""
        if codes:
            outcome = f"{outcome} {len(found) - scored} {', '.join(codes)}".strip()
        figures = [""] * 4
        if scored:
            found_gain = gain(name, reports, share)
            figures = [
                f"{np.nanmean(ratios(found)):.4f}",
                f"{found_gain.value:+.2%}",
                f"{found_gain.standard_error:.2%}",
                "" if name in NAMES else "yes" if found_gain.held else "no",
            ]
        rows.append((name, len(found), outcome, *figures, "; ".join(flags)))
    head = ("disguise", "runs", "outcome", "ratio", "gain", "s.e.", "held", "findings")
    tables.show(head, rows)
    print(f"held: the gain is at most {TOLERATED:.0%} + its standard error.")


def not_held(reports: dict[str, list[Report]], share: float) -> list[str]:
    """Disguises that were scored and seem to gain."""
    return [
        name
        for name, found in reports.items()
        if name not in NAMES
        and any(one.status == "scored" for one in found)
        and not gain(name, reports, share).held
    ]


@dataclass(frozen=True)
class Gain:
    """Gain of a disguise over the honest network, with its standard error; both relative."""

    value: float
    standard_error: float

    @property
    def held(self) -> bool:
        return self.value <= TOLERATED + self.standard_error


def gain(name: str, reports: dict[str, list[Report]], share: float) -> Gain:
    """What a disguise gained in those of its runs that were scored, each beside the runs of its
    round."""
    disguised = ratios(reports[name])
    honest, twin, dear = (
        ratios(reports[one])[: len(disguised)] for one in ("honest", TWIN, "dear")
    )
    expected = honest
    if name == EXIT:
        expected = (1 - share) * honest + share * dear
    if name == BETWEEN:
        expected = twin
    gains = np.log(expected / disguised)
    gains = gains[~np.isnan(gains)]
    error = float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else math.nan
    return Gain(float(np.expm1(gains.mean())), error)


def ratios(reports: list[Report]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Time ratios, NaN where an evaluation failed."""
    scored = (one.timing if one.status == "scored" else None for one in reports)
    return np.array([timing.time_ratio if timing else np.nan for timing in scored])


def describe(name: str, report: Report) -> str:
    now = time.strftime("%H:%M:%S", time.gmtime())
    if report.timing is None or report.failure:
        return f"{now} {name}: {report.failure.code if report.failure else report.status}"
    timing = report.timing
    return (
        f"{now} {name}: {timing.time_ratio:.4f} +- {timing.half_width / timing.time_ratio:.1%} by "
        f"{timing.plain_by}, {len(timing.quads)} quads, {' '.join(map(str, timing.flags))}"
    )


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser("python -m benchmarks.timing_cheats", description=__doc__)
    command.add_argument("--runs", type=int, default=8, help="of each disguise")
    command.add_argument(
        "--again", type=int, default=2, help="times as many runs of what does not hold, at most"
    )
    command.add_argument("--images", type=int, default=1500)
    command.add_argument("--max-seconds", type=float, default=10.0, help="of each measuring")
    command.add_argument("--minutes", type=float, default=600.0, help="stop after so many")
    command.add_argument("--only", nargs="+", default=[], help="words of the disguises to try")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--format", choices=DISGUISES, default="torchscript")
    command.add_argument(
        "--quick", action="store_true", help="two short runs each: shows that it works"
    )
    return command


if __name__ == "__main__":
    main()
