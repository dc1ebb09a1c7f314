"""The reference model's own line on a board, beside the ranking."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.models import Competition, Entry
from leaderboard.services import rankings
from scoring import formula


@dataclass(frozen=True)
class Baseline:
    """The reference model's own figures on a board."""

    name: str
    score: float
    score_half_width: float
    quality: float
    time_ratio: float
    """The ratio of the reference to itself."""
    half_width: float
    seconds: float
    macs: int | None
    memory_bytes: int | None


def of(competition: Competition, board: str) -> Baseline | None:
    """The figures of the reference by its calibration; None before a calibration."""
    calibration = competition.calibration
    if calibration is None:
        return None
    figures = calibration.figures()
    private = board == Entry.Board.PRIVATE
    return Baseline(
        name=str(calibration.reference),
        score=figures.score_private if private else figures.score_public,
        score_half_width=formula.half_width(figures.half_width, competition.time_weight),
        quality=rankings.told(figures.quality_private if private else figures.quality_public),
        time_ratio=figures.time_ratio,
        half_width=figures.half_width,
        seconds=figures.reference_seconds,
        macs=calibration.macs,
        memory_bytes=calibration.memory_bytes,
    )
