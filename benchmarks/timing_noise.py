"""How much the time ratio of one network differs from evaluation to evaluation.

Three networks of different character are evaluated again and again, on a quiet machine and beside a
neighbour with bursts of work. Beside each evaluation the naive methods measure the same network.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

import scoring
from benchmarks import bare, joint_fit, neighbour, nets, noise_table, tables
from benchmarks.noise_table import Found
from scoring.images import albums
from scoring.job import Formula, InputSpec, Job, Pace, Plan, Quad, Report, Split
from scoring.timing import correction, plain, publication, tally

NETS: dict[str, Callable[[], nn.Module]] = {
    "shallow": partial(nets.shallow, 24),
    "alike": partial(nets.residual, (32, 64, 128, 208)),
    "wide": partial(nets.wide, 80),
}


def main() -> None:
    options = parser().parse_args()
    if options.quick:
        options.evaluations, options.max_seconds, options.naive_seconds = 3, 8.0, 1.0
    if options.read:
        anew = [estimated_anew(line) for line in lines_of(options.read)]
        if options.all:
            anew = [replace(one, status="scored") for one in anew]
        noise_table.show(anew, noise_table.METHODS | noise_table.JOINT)
        print("Estimated anew; how often and how long each was measured is by the rules of then.")
        return
    print(tables.machine_line())
    found: list[Found] = []
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        bench = Bench(Path(folder), options)
        deadline = time.monotonic() + 60 * options.minutes
        try:
            for _, condition, net in itertools.product(
                range(options.evaluations), options.conditions, NETS
            ):
                if time.monotonic() > deadline:
                    print(f"Stopped after {options.minutes:g} minutes.")
                    break
                found.append(bench.evaluation(net, condition))
                print(describe(found[-1]), file=sys.stderr, flush=True)
                if options.write:
                    with options.write.open("a") as file:
                        file.write(json.dumps(asdict(found[-1])) + "\n")
        except KeyboardInterrupt:
            print("Stopped.")
    noise_table.show(found)
    print(tables.machine_line())


def lines_of(path: Path) -> list[str]:
    """The lines of a file, which may be compressed by gzip."""
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt") as file:
        return file.read().splitlines()


def estimated_anew(line: str) -> Found:
    """A recorded evaluation, whose quads are estimated by the present rules."""
    found = Found(**json.loads(line))
    quads = tally.counted([Quad.from_json(one) for one in found.quads])
    pace = Pace(
        found.calibrated_ms / 1000, found.calibrated_probe_ms / 1000, found.calibrated_scatter
    )
    uncorrected, corrected = plain.estimate(quads), correction.estimate(quads, pace)
    assert corrected.correction
    joint = joint_fit.estimate(quads, pace)
    bounded = joint_fit.estimate(quads, pace, is_bounded=True)
    widest = publication.widest(Plan(), corrected.ratio)
    return replace(
        found,
        status="scored" if corrected.half_width <= widest else "invalid",
        plain=uncorrected.ratio,
        plain_half_width=uncorrected.half_width,
        corrected=corrected.ratio,
        corrected_half_width=corrected.half_width,
        pace_coefficient=corrected.correction.pace_coefficient,
        probe_coefficient=corrected.correction.probe_coefficient or 0.0,
        joint=joint.ratio,
        joint_half_width=joint.half_width,
        bounded=bounded.ratio,
        bounded_half_width=bounded.half_width,
    )


class Bench:
    """Networks, images and the calibration of this run."""

    def __init__(self, workplace: Path, options: argparse.Namespace) -> None:
        self.options = options
        self.count = options.images
        self.paths = {
            name: nets.saved(make, workplace / f"{name}.pt")
            for name, make in ({"reference": nets.residual} | NETS).items()
        }
        data = nets.pictures(workplace / "images.zip", self.count)
        plan = Plan(
            max_seconds=options.max_seconds,
            target_half_width=options.target,
            published=options.published,
        )
        self.job = Job(
            reference=self.paths["reference"],
            splits=(Split("public", data),),
            classes=nets.CLASSES,
            formula=Formula(quality_ref=0.5),
            input=InputSpec(),
            plan=plan,
            cache=workplace / "cache",
        )
        labelled = albums.labelled(data, nets.CLASSES)
        pixels = albums.pixels(labelled, self.job.input, workplace / "cache")
        self.inputs = workplace / "inputs.npy"
        np.save(self.inputs, albums.normalized(pixels[:500], self.job.input))
        self.seed: int = options.seed
        with bare.started(self.inputs, list(self.paths.values())) as naive:
            self.speeds = [naive.seconds(i, 50) / 50 for i in range(len(self.paths))]
            self.stored = self.naive_pass(naive, 0)
        self.pace = self.calibrated()

    def calibrated(self) -> Pace:
        """The pace of a calibration, which is printed."""
        calibration = scoring.evaluate(
            replace(
                self.job,
                formula=Formula(),
                plan=self.job.plan.of_calibration(),
                seed=self.next_seed(),
            )
        )
        assert calibration.timing
        pace = calibration.timing.pace
        print(
            f"calibration: reference {pace.reference_seconds * 1000:.3f} ms, probe "
            f"{pace.probe_seconds * 1000:.3f} ms, alone "
            f"{pace.reference_scatter[0]:.1%} a quad, {pace.reference_scatter[1]:.1%} a "
            "window, A/A ratio "
            f"{calibration.timing.time_ratio:.4f} +- {calibration.timing.half_width:.4f}; "
            f"in force: {', '.join(map(str, calibration.timing.in_force))}"
        )
        return pace

    def evaluation(self, net: str, condition: str) -> Found:
        """One evaluation, and the naive passes. An invalid one is pooled with a second one."""
        job = replace(self.job, submission=self.paths[net], pace=self.pace, earlier=())
        if self.options.once:
            job = replace(job, plan=replace(job.plan, max_half_width=0.0))
        with neighbour.moved_in() if condition == "neighbour" else nullcontext():
            start = time.monotonic()
            report = scoring.evaluate(replace(job, seed=self.next_seed()))
            attempts = 1
            if report.status == "invalid":
                assert report.timing
                attempts = 2
                again = replace(job, seed=self.next_seed(), earlier=report.timing.quads)
                report = scoring.evaluate(again)
            seconds = time.monotonic() - start
            number = list(self.paths).index(net)
            with bare.started(self.inputs, list(self.paths.values())) as naive:
                reference = self.naive_pass(naive, 0)
                submission = self.naive_pass(naive, number)
        return self.found(net, condition, report, attempts, seconds, reference, submission)

    def found(
        self,
        net: str,
        condition: str,
        report: Report,
        attempts: int,
        seconds: float,
        reference: float,
        submission: float,
    ) -> Found:
        timing = report.timing
        assert timing, report.failure
        assert timing.plain_ratio
        assert timing.plain_half_width
        assert timing.corrected_ratio
        assert timing.corrected_half_width
        assert timing.pace_coefficient is not None
        return Found(
            net=net,
            condition=condition,
            status=report.status,
            attempts=attempts,
            seconds=seconds,
            measured_seconds=timing.measured_seconds,
            stored=submission / self.stored,
            passes=submission / reference,
            plain=timing.plain_ratio,
            plain_half_width=timing.plain_half_width,
            corrected=timing.corrected_ratio,
            corrected_half_width=timing.corrected_half_width,
            pace_coefficient=timing.pace_coefficient,
            disturbed_share=timing.disturbed_share,
            reference_ms=1000 * timing.reference_seconds_per_image,
            calibrated_ms=1000 * self.pace.reference_seconds,
            calibrated_probe_ms=1000 * self.pace.probe_seconds,
            calibrated_scatter=self.pace.reference_scatter,
            probe_coefficient=timing.probe_coefficient or 0.0,
            in_force=tuple(map(str, timing.in_force)),
            quads=tuple(quad.to_json() for quad in timing.quads),
        )

    def naive_pass(self, naive: bare.Bare, number: int) -> float:
        """Seconds per image of one pass in one go, of about `--naive-seconds`."""
        calls = max(50, int(self.options.naive_seconds / self.speeds[number]))
        return naive.seconds(number, calls) / calls

    def next_seed(self) -> int:
        self.seed += 1
        return self.seed


def describe(found: Found) -> str:
    return (
        f"{time.strftime('%H:%M:%S', time.gmtime())} {found.condition:9} {found.net:8} "
        f"{found.status:7} plain {found.plain:.4f} +- {found.plain_half_width / found.plain:.1%}, "
        f"corrected {found.corrected:.4f} +- {found.corrected_half_width / found.corrected:.1%} g "
        f"{found.pace_coefficient:.2f} p {found.probe_coefficient:.2f}, "
        f"naive {found.stored:.4f} {found.passes:.4f}; "
        f"reference {found.reference_ms:.3f} ms; "
        f"{found.measured_seconds:.0f} of {found.seconds:.0f} s; "
        f"disturbed {found.disturbed_share:.0%}"
    )


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser("python -m benchmarks.timing_noise", description=__doc__)
    command.add_argument("--evaluations", type=int, default=12, help="of each net and condition")
    command.add_argument("--conditions", nargs="+", default=["quiet", "neighbour"])
    command.add_argument("--images", type=int, default=1000)
    command.add_argument("--max-seconds", type=float, default=60.0, help="cap of each measuring")
    command.add_argument("--target", type=float, default=Plan().target_half_width)
    command.add_argument("--naive-seconds", type=float, default=3.0, help="of each naive pass")
    command.add_argument("--minutes", type=float, default=600.0, help="stop after so many")
    command.add_argument(
        "--once", action="store_true", help="no second attempt, however wide it is"
    )
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--published", choices=("plain", "corrected"), default=Plan().published)
    command.add_argument("--write", type=Path, help="append each evaluation as a line of JSON")
    command.add_argument("--read", type=Path, help="the table of such lines, estimated anew")
    command.add_argument("--all", action="store_true", help="of --read, also what is too wide")
    command.add_argument(
        "--quick",
        action="store_true",
        help="three short evaluations each: shows that it works, proves little",
    )
    return command


if __name__ == "__main__":
    main()
