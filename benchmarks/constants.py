"""How much each constant of the estimator matters on recorded quads: the evidence of
MEASUREMENT.md.

Every constant is halved and doubled, and all recorded quads are estimated again. The table shows
the median and the largest change of the published ratio, in units of its half-width, and the median
change of the half-width.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import numpy as np

from benchmarks import tables
from scoring import timing
from scoring.job import Pace, Quad
from scoring.timing import correction, host, regression, robust, tally
from scoring.timing.regression import Prior

DATA = Path(__file__).parent / "data"
CONSTANTS = (
    "BETWEEN_RUNS_SD",
    "NEGLIGIBLE",
    "LOAD_SD",
    "MAX_DROPPED",
    "MIN_WINDOWS",
    "MOST_NOISE",
    "PRIOR_MEAN",
    "PRIOR_SD",
    "PRIOR_SUM_SD",
    "QUADS_PER_POINT",
    "SHORTEST",
    "SUMS_DIFFER",
    "ALONE_DIFFERS",
    "TRIMMED",
    "UNEXPLAINED",
    "UNEXPLAINED_BY_REFERENCE",
    "WIDENING",
    "WINDOW_QUADS",
    "WINDOW_SECONDS",
    "WINSORIZED",
    "BACKFITTING",
    "JACKKNIFE_GROUPS",
    "Z",
)


def main() -> None:
    argparse.ArgumentParser("python -m benchmarks.constants", description=__doc__).parse_args()
    some = list(recorded())
    before = estimates(some)
    rows = []
    for name in CONSTANTS:
        for factor in (0.5, 2.0):
            with scaled(name, factor):
                after = estimates(some)
            moved = abs(after[:, 0] - before[:, 0]) / before[:, 1]
            wider = float(np.median(after[:, 1] / before[:, 1])) - 1
            figures = f"{np.median(moved):.2f}", f"{moved.max():.2f}", f"{wider:+.1%}"
            rows.append((name, f"x {factor:g}", *figures))
    tables.show(("constant", "", "ratio moves by, median", "most", "half-width"), rows)
    print(f"{len(some)} evaluations; a change of the ratio is in units of its half-width.")


def recorded() -> Iterator[tuple[list[Quad], Pace]]:
    """Quads that count, and the calibration, of every recorded evaluation."""
    for line in map(json.loads, (DATA / "busy-host.jsonl").read_text().splitlines()):
        yield quads_of(line), Pace.from_json(line["pace"])
    with gzip.open(DATA / "noisy-host.jsonl.gz", "rt") as file:
        for line in map(json.loads, file):
            yield (
                quads_of(line),
                Pace(
                    line["calibrated_ms"] / 1000,
                    line["calibrated_probe_ms"] / 1000,
                    tuple(line["calibrated_scatter"]),
                ),
            )


def quads_of(line: dict[str, list[dict[str, object]]]) -> list[Quad]:
    return [Quad.from_json(quad) for quad in line["quads"]]


def estimates(some: list[tuple[list[Quad], Pace]]) -> tally.Floats:
    """Ratio and half-width of each evaluation (N, 2)."""
    unseen = host.BETWEEN_RUNS_SD  # read here, because a default is bound where it is defined
    found = [correction.estimate(tally.counted(quads), pace, unseen) for quads, pace in some]
    return np.array([(one.ratio, one.half_width) for one in found])


@contextmanager
def scaled(name: str, factor: float) -> Iterator[None]:
    """A constant times a factor, in every module of `scoring.timing` that names it."""
    modules = [one for one in modules_of(timing) if hasattr(one, name)]
    before = getattr(modules[0], name)
    load_prior = correction.LOAD_PRIOR
    shares = robust.winsorized.__defaults__, regression.fitted.__kwdefaults__
    if name == "WINSORIZED":  # a default is bound where its function is defined
        robust.winsorized.__defaults__ = (factor * before,)
        regression.fitted.__kwdefaults__ = {
            **(shares[1] or {}),
            "winsorized_share": factor * before,
        }
    if name == "LOAD_SD":
        correction.LOAD_PRIOR = Prior(load_prior.mean, load_prior.precision / factor**2)
    for module in modules:
        setattr(module, name, times(before, factor))
    yield
    for module in modules:
        setattr(module, name, before)
    correction.LOAD_PRIOR = load_prior
    robust.winsorized.__defaults__, regression.fitted.__kwdefaults__ = shares


def modules_of(package: ModuleType) -> list[ModuleType]:
    names = [one.name for one in pkgutil.iter_modules(package.__path__)]
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def times(value: int | float | tuple[float, ...], factor: float) -> object:
    """A constant times a factor; whole numbers stay whole."""
    if isinstance(value, tuple):
        return tuple(factor * one for one in value)
    return round(factor * value) if isinstance(value, int) else factor * value


if __name__ == "__main__":
    main()
