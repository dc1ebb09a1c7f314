"""Which classes a model takes for which, on the public split: shares in whole per cent.

Counts would tell a team more about the hidden images than it needs. SECURITY.md has the bits.
"""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.models import Evaluation


@dataclass(frozen=True)
class Pair:
    """Images of one class that were answered as another one."""

    label: str
    answer: str
    percent: int


@dataclass(frozen=True)
class Confusion:
    """`rows[i][j]`: per cent of the images of class i that were answered as class j."""

    classes: list[str]
    rows: list[list[int]]

    def worst(self, count: int) -> list[Pair]:
        """The most frequent confusions, at most `count`."""
        pairs = [
            Pair(label, answer, percent)
            for label, row in zip(self.classes, self.rows, strict=True)
            for answer, percent in zip(self.classes, row, strict=True)
            if label != answer and percent
        ]
        return sorted(pairs, key=lambda pair: -pair.percent)[:count]


def of(evaluation: Evaluation) -> Confusion | None:
    """The confusions of an evaluation. None without a score, or if this version cannot read the
    report."""
    report = evaluation.report()
    public = report.splits.get("public") if report else None
    if public is None or evaluation.state != Evaluation.State.SCORED:
        return None
    classes = list(public.per_class)
    if any(len(row) != len(classes) for row in (public.confusion, *public.confusion)):
        return None
    return Confusion(classes, [shares(row) for row in public.confusion])


def shares(counts: tuple[int, ...]) -> list[int]:
    total = sum(counts)
    return [round(100 * count / total) if total else 0 for count in counts]
