"""How often a range of ranks holds, and how long it takes.

Contests are invented (`benchmarks.contests`), so that the true order and the private board are
known. `true` is the share of models whose true rank lies in the range by pairs (`by_pairs`),
`private` the share whose private rank lies in the range that `forecast` gives and boards show. The
bars are 93 % or more, and 93 to 97 %. Times are the shortest of some runs, with all answers in
memory and the multipliers drawn. This takes some minutes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks import contests, tables
from benchmarks.contests import CLOCK, Contest, Floats, Kind
from scoring.quality import doubt
from scoring.quality.doubt import Noise, Ranges, Scores, Whole
from scoring.quality.power import SURE

CLASSES = len(contests.SHARES)
EQUAL = 1e-9
"""Two models with a smaller error of their difference answer alike."""


@dataclass(frozen=True)
class Held:
    """Shares of models whose rank was in its range, and the mean number of ranks in a range."""

    true: float
    true_width: float
    private: float
    private_width: float


def main() -> None:
    options = parser().parse_args()
    print(tables.machine_line())
    rows = []
    for name in options.kinds:
        kind = contests.KINDS[name]
        found = [held(kind, seed) for seed in range(options.contests)]
        means = Held(*np.mean([tuple(vars(one).values()) for one in found], axis=0))
        rows.append(
            (
                name,
                len(found),
                f"{means.true:.1%}",
                f"{means.true_width:.1f}",
                f"{means.private:.1%}",
                f"{means.private_width:.1f}",
            )
        )
    tables.show(("contests", "n", "true", "ranks", "private", "ranks"), rows)
    timed = [timing(teams, options.runs) for teams in options.teams]
    tables.show(
        ("teams", "ms", "ms of all cores", "ms after one verdict", "ms of all cores"), timed
    )


def held(kind: Kind, seed: int) -> Held:
    """One contest, with both ranges of its public board."""
    random = np.random.default_rng(seed)
    contest = contests.invented(kind, random)
    true, private = by_pairs(contest), forecast(contest)
    true_ranks = ranks(contest.scores(contest.truth, contest.times))
    # Both boards have the same measured time.
    private_ranks = ranks(contest.scores(contest.private, contest.measured))
    return Held(*within(true, true_ranks), *within(private, private_ranks))


def by_pairs(contest: Contest) -> Ranges:
    exam = contest.public
    phi = doubt.influences(exam.labels, exam.answers, CLASSES, "macro_f1")
    return pair_ranges(phi, contest.known)


def pair_ranges(phi: Floats, scores: Scores) -> Ranges:
    """Ranges of the true ranks by pairs.

    They go from 1 + the number of models that are surely better to the number of all models - those
    that are surely worse.
    """
    difference = scores.score[:, None] - scores.score
    steps = difference / np.maximum(doubt.paired_errors(phi, scores), EQUAL)
    better, worse = (steps > SURE).sum(axis=1), (steps < -SURE).sum(axis=1)
    return Ranges(1 + better, len(steps) - worse)


def forecast(contest: Contest) -> Ranges:
    exam = contest.public
    drawn = doubt.multipliers(len(exam.labels))
    added = doubt.noise(exam.labels, exam.answers, CLASSES, "macro_f1", drawn)
    return doubt.forecast(
        contest.known, added, of_other=len(exam.labels) / len(contest.private.labels)
    )


def ranks(scores: Floats) -> Whole:
    return doubt.ranks(scores[None])[0]


def within(range_: Ranges, found: Whole) -> tuple[float, float]:
    share = np.mean((range_.first <= found) & (found <= range_.last))
    return float(share), float(np.mean(range_.last - range_.first + 1))


def timing(teams: int, runs: int) -> tuple[str, ...]:
    """The times of the ranges of a board, from answers of one byte for each image."""
    random = np.random.default_rng(teams)
    labels = random.integers(0, CLASSES, 2611)
    right = random.random((teams, len(labels))) < random.uniform(0.6, 0.8, (teams, 1))
    other = random.integers(0, CLASSES, (teams, len(labels)), dtype=np.uint8)
    answers = np.where(right, labels, other).astype(np.uint8)
    known = Scores(
        np.sort(random.normal(1.0, 0.2, teams)),
        np.full(teams, -5.0),
        np.full(teams, CLOCK / 4),
    )
    drawn = doubt.multipliers(len(labels))

    def noise(models: int) -> Noise:
        return doubt.noise(labels, answers[:models], CLASSES, "macro_f1", drawn)

    def after_one_verdict() -> None:
        noise(1)
        doubt.forecast(known, kept)

    kept = noise(teams)
    times = (
        *shortest(runs, lambda: doubt.forecast(known, noise(teams))),
        *shortest(runs, after_one_verdict),
    )
    return f"{teams:,}", *(f"{1000 * one:.0f}" for one in times)


def shortest(runs: int, act: Callable[[], object]) -> tuple[float, float]:
    """Seconds that an act takes, and seconds of all cores that it uses."""
    walls, used = [], []
    for _ in range(runs):
        wall, cores = time.perf_counter(), time.process_time()
        act()
        walls.append(time.perf_counter() - wall)
        used.append(time.process_time() - cores)
    return min(walls), min(used)


def parser() -> argparse.ArgumentParser:
    command = argparse.ArgumentParser("python -m benchmarks.doubt", description=__doc__)
    command.add_argument("--contests", type=int, default=500, help="of each kind")
    command.add_argument("--kinds", nargs="*", choices=contests.KINDS, default=list(contests.KINDS))
    command.add_argument("--teams", type=int, nargs="*", default=[500, 10_000], help="to be timed")
    command.add_argument("--runs", type=int, default=3, help="of each time")
    command.add_argument(
        "--quick",
        dest="contests",
        action="store_const",
        const=20,
        help="20 of each: shows that it works, proves little",
    )
    return command


if __name__ == "__main__":
    main()
