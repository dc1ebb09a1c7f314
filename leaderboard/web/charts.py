"""A score as a bar of its terms."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.models import Competition


@dataclass(frozen=True)
class TermBar:
    """The part of a bar that shows one term. Start and width are in percent of the picture."""

    name: str
    value: float
    start: float
    width: float


def bar(competition: Competition, quality: float, time_ratio: float, scale: float) -> list[TermBar]:
    """The parts of a bar, one for each term. A score of `scale` would fill the picture."""
    score = competition.score(quality, time_ratio)
    assert score, "whoever has a score was measured against a reference quality"
    bars, start = [], 0.0
    for name, value in score.terms.items():
        width = 100 * value / scale
        bars.append(TermBar(name, value, start, width))
        start += width
    return bars
