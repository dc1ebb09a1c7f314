"""What an honest network gains by pretending to be faster.

The same network in disguises, each evaluated beside the undisguised one in turn.
Gain = honest ratio / disguised ratio - 1. A model that takes six times as long on one image in ten
is held against what that must cost: the honest network's ratio and that of one always so dear.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

import scoring
from benchmarks import cheats, nets, tables
from scoring import images
from scoring.job import Formula, InputSpec, Job, Plan, Report, Split

TOLERATED = 0.01
EXIT, BETWEEN = "dear on 10 % of the images", "works between its calls"
TWIN = "works inside its calls"


def main() -> None:
    options = parser().parse_args()
    if options.quick:
        options.runs, options.max_seconds = 2, 3.0
    print(tables.machine_line())
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        place = Path(folder)
        wanted = {
            name: disguise
            for name, disguise in cheats.DISGUISES.items()
            if not options.only or any(word in name for word in options.only)
        }
        job, share = prepared(place, options)
        reports: dict[str, list[Report]] = {}
        models: dict[str, type[nn.Module]] = {
            "honest": cheats.Honest,
            TWIN: cheats.WorksInside,
            "dear": cheats.Dear,
        }
        deadline = time.monotonic() + 60 * options.minutes
        for number in range(options.runs):
            if time.monotonic() > deadline:
                print(f"Stopped after {options.minutes:g} minutes, {number} runs of each.")
                break
            for name, model in (models | wanted).items():
                path = place / f"{name}.pt"
                if not path.exists():
                    nets.saved(model, path)
                one = replace(job, submission=path, seed=options.seed + 1000 * number)
                reports.setdefault(name, []).append(scoring.evaluate(one))
                print(describe(name, reports[name][-1]), file=sys.stderr, flush=True)
    show(reports, share)
    print(tables.machine_line())


def prepared(place: Path, options: argparse.Namespace) -> tuple[Job, float]:
    """A job without a submission, and the share of its images that are dear to an early exit."""
    data = nets.pictures(place / "images.zip", options.images)
    plan = Plan(max_seconds=options.max_seconds, target_half_width=0.0, max_half_width=0)
    job = Job(
        reference=nets.saved(nets.residual, place / "reference.pt"),
        splits=(Split("public", data),),
        classes=nets.CLASSES,
        input=InputSpec(),
        formula=Formula(f1_ref=0.5),
        plan=plan,
        cache=place / "cache",
    )
    pixels = images.pixels(images.labelled(data, nets.CLASSES), job.input, place / "cache")
    inputs = torch.from_numpy(images.normalized(pixels, job.input))
    calibration = scoring.evaluate(job).timing
    assert calibration
    job = replace(job, pace=calibration.pace)
    return job, float(np.mean([cheats.is_dear(image[None]) for image in inputs]))


def show(reports: dict[str, list[Report]], share: float) -> None:
    honest, dear = ratios(reports["honest"]), ratios(reports["dear"])
    rows: list[tuple[object, ...]] = []
    for name, found in reports.items():
        scored = [i for i, one in enumerate(found) if one.status == "scored"]
        codes = sorted({one.failure.code for one in found if one.failure})
        flags = sorted({flag for one in found if one.timing for flag in one.timing.flags})
        row: list[object] = [name, len(found), f"{len(scored)} scored" if scored else "", *[""] * 5]
        if scored:
            theirs = ratios(found)[scored]
            ours = honest[scored]
            if name == EXIT:
                ours = (1 - share) * ours + share * dear[scored]
            if name == BETWEEN:
                ours = ratios(reports[TWIN])[scored]
            gains = np.log(ours / theirs)
            gain = float(np.expm1(gains.mean()))
            error = float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else np.nan
            row[3:8] = [
                f"{theirs.mean():.4f}",
                f"{gain:+.2%}",
                f"{error:.2%}",
                ""
                if name in ("honest", "dear", TWIN)
                else "no"
                if gain > TOLERATED + error
                else "yes",
                "; ".join(flags),
            ]
        if codes:
            row[2] = f"{row[2]} {len(found) - len(scored)} {', '.join(codes)}".strip()
        rows.append(tuple(row))
    head = ("disguise", "runs", "outcome", "ratio", "gain", "s.e.", "held", "findings")
    tables.show(head, rows)
    print(f"held: the gain is at most {TOLERATED:.0%} + its standard error.")


def ratios(reports: list[Report]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Time ratios, NaN where an evaluation failed."""
    return np.array([one.timing.time_ratio if one.timing else np.nan for one in reports])


def describe(name: str, report: Report) -> str:
    now = time.strftime("%H:%M:%S", time.gmtime())
    if report.timing is None or report.failure:
        return f"{now} {name}: {report.failure.code if report.failure else report.status}"
    timing = report.timing
    return (
        f"{now} {name}: {timing.time_ratio:.4f} +- {timing.half_width / timing.time_ratio:.1%} by "
        f"{timing.plain_by}, {len(timing.quads)} quads, {' '.join(timing.flags)}"
    )


def parser() -> argparse.ArgumentParser:
    one = argparse.ArgumentParser("python -m benchmarks.timing_cheats", description=__doc__)
    one.add_argument("--runs", type=int, default=8, help="of each disguise")
    one.add_argument("--images", type=int, default=1500)
    one.add_argument("--max-seconds", type=float, default=10.0, help="of each measuring")
    one.add_argument("--minutes", type=float, default=600.0, help="stop after so many")
    one.add_argument("--only", nargs="+", default=[], help="words of the disguises to try")
    one.add_argument("--seed", type=int, default=0)
    one.add_argument(
        "--quick", action="store_true", help="two short runs each: shows that it works"
    )
    return one


if __name__ == "__main__":
    main()
