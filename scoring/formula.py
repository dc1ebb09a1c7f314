"""The score is a sum of named terms. Lower is better.

time     time_weight x time ratio
quality  sigmoid(k x (quality_ref - quality))
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from scoring.sentences import Sentence, say

DECIMALS = 6
"""Boards keep and compare scores in so many decimals."""


@dataclass(frozen=True)
class Term:
    """How a term is named, written and explained.

    Facts: `time_weight`, `time_ratio`, `k`, `quality_ref`, `quality` and `metric_meaning`. A ratio
    and a quality are figures of a model, or words.
    """

    label: Sentence
    heading: Sentence
    """Above a column of its values."""
    expression: Sentence
    """The term in the formula."""
    meaning: Sentence


TERMS = {
    "time": Term(
        say("Time"),
        say("Time term"),
        say("%(time_weight)s × %(time_ratio)s"),
        say(
            "The time ratio is the time of your model for one image, divided by the time of the "
            "reference model. Both are measured in turns, on the same machine, within the same "
            "minutes. Below 1 is faster."
        ),
    ),
    "quality": Term(
        say("Quality"),
        say("Quality term"),
        say("sigmoid(%(k)s × (%(quality_ref)s − %(quality)s))"),
        say(
            "%(metric_meaning)s If the quality of your model equals the quality of the reference, "
            "this term is 0.5. A better model brings it towards 0, a worse model towards 1."
        ),
    ),
}
"""The terms by name, in the order in which they are shown. Pages, API and commands read it."""


@dataclass(frozen=True)
class Score:
    """The values of a score's terms by name, in the order of `TERMS`."""

    terms: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.terms.values())

    @property
    def rounded(self) -> float:
        """The total as boards keep it."""
        return round(self.total, DECIMALS)


def score(
    quality: float,
    time_ratio: float,
    *,
    quality_ref: float,
    k: float = 20.0,
    time_weight: float = 0.5,
) -> Score:
    """Score of a model of this quality (0 to 1) that takes `time_ratio` times the reference's time.

    `quality_ref` is the quality at which the term of the quality is 0.5, `k` its steepness there.
    """
    return Score(
        {
            "time": time_weight * time_ratio,
            "quality": quality_term(quality, quality_ref=quality_ref, k=k),
        }
    )


def quality_term(quality: float, *, quality_ref: float, k: float = 20.0) -> float:
    """The quality's part of the score: 0.5 at `quality_ref`. It tends to 0 for higher qualities,
    and to 1 for lower ones."""
    return sigmoid(k * (quality_ref - quality))


def quality_at(term: float, *, quality_ref: float, k: float = 20.0) -> float | None:
    """The quality whose term is `term`: the inverse of `quality_term`. None for a term that no
    quality has."""
    if not 0 < term < 1 or not k:
        return None
    return quality_ref - math.log(term / (1 - term)) / k


def quality_slope(quality: float, *, quality_ref: float, k: float = 20.0) -> float:
    """d score / d quality: -k / 4 at `quality_ref`. It tends to 0 on both sides."""
    term = quality_term(quality, quality_ref=quality_ref, k=k)
    return -k * term * (1 - term)


def exact(score: float) -> Decimal:
    """A score as boards compare it: a decimal number."""
    return Decimal(f"{score:.{DECIMALS}f}")


def half_width(time_half_width: float, time_weight: float = 0.5) -> float:
    """Half of the score's 95 % interval. Only time adds to it: the quality on a fixed split has no
    noise."""
    return time_weight * time_half_width


def is_tied(difference: float, half_width: float, other_half_width: float) -> bool:
    """Whether the clock cannot tell two scores apart, or two time ratios.

    The half widths are those of the two 95 % intervals. The errors of two measurements are
    independent. So the difference has the half width sqrt(a^2 + b^2), which is 1.96 times its
    standard error. The test "the intervals do not overlap" would ask for a + b, up to 1.41 times as
    much.
    """
    return abs(difference) <= math.hypot(half_width, other_half_width)


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)) that never overflows."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    return math.exp(x) / (1 + math.exp(x))
