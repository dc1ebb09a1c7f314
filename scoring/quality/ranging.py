"""The ranges of a whole board: `doubt.forecast` for models that several teams may share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
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


def ranges(
    rows: Sequence[Ranked],
    noise: Callable[[list[int]], doubt.Noise],
    *,
    quality_ref: float,
    k: float,
    of_other: float,
) -> list[tuple[int, int] | None]:
    """First and last rank of each row, in order. A model without answers counts for the others and
    has none.

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
    drawn = doubt.forecast(
        scores([rows[place] for place in firsts.values()], quality_ref=quality_ref, k=k),
        noise(list(firsts.values())),
        of_other=of_other,
        sizes=np.array([sizes[key] for key in firsts]) if len(firsts) < len(rows) else None,
    )
    ends = dict(zip(firsts, zip(drawn.first, drawn.last, strict=True), strict=True))
    found: list[tuple[int, int] | None] = []
    placed = Counter[Hashable]()
    for rank, (key, one) in enumerate(zip(keys, rows, strict=True), start=1):
        first, last = (int(end) + placed[key] for end in ends[key])
        placed[key] += 1
        # The first of many like models was lucky. Its draws may all be behind today's rank.
        found.append(None if one.answers is None else (min(first, rank), max(last, rank)))
    return found


def scores(models: Sequence[Ranked], *, quality_ref: float, k: float) -> doubt.Scores:
    slopes = [formula.quality_slope(one.quality, quality_ref=quality_ref, k=k) for one in models]
    return doubt.Scores(
        score=np.array([one.score for one in models]),
        slope=np.array(slopes),
        clock=np.array([one.half_width for one in models]) / SURE,
    )
