"""The score: time_weight x time ratio + sigmoid(k x (f1_ref - f1)). Lower is better."""

from __future__ import annotations

import math
from collections.abc import Sequence


def score(
    f1: float, time_ratio: float, *, f1_ref: float, k: float = 20.0, time_weight: float = 0.5
) -> float:
    """Score of a model with macro-F1 `f1` that takes `time_ratio` times the reference's time."""
    return time_weight * time_ratio + quality_term(f1, f1_ref=f1_ref, k=k)


def quality_term(f1: float, *, f1_ref: float, k: float = 20.0) -> float:
    """The part of the score that F1 decides: 0.5 at `f1_ref`, towards 0 above and 1 below it."""
    return sigmoid(k * (f1_ref - f1))


def half_width(time_half_width: float, time_weight: float = 0.5) -> float:
    """Half of the score's 95 % interval: only time adds to it, F1 on a fixed split has no noise."""
    return time_weight * time_half_width


def do_nothing_f1(class_counts: Sequence[int]) -> float:
    """Macro-F1 of answering the largest class to every image."""
    total = sum(class_counts)
    if not total:
        return 0.0
    precision = max(class_counts) / total
    return 2 * precision / (1 + precision) / len(class_counts)


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)) that never overflows."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    return math.exp(x) / (1 + math.exp(x))
