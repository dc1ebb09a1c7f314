"""Which differences of quality a number of images can tell, before any model is measured.

Two models are told apart at 95 % if their accuracies differ by 1.96 sqrt(disagreement / images):
McNemar's bound. `doubt` says it of models that were measured.
"""

from __future__ import annotations

import math

SURE = 1.96
"""A difference of so many standard errors is sure: 95 % for one pair."""
DISAGREEMENT = 0.1
"""Share of images on which two good models answer differently."""


def least_difference(images: int) -> float:
    """The least difference of quality that so many images tell."""
    return SURE * math.sqrt(DISAGREEMENT / max(1, images))


def images_needed(difference: float) -> int:
    """How many images tell a difference of quality."""
    return math.ceil(DISAGREEMENT * (SURE / difference) ** 2)
