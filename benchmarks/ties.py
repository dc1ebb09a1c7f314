"""How often two models are marked as tied, by their true difference.

Two models are measured once each. They are tied if |a - b| <= sqrt(h_a^2 + h_b^2), where h is half
of a 95 % interval. The older test is shown, too: the intervals overlap if |a - b| <= h_a + h_b.
Without a true difference 95 % should be tied; each other pair is a false order. With a true
difference each tie is a false tie.

The noise of the clock is invented. `--recorded` takes pairs of evaluations of the same network from
the quads of real machines. There each pair that is not tied is a false order.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from itertools import combinations, groupby
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import tables, timing_noise
from benchmarks.coverage import RECORDED
from scoring import formula
from scoring.job import Pace, Quad
from scoring.timing import correction, tally

NOISY = Path(__file__).parent / "data" / "noisy-host.jsonl.gz"
SHARES = (0.0, 1.0, 1.41, 2.0, 2.77, 4.0)
"""True differences in half widths of the more precise model."""
WIDTHS = (1.0, 2.0, 4.0)
"""Half widths of the other model, likewise."""
FREEDOM = (np.inf, 12.0)
"""Degrees of freedom of an interval: with few segments its width is uncertain, too."""


def main() -> None:
    options = parser().parse_args()
    if options.recorded:
        show_recorded()
        return
    random = np.random.default_rng(options.seed)
    rows = []
    for freedom in FREEDOM:
        for other in WIDTHS:
            for share in SHARES:
                paired, overlap = simulated(random, share, other, freedom, options.pairs)
                known = "known" if np.isinf(freedom) else f"{freedom:g} df"
                rows.append((known, f"1 : {other:g}", share, f"{paired:.1%}", f"{overlap:.1%}"))
    tables.show(("width", "half widths", "true difference", "tied", "intervals overlap"), rows)


def simulated(
    random: np.random.Generator, share: float, other: float, freedom: float, pairs: int
) -> tuple[float, float]:
    """The share of pairs that is tied, and of those whose intervals overlap."""
    from scipy.stats import t

    quantile = float(t.ppf(0.975, freedom))
    deviations = np.array([1.0, other]) / quantile
    error = random.normal(size=(pairs, 2)) * deviations
    known = np.isinf(freedom)
    scatter = 1.0 if known else np.sqrt(random.chisquare(freedom, (pairs, 2)) / freedom)
    half_widths = quantile * deviations * scatter * np.ones((pairs, 2))
    difference = share + error[:, 1] - error[:, 0]
    return shares(difference, half_widths)


def shares(
    difference: npt.NDArray[np.float64], half_widths: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """Share of pairs that are tied, and of pairs whose intervals overlap.

    `difference`: (pairs,). `half_widths`: (pairs, 2).
    """
    tied = [
        formula.is_tied(one, *both)
        for one, both in zip(difference.tolist(), half_widths.tolist(), strict=True)
    ]
    return float(np.mean(tied)), float(np.mean(abs(difference) <= half_widths.sum(axis=1)))


def show_recorded() -> None:
    """Pairs of evaluations of one network on one machine, in log ratios."""
    rows = []
    estimates = sorted([*of_busy_hosts(), *of_noisy_host()])
    for (host, net), some in groupby(estimates, key=lambda one: one[:2]):
        pairs = np.array(list(combinations([one[2:] for one in some], 2)))
        differences = pairs[:, 1, 0] - pairs[:, 0, 0]
        paired, overlap = shares(differences, pairs[:, :, 1])
        rows.append((host, net, len(pairs), f"{1 - paired:.1%}", f"{1 - overlap:.1%}"))
    tables.show(("machine", "net", "pairs", "not tied", "no overlap"), rows)


Recorded = tuple[str, str, float, float]
"""Machine, net, log ratio, and its half width."""


def of_busy_hosts() -> Iterator[Recorded]:
    for line in map(json.loads, RECORDED.read_text().splitlines()):
        quads = tally.counted([Quad.from_json(quad) for quad in line["quads"]])
        found = correction.estimate(quads, Pace.from_json(line["pace"]))
        yield line["host"], line["net"], math.log(found.ratio), found.half_width / found.ratio


def of_noisy_host() -> Iterator[Recorded]:
    for line in timing_noise.lines_of(NOISY):
        one = timing_noise.estimated_anew(line)
        ratio, half_width = one.corrected, one.corrected_half_width
        yield "noisy host", one.net, math.log(ratio), half_width / ratio


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser("python -m benchmarks.ties", description=__doc__)
    command.add_argument("--pairs", type=int, default=100_000, help="of each row")
    command.add_argument("--seed", type=int, default=1)
    command.add_argument("--recorded", action="store_true", help="quads of real machines instead")
    return command


if __name__ == "__main__":
    main()
