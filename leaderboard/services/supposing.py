"""What a model of supposed figures would be worth, and where it would stand on a board."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from leaderboard.models import Competition, Entry
from leaderboard.services import rankings
from scoring import formula

QUALITY_STEP = 0.01


@dataclass(frozen=True)
class Supposed:
    quality: float
    time_ratio: float
    score: formula.Score
    place: int | None
    """The rank that it would give its team on the current board, uploaded now. None where boards
    are hidden."""
    is_ranked: bool
    """Whether it passes the gate."""
    above: rankings.Row | None
    below: rankings.Row | None
    quality_worth: float | None
    """What `QUALITY_STEP` more takes off the score. None where so much more is impossible."""
    seconds_step: float | None
    """A power of ten, at most half of the reference's time per image. None without a
    calibration."""
    step_worth: float
    """What `seconds_step` less per image takes off the score."""

    @property
    def seconds_for_quality(self) -> float | None:
        """The seconds per image that are worth as much as `QUALITY_STEP`."""
        if not self.seconds_step or not self.step_worth or self.quality_worth is None:
            return None
        return self.seconds_step * self.quality_worth / self.step_worth


def suppose(
    competition: Competition,
    quality: float,
    time_ratio: float,
    *,
    standing: rankings.Standing | None,
    own: Entry | None = None,
) -> Supposed | None:
    """What a model with these figures would be worth, and its place on the board.

    None before the competition has a reference quality. The entry `own` is left out of the
    comparison. Without a `standing` there is no place.
    """
    score = competition.score(quality, time_ratio)
    more = competition.score(min(1.0, quality + QUALITY_STEP), time_ratio)
    if score is None or more is None:
        return None
    total = formula.exact(score.total)
    place, others = place_of(standing, total, own) if standing is not None else (None, [])
    pace = competition.seconds_per_image(1.0)
    step = 10.0 ** math.floor(math.log10(pace / 2)) if pace else None
    return Supposed(
        quality=quality,
        time_ratio=time_ratio,
        score=score,
        place=place,
        is_ranked=quality >= competition.min_quality,
        above=next((row for row in reversed(others) if row.entry.score <= total), None),
        below=next((row for row in others if row.entry.score > total), None),
        quality_worth=score.total - more.total if quality + QUALITY_STEP <= 1 else None,
        seconds_step=step,
        step_worth=competition.time_weight * step / pace if step and pace else 0.0,
    )


def place_of(
    standing: rankings.Standing, score: Decimal, own: Entry | None
) -> tuple[int, list[rankings.Row]]:
    """The rank of a score, and the ranked rows near it without the own one."""
    place = standing.place_of(score)
    near = standing[max(0, place - 3) : place + 1]
    others = [row for row in near if row.rank and row.entry != own]
    return place - (own is not None and own.is_ranked and own.score <= score), others
