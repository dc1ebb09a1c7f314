"""Invented quads, whose true ratio is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from scoring.job import Plan, Quad
from scoring.timing import outcome

PLAN = Plan(min_quads=16, min_segments=3, published="corrected")


def quad(ratio: float, segment: int = 1, cpu: float = 1.0, speed: float = 1.0) -> Quad:
    seconds = 0.2 * speed
    return Quad(0.0, segment, seconds, 100, 0.2 * ratio, 100, seconds * cpu, 0.2, cpu < 0.97)


def weathered(
    elasticity: float, ratio: float = 0.5, count: int = 150, seed: int = 0, mean: float = 0.1
) -> list[Quad]:
    """Quads in weather that slows the reference by about `mean`.

    The submission is slowed by this factor to the power `elasticity`.
    """
    random = np.random.default_rng(seed)
    slow = np.repeat(random.normal(mean, 0.08, count // 4 + 1), 4)
    found = []
    for number in range(count):
        noise = np.exp(random.normal(0, 0.01, 2))
        reference = 0.2 * np.exp(slow[number]) * noise[0]
        submission = 0.2 * ratio * np.exp(elasticity * slow[number]) * noise[1]
        times = {"reference_seconds": reference, "submission_seconds": submission}
        found.append(replace(quad(1.0, segment=number // 20), **times))
    return found


def measurement(*quads: Quad) -> outcome.Measurement:
    return outcome.Measurement(np.zeros(1, dtype=np.int64), quads, 1.0)
