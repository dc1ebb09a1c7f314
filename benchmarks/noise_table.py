"""The tables of `benchmarks.timing_noise`: what each method says about the same network."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks import tables

METHODS = {
    "stored": "(a) one pass / stored reference time",
    "passes": "(b) reference pass, then submission pass",
    "plain": "(c) protocol, plain ratio",
    "corrected": "protocol, corrected ratio",
}
JOINT = {
    "joint": "one joint fit",
    "bounded": "one joint fit, bounded",
}
"""The joint fit, for quads that are read from a file."""
TRUE_DIFFERENCE = 1.03
"""True ratio of two nets that a single evaluation should rank in the right order."""


@dataclass(frozen=True)
class Found:
    """One evaluation, and the naive methods' figures from the same minute."""

    net: str
    condition: str
    status: str
    attempts: int
    seconds: float
    measured_seconds: float
    stored: float
    passes: float
    plain: float
    plain_half_width: float
    corrected: float
    corrected_half_width: float
    pace_coefficient: float
    disturbed_share: float
    reference_ms: float
    calibrated_ms: float
    calibrated_probe_ms: float
    probe_coefficient: float
    calibrated_scatter: tuple[float, float] = (0.0, 0.0)
    in_force: tuple[str, ...] = ()
    quads: tuple[dict[str, object], ...] = ()
    joint: float = 0.0
    joint_half_width: float = 0.0
    bounded: float = 0.0
    bounded_half_width: float = 0.0


@dataclass(frozen=True)
class Cell:
    """The ratios of one method for one net in one condition."""

    net: str
    ratios: list[float]

    @property
    def deviations(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array(self.ratios) / mean(self.ratios) - 1

    @property
    def cv(self) -> float:
        return float(np.std(self.deviations, ddof=1))

    @property
    def sd_score(self) -> float:
        return 0.5 * float(np.std(self.ratios, ddof=1))


def show(found: list[Found], methods: Mapping[str, str] = METHODS) -> None:
    """A row for each condition, net and method; then how long an evaluation took."""
    rows = [
        row
        for condition in dict.fromkeys(one.condition for one in found)
        for method, name in methods.items()
        for row in rows_of(found, condition, method, name)
    ]
    head = ("condition", "net", "method", "n", "mean", "CV", "sd score", "worst", "held")
    tables.show((*head, "3 % wrong"), rows)
    for condition in dict.fromkeys(one.condition for one in found):
        show_time([one for one in found if one.condition == condition])


def rows_of(
    found: list[Found], condition: str, method: str, name: str
) -> Iterator[tuple[object, ...]]:
    """A row for each net, and one for all: root mean squares over nets."""
    nets = dict.fromkeys(one.net for one in found)
    cells = [Cell(net, values(found, net, condition, method)) for net in nets]
    cells = [cell for cell in cells if len(cell.ratios) > 1]
    for cell in cells:
        yield (
            condition,
            cell.net,
            name,
            len(cell.ratios),
            f"{mean(cell.ratios):.4f}",
            f"{cell.cv:.2%}",
            f"{cell.sd_score:.4f}",
            f"{np.abs(cell.deviations).max():.1%}",
            coverage(found, cell.net, condition, method),
            f"{wrongly_ranked(cell.ratios):.0%}",
        )
    if cells:
        yield (
            condition,
            "ALL",
            name,
            "",
            "",
            f"{root_mean_square([cell.cv for cell in cells]):.2%}",
            f"{root_mean_square([cell.sd_score for cell in cells]):.4f}",
            "",
            coverage(found, None, condition, method),
            f"{mean([wrongly_ranked(cell.ratios) for cell in cells]):.0%}",
        )


def show_time(here: list[Found]) -> None:
    """Print how long the evaluations of one condition took, and the elasticities of the nets."""
    published = [one for one in here if one.status == "scored"]
    nets = dict.fromkeys(one.net for one in here)
    print(
        f"{here[0].condition}: {len(published)} of {len(here)} published within two attempts "
        f"({sum(one.attempts == 1 for one in published)} at once), "
        f"{mean([one.seconds for one in here]):.1f} s each, of which "
        f"{mean([one.measured_seconds for one in here]):.1f} s of quads; "
        f"{mean([one.disturbed_share for one in here]):.1%} disturbed; pace "
        + ", ".join(
            f"{net} {mean([one.pace_coefficient for one in here if one.net == net]):.2f}"
            for net in nets
        )
    )


def values(found: list[Found], net: str, condition: str, method: str) -> list[float]:
    """The ratios of a method; of the protocol only those that it would publish."""
    return [
        getattr(one, method)
        for one in found
        if (one.net, one.condition) == (net, condition)
        and (method in ("stored", "passes") or one.status == "scored")
    ]


def coverage(found: list[Found], net: str | None, condition: str, method: str) -> str:
    """Share of the intervals that hold the long-run mean of the first condition's evaluations."""
    if method in ("stored", "passes"):
        return ""
    first = found[0].condition
    held = [
        abs(getattr(one, method) - mean(long_run)) <= getattr(one, f"{method}_half_width")
        for one in found
        if one.condition == condition
        and one.status == "scored"
        and net in (None, one.net)
        and (long_run := values(found, one.net, first, method))
    ]
    return f"{mean(held):.0%}" if held else ""


def wrongly_ranked(some: list[float]) -> float:
    """How often one evaluation of a net looks slower than one of a net that takes 3 % longer."""
    pairs = itertools.permutations(some, 2)
    return mean([one > other * TRUE_DIFFERENCE for one, other in pairs])


def mean(some: list[float] | list[bool]) -> float:
    return float(np.mean(some))


def root_mean_square(some: list[float]) -> float:
    return float(np.sqrt(np.mean(np.square(some))))
