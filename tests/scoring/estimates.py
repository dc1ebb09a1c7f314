"""Results of the estimator and of whole measurings for fixed input, kept in a file.

`python -m tests.scoring.estimates` writes `data/estimates.json` again. Do so only after an intended
change of the estimator, and say in the commit by how much the figures moved.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import coverage, weather
from scoring.job import Pace, Plan, Quad
from scoring.sentences import spoken
from scoring.timing import findings, outcome, plain, publication, stopping, tally
from tests.scoring.invented import PLAN, Processes, noisy

KEPT = Path(__file__).parent / "data" / "estimates.json"
DEMO = coverage.PLANS["demo"]
Figures = dict[str, Any]
Quads = tuple[Quad, ...]


def estimates() -> dict[str, Figures]:
    """Both ratios, the verdict and the stop rule, for recorded and for synthetic quads."""
    some = [*recorded(), *on_an_invented_machine(), *odd()]
    return {name: estimate(quads, pace) for name, quads, pace in some}


def recorded() -> Iterator[tuple[str, Quads, Pace]]:
    """Quads of a real machine on which other people worked."""
    for number, line in enumerate(map(json.loads, coverage.RECORDED.read_text().splitlines())):
        quads = tuple(Quad.from_json(one) for one in line["quads"])
        yield f"recorded {number} {line['net']}", quads, Pace.from_json(line["pace"])


def on_an_invented_machine() -> Iterator[tuple[str, Quads, Pace]]:
    for scenario, net in ((one, net) for one in coverage.SCENARIOS for net in weather.NETS):
        load = coverage.SCENARIOS[scenario](np.random.default_rng(1))
        machine = weather.Machine(load, 2 * coverage.CALIBRATED + 20.0, seed=1)
        pace = machine.calibrated(DEMO)
        machine.now = coverage.CALIBRATED
        yield f"invented {scenario}, {net}", machine.measured(weather.NETS[net], DEMO, pace), pace


def odd() -> Iterator[tuple[str, Quads, Pace]]:
    """Quads of every kind that a rule treats in a special way."""
    random = np.random.default_rng(7)
    usual = tuple(one_quad(random, n) for n in range(60))
    pace = Pace(0.002, 0.006, (0.01, 0.004))
    yield "usual", usual, pace
    yield "unprobed", tuple(replace(one, probe_seconds=0.0) for one in usual), pace
    yield "of a GPU", tuple(replace(one, submission_load=None) for one in usual), pace
    yield "few", usual[:9], pace
    yield "two", usual[:2], pace
    yield "far from the pace", usual, Pace(0.001, 0.004)
    yield "dear on some", tuple(dearer(one, n % 5 == 0) for n, one in enumerate(usual)), pace
    yield "tiny", tuple(scaled(one, 0.01) for one in usual), pace
    yield "whole passes", tuple(replace(one, whole_pass=True) for one in usual), pace
    yield (
        "disturbed",
        tuple(replace(one, disturbed=n % 2 == 0) for n, one in enumerate(usual)),
        pace,
    )
    alone = tuple(replace(one, alone_seconds=0.9, alone_images=300) for one in usual)
    yield "dearer alone", alone, pace
    sleeping = (replace(one, submission_cpu_seconds=0.5 * one.submission_seconds) for one in usual)
    yield "sleeping", tuple(sleeping), pace
    wild = (scaled(one, math.exp(random.normal(0, 0.6))) for one in usual)
    yield "wild", tuple(wild), pace
    slow = tuple(scaled(one, 100.0) for one in usual[:8])
    yield "slow", slow, pace


def one_quad(random: np.random.Generator, number: int) -> Quad:
    core, memory, own, other = random.normal(0.1, 0.05, 4)
    load, submission_load = random.integers(0, 3, 2) / 2
    reference = 0.1 * math.exp(core + memory + 0.1 * load)
    submission = 0.1 * math.exp(core + 0.3 * memory + 0.05 * submission_load + 0.2 * own)
    return Quad(
        at_seconds=0.25 * number,
        segment=1 + number // 10,
        reference_seconds=reference,
        reference_images=50,
        submission_seconds=submission,
        submission_images=80,
        reference_cpu_seconds=0.99 * reference,
        submission_cpu_seconds=0.99 * submission,
        reference_load=float(load) + 0.1 * other,
        probe_seconds=0.006 * math.exp(core + 0.1 * other),
        submission_load=float(submission_load),
    )


def scaled(quad: Quad, factor: float) -> Quad:
    return replace(
        quad,
        submission_seconds=factor * quad.submission_seconds,
        submission_cpu_seconds=factor * quad.submission_cpu_seconds,
    )


def dearer(quad: Quad, is_dear: bool) -> Quad:
    return scaled(quad, 5.0) if is_dear else quad


def estimate(quads: Quads, pace: Pace) -> Figures:
    measurement = outcome.Measurement(np.zeros(1, dtype=np.int64), quads, 1.0)
    timing = publication.summary(measurement, Plan(), pace=pace, is_calibration=True)
    used = tally.counted(quads)
    figures: Figures = spoken(timing.to_json())
    del figures["quads"], figures["quad_ratios"]  # too many to keep
    return figures | {
        "verdict": publication.verdict(timing, Plan()),
        "counted": len(used),
        "unseen": publication.published(used, Plan(), pace).fixed_sd,
        "is_enough": stopping.is_enough(quads, Plan(), pace),
        "is_enough_of_half": stopping.is_enough(quads[1::2], Plan(), pace, quads[::2]),
        "is_too_wide": publication.is_too_wide(quads, Plan(), pace),
        "quads_needed": stopping.quads_needed(quads, Plan(), pace),
        "quads_needed_demo": stopping.quads_needed(quads, DEMO, pace),
    }


COURSES: dict[str, tuple[float, float, float, int, Plan]] = {
    "alike": (0.004, 0.004, 0.03, 2000, PLAN),
    "restless": (0.004, 0.004, 0.3, 2000, PLAN),
    "brief passes": (0.001, 0.00005, 0.1, 300, PLAN),
    "tiny ratio": (0.0016, 0.00004, 0.15, 300, PLAN),
    "long": (0.05, 0.05, 0.02, 5000, PLAN),
    "long and quick": (0.055, 0.011, 0.08, 10000, PLAN),
    "slow": (0.004, 10.0, 0.3, 20, PLAN),
    "one quad": (0.004, 70.0, 0.01, 2, PLAN),
    "demo": (0.002, 0.0008, 0.05, 600, DEMO),
    "default": (0.002, 0.003, 0.03, 1500, Plan()),
    "calibration": (0.002, 0.002, 0.03, 1500, replace(Plan(), max_seconds=10).of_calibration()),
}
"""Seconds per call of reference and submission, noise of a block, images, plan."""


def courses() -> dict[str, Figures]:
    """Whole measurings of invented models: their blocks, processes, quads and progress."""
    found = {}
    for name, (reference, submission, noise, images, plan) in COURSES.items():
        first = course(Processes(reference, submission, noisy(noise)), images, plan, ())
        found[name] = first[0]
        if name in ("restless", "demo", "tiny ratio"):
            again = Processes(reference, submission, noisy(noise))
            found[f"{name}, again"] = course(again, images, plan, first[1])[0]
    random = np.random.default_rng(3)
    busy = Processes(0.004, 0.004, noisy(0.3), lambda: 0.5 if random.random() < 0.1 else 1.0)
    found["disturbed"] = course(busy, 1000, PLAN, ())[0]
    cores = Processes(0.004, 0.002, about_submission={"cpu_share": lambda: 1.9})
    found["many cores"] = course(cores, 1000, PLAN, (), batch_size=8)[0]
    return found


def course(
    processes: Processes, images: int, plan: Plan, earlier: Quads, batch_size: int = 1
) -> tuple[Figures, Quads]:
    measured = processes.run(images, plan, batch_size, earlier)
    blocks = [*processes.segments, ["sample"], *processes.samples]
    quads = measured.quads
    return {
        "blocks": digest(blocks),
        "processes": digest(processes.started),
        "quads": len(quads),
        "images": digest([[q.segment, q.reference_images, q.submission_images] for q in quads]),
        "alone": digest([[q.alone_images, q.disturbed, q.whole_pass] for q in quads]),
        "reference_seconds": math.fsum(quad.reference_seconds for quad in quads),
        "submission_seconds": math.fsum(quad.submission_seconds for quad in quads),
        "alone_seconds": math.fsum(quad.alone_seconds for quad in quads),
        "wall_seconds": measured.wall_seconds,
        "answers": int(measured.answers.sum()),
        "compared": measured.answers_compared,
        "stopped_cpu_seconds": measured.stopped_cpu_seconds,
        "ticks": len(processes.told),
        "share": math.fsum(share for _, share in processes.told),
        "flags": [
            str(flag)
            for flag in findings.flags(
                measured, plan, plain.estimate(tally.counted(measured.pooled))
            )
        ],
    }, quads


def digest(some: object) -> str:
    return hashlib.sha256(json.dumps(some).encode()).hexdigest()[:16]


def everything() -> dict[str, dict[str, Figures]]:
    """As it reads in the file."""
    found: dict[str, dict[str, Figures]] = json.loads(
        json.dumps({"estimates": estimates(), "courses": courses()})
    )
    return found


if __name__ == "__main__":
    KEPT.write_text(json.dumps(everything(), indent=1) + "\n")
