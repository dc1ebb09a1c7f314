"""How often a published interval holds the true ratio while other programs come and go.

The machine is invented (`benchmarks.weather`), so the truth is known. It is calibrated in one
weather and evaluated in another. This takes minutes of one core, and needs no real clock.
`--recorded` estimates the quads of a real machine, on which eight people built and tested
meanwhile.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np

from benchmarks import joint_fit, tables, weather
from scoring.job import Pace, Plan, Quad
from scoring.timing import correction, tally
from scoring.timing.intervals import Estimate

RECORDED = Path(__file__).parent / "data" / "busy-host.jsonl"
CALIBRATED = 45.0
"""Second at which the evaluation begins; the calibration is over before."""
PLANS = {
    "demo": Plan(
        min_quads=8, min_segments=2, target_half_width=0.05, max_half_width=0.0, max_seconds=10.0
    ),
    "default": Plan(max_seconds=40.0),
}
Method = Callable[[Sequence[Quad], Pace], Estimate]
METHODS: dict[str, Method] = {
    "correction": correction.estimate,
    "joint": joint_fit.estimate,
    "bounded": partial(joint_fit.estimate, is_bounded=True),
}
Scenario = Callable[[np.random.Generator], weather.Load]


def quiet(random: np.random.Generator) -> weather.Load:
    return lambda at: 0 * at


def step_before(random: np.random.Generator) -> weather.Load:
    """Other programs begin between calibration and evaluation, and stay."""
    cores = random.uniform(0, 1.5)
    return lambda at: np.where(at < CALIBRATED, 0.0, cores)


def step_after(random: np.random.Generator) -> weather.Load:
    """Other programs end between calibration and evaluation."""
    cores = random.uniform(0.3, 1.2)
    return lambda at: np.where(at < CALIBRATED, cores, 0.0)


def step_within(random: np.random.Generator) -> weather.Load:
    cores, begin = random.uniform(0.3, 1.5), CALIBRATED + random.uniform(1, 4)
    return lambda at: np.where(at < begin, 0.0, cores)


def come_and_go(random: np.random.Generator) -> weather.Load:
    """Programs of some seconds each, half of the time."""
    return stretches(random.exponential(6, 400), random.uniform(0.2, 1.5, 401), random)


def bursts(random: np.random.Generator) -> weather.Load:
    """Bursts of load like those of `benchmarks.neighbour`."""
    lasting = random.uniform(0.02, 0.6, 3000)
    return stretches(lasting, np.arange(3001.0) % 2, None)


def stretches(
    lasting: weather.Floats, cores: weather.Floats, random: np.random.Generator | None
) -> weather.Load:
    """`cores` for `lasting` seconds each, from the calibration's end on.

    With `random` half of the stretches have no load.
    """
    ends = CALIBRATED + np.cumsum(lasting)
    if random is not None:
        cores = np.where(random.random(len(cores)) < 0.5, 0.0, cores)
    return lambda at: np.where(at < CALIBRATED, 0.0, cores[np.searchsorted(ends, at)])


SCENARIOS: dict[str, Scenario] = {
    "quiet": quiet,
    "a step before": step_before,
    "a step after calibration": step_after,
    "a step within": step_within,
    "come and go": come_and_go,
    "bursts": bursts,
}


@dataclass(frozen=True)
class Found:
    """Error and half-width of one evaluation, relative to the truth."""

    error: float
    half_width: float
    quads: int

    @property
    def held(self) -> bool:
        return abs(self.error) < self.half_width


def main() -> None:
    options = parser().parse_args()
    if options.recorded:
        show_recorded()
        return
    rows = []
    method = METHODS[options.method]
    for name in options.plans:
        plan = PLANS[name]
        for scenario, net in ((one, net) for one in SCENARIOS for net in weather.NETS):
            seeds = range(options.evaluations)
            found = [evaluated(scenario, net, plan, seed, method) for seed in seeds]
            widest = plan.max_half_width or np.inf
            published = [one for one in found if one.half_width <= widest]
            rows.append(
                (
                    f"{name}, {scenario}",
                    net,
                    f"{len(published) / len(found):.0%}",
                    f"{np.mean([one.held for one in published]):.0%}" if published else "",
                    f"{np.mean([one.error for one in found]):+.1%}",
                    f"{np.std([one.error for one in found]):.1%}",
                    f"{np.median([one.half_width for one in found]):.1%}",
                    int(np.median([one.quads for one in found])),
                )
            )
    head = ("plan, weather", "net", "published", "held", "bias", "sd", "half-width", "quads")
    tables.show(head, rows)


def evaluated(
    scenario: str, net: str, plan: Plan, seed: int, method: Method = correction.estimate
) -> Found:
    """A calibration and an evaluation on a machine of their own, and what `method` estimates."""
    load = SCENARIOS[scenario](np.random.default_rng(seed))
    machine = weather.Machine(load, 2 * CALIBRATED + 1.5 * plan.max_seconds, seed)
    pace = machine.calibrated(replace(plan, max_seconds=min(plan.max_seconds, 30.0)))
    machine.now = CALIBRATED
    per_segment = 6 if plan.max_half_width == 0 else 15
    quads = machine.measured(weather.NETS[net], plan, pace, per_segment=per_segment)
    found = method(tally.counted(quads), pace)
    truth = weather.true_ratio(weather.NETS[net], pace)
    return Found(found.ratio / truth - 1, found.half_width / truth, len(quads))


def show_recorded() -> None:
    """How the ratios of one network scatter, and how often their intervals hold their mean."""
    lines = sorted(map(json.loads, RECORDED.read_text().splitlines()), key=kind)
    rows = []
    for (host, net), some in groupby(lines, key=kind):
        estimates = [
            correction.estimate(
                tally.counted([Quad.from_json(quad) for quad in one["quads"]]),
                Pace.from_json(one["pace"]),
            )
            for one in some
        ]
        found = np.array([one.ratio for one in estimates])
        wide = np.array([one.half_width for one in estimates])
        held = float(np.mean(abs(found - found.mean()) < wide))
        rows.append(
            (
                host,
                net,
                len(found),
                f"{found.mean():.4f}",
                f"{found.std(ddof=1) / found.mean():.1%}",
                f"{np.median(wide / found):.1%}",
                f"{held:.0%}",
            )
        )
    tables.show(("machine", "net", "n", "mean", "CV", "half-width", "held"), rows)


def kind(line: dict[str, str]) -> tuple[str, str]:
    return line["host"], line["net"]


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser("python -m benchmarks.coverage", description=__doc__)
    command.add_argument("--evaluations", type=int, default=60, help="of each net in each weather")
    command.add_argument("--plans", nargs="+", choices=PLANS, default=list(PLANS))
    command.add_argument("--method", choices=METHODS, default="correction", help="see joint_fit")
    command.add_argument("--recorded", action="store_true", help="quads of a real machine instead")
    command.add_argument(
        "--quick",
        dest="evaluations",
        action="store_const",
        const=10,
        help="ten of each: shows that it works, proves little",
    )
    return command


if __name__ == "__main__":
    main()
