"""The ranges of a whole board: `doubt.forecast` for models that several teams may share."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scoring import formula
from scoring.quality import doubt
from scoring.quality.power import SURE

MOST = 10_000
"""Most ranks of a board that have a range."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranked row of a board."""

    answers: Hashable
    """What equal answers have in common; None for a model whose answers are not known."""
    score: float
    quality: float
    half_width: float
    """Of the score."""


@dataclass(frozen=True, slots=True)
class Range:
    """What other images of the same kind would make of a row. All figures come from the draws of
    `doubt.noise`, so that the two errors are within 2 to 3 % of the infinitesimal jackknife."""

    first: int
    last: int
    """First and last rank, at 95 %."""
    error: float
    """The standard error of the quality."""
    with_above: float | None
    """The covariance of the quality with that of the row above; None where no answers of one are
    known."""


def ranges(
    rows: Sequence[Ranked],
    noise: Callable[[list[int]], doubt.Noise],
    *,
    quality_ref: float,
    k: float,
    of_other: float,
) -> list[Range | None]:
    """The range of each row, in order. A model without answers counts for the others and has none.

    Teams with the same model share its answers and its time: one model of several teams. `noise`
    gets the places of the different models and returns the noise of each (draws, models).
    `of_other`: images of this exam for each image of the other one.
    """
    keys: list[Hashable] = [
        (("alone", place) if one.answers is None else one.answers, one.score)
        for place, one in enumerate(rows)
    ]
    firsts: dict[Hashable, int] = {}
    for place, key in enumerate(keys):
        firsts.setdefault(key, place)
    sizes = Counter(keys)
    added = noise(list(firsts.values()))
    drawn = doubt.forecast(
        scores([rows[place] for place in firsts.values()], quality_ref=quality_ref, k=k),
        added,
        of_other=of_other,
        sizes=np.array([sizes[key] for key in firsts]) if len(firsts) < len(rows) else None,
    )
    columns = {key: column for column, key in enumerate(firsts)}
    return found(rows, keys, columns, drawn, added)


def found(
    rows: Sequence[Ranked],
    keys: Sequence[Hashable],
    columns: Mapping[Hashable, int],
    drawn: doubt.Ranges,
    added: doubt.Noise,
) -> list[Range | None]:
    """The ranges of rows from what was drawn for the different models, each with its column."""
    ranges: list[Range | None] = []
    placed = Counter[Hashable]()
    above: int | None = None
    for rank, (key, one) in enumerate(zip(keys, rows, strict=True), start=1):
        column = columns[key]
        first, last = (int(ends[column]) + placed[key] for ends in (drawn.first, drawn.last))
        placed[key] += 1
        if one.answers is None:
            ranges.append(None)
            above = None
            continue
        ranges.append(
            Range(
                # The first of many like models was lucky. Its draws may all be behind today's rank.
                min(first, rank),
                max(last, rank),
                math.sqrt(covariance(added, column, column)),
                None if above is None else covariance(added, column, above),
            )
        )
        above = column
    return ranges


def covariance(added: doubt.Noise, one: int, other: int) -> float:
    """Of the qualities of two models on other images. Each column of `added` is noise about 0."""
    return float(added[:, one] @ added[:, other]) / len(added)


def scores(models: Sequence[Ranked], *, quality_ref: float, k: float) -> doubt.Scores:
    slopes = [formula.quality_slope(one.quality, quality_ref=quality_ref, k=k) for one in models]
    return doubt.Scores(
        score=np.array([one.score for one in models]),
        slope=np.array(slopes),
        clock=np.array([one.half_width for one in models]) / SURE,
    )
