"""A score as a bar of its terms."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.models import Competition


@dataclass(frozen=True)
class Stretch:
    """One term of a score in a bar; start and width in percent of the picture's width."""

    name: str
    value: float
    start: float
    width: float


def bar(competition: Competition, quality: float, time_ratio: float, scale: float) -> list[Stretch]:
    """A score as one stretch for each term; a score of `scale` would fill the picture."""
    score = competition.score(quality, time_ratio)
    assert score, "whoever has a score was measured against a reference quality"
    stretches, start = [], 0.0
    for name, value in score.terms.items():
        width = 100 * value / scale
        stretches.append(Stretch(name, value, start, width))
        start += width
    return stretches
