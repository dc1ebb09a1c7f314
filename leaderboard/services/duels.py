"""How likely a better model stands above the next team, given the doubt of both scores.

The likelihood is that of an order on another exam: other images of the same kind, as many as the
private split has, and the times as uncertain as they are. Both scores are taken as

    score = time_weight x time ratio + quality term, and its errors as normal and small,

so the difference has the variance

    (1 + n / m) (a^2 v_own + b^2 v_rival - 2 a b c) + clock_own^2 + clock_rival^2.

v and c are the variances and the covariance of the two qualities on the n public images, m is the
number of private images, a and b are the slopes of the quality term: `scoring.quality.doubt`. This
is the doubt that the range of a rank has. The improved model is assumed to be as uncertain as the
present one, and as much like the rival's. Only answers to the public split count.

A model that gains just enough to stand level is as likely above as below: about 50 %.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

from leaderboard.models import Competition, Entry, Evaluation, RankRange, Split
from scoring import formula
from scoring.quality.power import SURE

LIKELY = 0.95
STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)
"""First digits of a gain that is told. More of them would tell on how many images two models
differ."""
HALVINGS = 30
LEAST_VARIANCE = 1e-14
"""Least variance of a difference: scores have six decimals."""


@dataclass(frozen=True)
class Duel:
    """A team's score, the score above it, and the doubt of both."""

    competition: Competition
    quality_ref: float
    own: RankRange
    rival: RankRange
    rival_quality: float
    covariance: float
    clock_variance: float
    """The variance of the difference of the two scores by the clock."""
    of_other: float
    """Images of this exam for each image of the other one."""

    def slope(self, quality: float) -> float:
        k = self.competition.k
        return formula.quality_slope(quality, quality_ref=self.quality_ref, k=k)

    def error(self, quality: float) -> float:
        """The standard error of the difference of the scores, if the own model has this quality."""
        own, rival = self.slope(quality), self.slope(self.rival_quality)
        by_images = (
            (own * self.own.error) ** 2
            + (rival * self.rival.error) ** 2
            - 2 * own * rival * self.covariance
        )
        variance = (1 + self.of_other) * max(0.0, by_images) + self.clock_variance
        return math.sqrt(max(variance, LEAST_VARIANCE))

    def chance(self, ahead: float, quality: float) -> float:
        """The probability that the own model stands above the rival, if its score here is better by
        `ahead`."""
        return NormalDist().cdf(ahead / self.error(quality))


def of(evaluation: Evaluation, rival: Entry) -> Duel | None:
    """The duel of a team's entry and the entry above it; None unless the doubt of both is known.

    The doubt is known once the ranges of this version of the board are computed, and if the answers
    of both models to the public split were kept.
    """
    ranges = RankRange.objects.filter(team__in=(evaluation.team_id, rival.team_id))
    found = {one.team_id: one for one in ranges}
    own, above = found.get(evaluation.team_id or 0), found.get(rival.team_id)
    if own is None or above is None or own.with_above is None:
        return None
    is_of_these = (own.evaluation_id, own.above_id, above.evaluation_id) == (
        evaluation.pk,
        rival.evaluation_id,
        rival.evaluation_id,
    )
    dataset, quality_ref = evaluation.competition.dataset, evaluation.quality_ref
    if not is_of_these or dataset is None or quality_ref is None:
        return None
    widths = (evaluation.score_half_width or 0.0, rival.score_half_width)
    images = {one.name: one.images for one in dataset.splits.all()}
    return Duel(
        competition=evaluation.competition,
        quality_ref=quality_ref,
        own=own,
        rival=above,
        rival_quality=rival.quality,
        covariance=own.with_above,
        clock_variance=sum((one / SURE) ** 2 for one in widths),
        of_other=images[Split.Name.PUBLIC] / max(1, images[Split.Name.PRIVATE]),
    )


@dataclass(frozen=True)
class Odds:
    """How likely a step is to last on another exam, in tenths, and what makes it likely."""

    likelihood: float
    """The likelihood of the least gain of a term: that of the less likely term."""
    sure_time_ratio_less: float | None
    """The gain of the time ratio alone that lasts at 95 %; None: that term alone cannot."""
    sure_quality_more: float | None

    @property
    def percent(self) -> int:
        return round(100 * self.likelihood)

    @property
    def is_sure(self) -> bool:
        return self.likelihood >= LIKELY


def odds(
    duel: Duel, evaluation: Evaluation, target: float, *, less: float | None, more: float | None
) -> Odds | None:
    """How likely a step lasts that passes `target`, and what makes it likely.

    `less` is the least gain of the time ratio, `more` that of the quality, each of which passes
    `target` alone. None if neither can.
    """
    ratio, quality = evaluation.time_ratio or 0.0, evaluation.quality_public or 0.0

    def ahead(less: float, more: float) -> float:
        made = duel.competition.score(quality + more, ratio - less, quality_ref=duel.quality_ref)
        return target - made.total if made else 0.0

    def by_time(gain: float) -> float:
        return duel.chance(ahead(gain, 0.0), quality)

    def by_quality(gain: float) -> float:
        return duel.chance(ahead(0.0, gain), quality + gain)

    chances = [
        chance(gain) for chance, gain in ((by_time, less), (by_quality, more)) if gain is not None
    ]
    if not chances:
        return None
    return Odds(
        likelihood=told(min(chances)),
        sure_time_ratio_less=least_sure(by_time, less, ratio),
        sure_quality_more=least_sure(by_quality, more, 1 - quality),
    )


def told(chance: float) -> float:
    """A probability in tenths, at most that of a range."""
    return min(LIKELY, round(chance, 1))


def least_sure(chance: Callable[[float], float], least: float | None, most: float) -> float | None:
    """The least gain of a term that suffices at 95 %, rounded up. None if even `most` does not
    suffice."""
    if least is None or chance(most) < LIKELY:
        return None
    low, high = least, most
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if chance(middle) >= LIKELY else (middle, high)
    found = rounded_up(high)
    return found if found < most else None


def rounded_up(value: float) -> float:
    unit = 10.0 ** math.floor(math.log10(value))
    return next(one for one in STEPS if one * unit >= value * (1 - 1e-9)) * unit
