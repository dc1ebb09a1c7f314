"""What a gate must keep out."""

from __future__ import annotations

from dataclasses import dataclass

from leaderboard.models import Competition
from scoring.quality import power


@dataclass(frozen=True)
class DoNothing:
    """A model that answers one class to every image in no time, beside the reference model."""

    label: str
    quality: float
    score: float | None
    reference_score: float | None
    """Both scores are known once there is a reference quality."""
    is_ranked: bool


def is_reference_idle(competition: Competition) -> bool:
    """Whether the public images cannot tell the calibrated reference from a model that answers one
    class."""
    nothing, calibration = do_nothing(competition), competition.calibration
    if nothing is None or calibration is None or calibration.quality_public is None:
        return False
    assert competition.dataset
    images = competition.dataset.split("public").images
    return calibration.quality_public - nothing.quality < power.least_difference(images)


def do_nothing(competition: Competition) -> DoNothing | None:
    """Why a competition needs a gate, in numbers of its public split; None without a dataset."""
    if competition.dataset is None:
        return None
    counts = competition.dataset.split("public").images_by_class
    quality = competition.quality_measure.of_one_answer(list(counts.values()))
    score = reference_score = None
    calibration, reference_quality = competition.calibration, competition.reference_quality
    if calibration and calibration.quality_public is not None:
        reference_quality = calibration.quality_public
    if reference_quality is not None:
        score = competition.score(quality, 0)
        reference_score = competition.score(reference_quality, 1)
    return DoNothing(
        label=max(counts, key=lambda label: counts[label]),
        quality=quality,
        score=score.total if score else None,
        reference_score=reference_score.total if reference_score else None,
        is_ranked=quality >= competition.min_quality,
    )
