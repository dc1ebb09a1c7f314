"""What a whole evaluation costs, in units of one bare pass of the submission.

Images are generated JPEGs of all sizes. The reference is like a ResNet18; the submissions take
about 0.2 to 2 times as long. The bare pass runs the submission once over as many prepared tensors,
in one process. The first row decodes the images; the other rows find them in the cache.

`--tiny`: 300 small images, a smaller reference, and a model of some 50 microseconds. Its passes
cost little besides the start of processes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from torch import nn

import scoring
from benchmarks import bare, nets, tables
from scoring.images import albums
from scoring.job import Formula, InputSpec, Job, Plan, Split

SIDES = (180, 224, 320, 400, 512, 640)
PREPARED = 256
"""Tensors that the bare pass uses again and again: more than any cache holds."""
NETS: dict[str, Callable[[], nn.Module]] = {
    "0.2x": partial(nets.residual, (24, 48, 96, 192), 2),
    "0.9x": partial(nets.residual, (64, 128, 256, 448), 2),
    "2x": partial(nets.residual, (96, 192, 384, 768), 2),
    "tiny": nets.minute,
}
FACTOR, SPARE_SECONDS = 1.25, 8.0
TINY_IMAGES, TINY_SIDE, TINY_SECONDS = 300, 64, 40.0


def main() -> None:
    options, plan = parser().parse_args(), Plan()
    if options.quick:
        options.images, options.size, options.nets = 200, 96, ["0.2x"]
        plan = Plan(max_seconds=5.0)
    sides: tuple[int, ...] = SIDES
    reference_net = partial(nets.residual, (64, 128, 256, 512), 2)
    if options.tiny:
        options.images, options.size, options.nets = TINY_IMAGES, TINY_SIDE, ["tiny"] * 3
        sides, reference_net = (TINY_SIDE,), partial(nets.residual)
    print(tables.machine_line())
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        workplace = Path(folder)
        data = nets.pictures(workplace / "images.zip", options.images, sides)
        job = Job(
            reference=nets.saved(reference_net, workplace / "ref.pt"),
            splits=(Split("public", data),),
            classes=nets.CLASSES,
            formula=Formula(quality_ref=0.5),
            input=InputSpec(options.size, options.size),
            plan=plan,
            cache=workplace / "cache",
        )
        if options.calibrated or options.tiny:
            job = calibrated(job)
        for name in [options.nets[0], *options.nets]:
            model = workplace / f"{name}.pt"
            if not model.exists():
                nets.saved(NETS[name], model)
            rows.append(row(name, job, model, workplace))
            print(*rows[-1], flush=True)
    head = ("submission", "images", "bare", "evaluation", "over bare", "allowed", "within")
    more = ("ratio", "+-", "quads", "published", "parent MB", "child MB", "stages")
    tables.show(head + more, rows)
    print(tables.machine_line())


def calibrated(job: Job) -> Job:
    """The job as a competition has it: with the pace that its calibration found."""
    plan = job.plan.of_calibration()
    report = scoring.evaluate(replace(job, formula=Formula(), plan=plan, cache=None))
    assert report.timing, report.failure
    pace = report.timing.pace
    print(
        f"calibration: reference {pace.reference_seconds * 1000:.3f} ms, A/A ratio "
        f"{report.timing.time_ratio:.4f} +- {report.timing.half_width:.4f}"
    )
    return replace(job, pace=pace)


def row(name: str, job: Job, model: Path, workplace: Path) -> tuple[object, ...]:
    cached = (workplace / "cache").exists()
    with Memory() as memory:
        start = time.monotonic()
        report = scoring.evaluate(replace(job, submission=model, seed=time.time_ns() % (1 << 32)))
        wall = time.monotonic() - start
    timing = report.timing
    assert timing, report.failure
    inputs = workplace / "inputs.npy"
    labelled = albums.labelled(job.splits[0].images, job.classes)
    count = len(labelled.names)
    if not inputs.exists():
        pixels = albums.pixels(labelled, job.input, workplace / "cache")
        np.save(inputs, albums.normalized(pixels[:PREPARED], job.input))
    with bare.started(inputs, [model], favoured=True) as runner:
        seconds = runner.seconds(0, count)
    allowed = TINY_SECONDS if name == "tiny" else FACTOR * seconds + SPARE_SECONDS
    return (
        name if cached else f"{name}, decoding",
        count,
        f"{seconds:.2f} s",
        f"{wall:.1f} s",
        f"{wall / seconds:.2f}x",
        f"{allowed:.1f} s",
        ("yes" if wall <= allowed else "no") if cached else "",
        f"{timing.time_ratio:.3f}",
        f"{timing.half_width / timing.time_ratio:.1%}",
        len(timing.quads),
        "yes" if report.status == "scored" else "no",
        f"{memory.parent >> 20}",
        f"{memory.child >> 20}",
        ", ".join(f"{stage} {took:.1f}" for stage, took in report.stages.items() if took >= 0.05),
    )


class Memory:
    """Peaks of anonymous memory of this process and of its descendants, sampled."""

    parent = 0
    child = 0

    def __enter__(self) -> Memory:
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self.thread.join()

    def watch(self) -> None:
        while not self.done.wait(0.5):
            self.parent = max(self.parent, anonymous(os.getpid()))
            for pid in descendants(os.getpid()):
                self.child = max(self.child, anonymous(pid))


def anonymous(pid: int) -> int:
    """Bytes of anonymous memory a process holds; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    found = [line.split()[1] for line in lines if line.startswith("RssAnon")]
    return int(found[0]) << 10 if found else 0


def descendants(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [one for child in map(int, children) for one in (child, *descendants(child))]


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser("python -m benchmarks.evaluation_cost", description=__doc__)
    command.add_argument("--images", type=int, default=5217)
    command.add_argument("--size", type=int, default=224)
    choices = [name for name in NETS if name != "tiny"]
    command.add_argument("--nets", nargs="+", choices=choices, default=choices)
    command.add_argument(
        "--calibrated",
        action="store_true",
        help="calibrate first, as a competition does: the ratio is then the corrected one",
    )
    kind = command.add_mutually_exclusive_group()
    kind.add_argument(
        "--tiny",
        action="store_true",
        help="300 images of 64 pixels, a small reference and a model of some 50 us, calibrated and "
        "then measured four times; instead of --images, --size and --nets",
    )
    kind.add_argument(
        "--quick",
        action="store_true",
        help="200 small images, one net: shows that it works; instead of these, too",
    )
    return command


if __name__ == "__main__":
    main()
