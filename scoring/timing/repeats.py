"""Whether a model answers the same when it is asked again: Wald's sequential test.

A comparison is the answer of a fresh process to an image that was answered before. Rounding may
change an answer near a tie, so a share of `ALLOWED` may differ. If k of n comparisons differ, the
likelihood ratio of a share p against `ALLOWED` is

    L(p) = (p / ALLOWED)^k * ((1 - p) / (1 - ALLOWED))^(n - k)

* A model is refused once the mean of L over `SHARES` reaches 1 / `ACCUSED`. That mean is a
  supermartingale for every model that changes at most `ALLOWED`. By Ville's inequality such a model
  is refused with a probability of at most `ACCUSED`, however often one looks.
* A model is cleared once L(`CAUGHT`) is at most `MISSED`. Under p = `CAUGHT` 1 / L is a martingale.
  By the same inequality a model that changes so much is cleared with a probability of at most
  `MISSED`: the power is at least 1 - `MISSED`.

Without a change the second bound is reached after log(MISSED) / log((1 - CAUGHT) / (1 - ALLOWED))
= 255 comparisons; each change takes as many more. A test of a fixed number of images would take 388
for the same power. It would refuse a model at the allowed share in 6 % of evaluations.

Repeated passes make these comparisons without further cost. After a single pass over N images they
cost 255 / N of it: 2 % from 12,750 images on. If there are fewer than 255 images, all are answered
again; n images show a change of 1 % with a probability of 1 - 0.99^n.
"""

from __future__ import annotations

import math

from scoring.errors import ModelFailed
from scoring.sentences import say

ALLOWED = 0.001
"""Share of answers that may change."""
CAUGHT = 0.01
"""Share of changed answers that is to be noticed."""
MISSED = 0.1
"""Highest probability that a model is cleared which changes `CAUGHT` of its answers."""
ACCUSED = 1e-4
"""Highest probability that a model is refused which changes `ALLOWED` of its answers. In simulation
it is 2.5e-5; if rounding changes one answer in 100,000, as in float32, it is 6e-10."""
SHARES = (0.002, CAUGHT, 0.1, 0.5)
"""Shares of changed answers over which L is averaged: small ones take many comparisons, large ones
few."""

MOST_ROUNDS = 8
"""Most processes that only answer again, where few images leave it open whether answers change."""


def refuse_changing(compared: int, changed: int) -> None:
    """Raises `ModelFailed` (answers_change)."""
    if is_changing(compared, changed):
        raise ModelFailed(
            "answers_change",
            # No figure: how many changed can be made to say something about private images.
            say(
                "When the model was asked again about the same images, it changed more "
                "answers than the 0.1 %% that rounding can explain. Dropout or batch norm in "
                "training mode can cause this: call model.eval() before you trace, script or "
                "freeze it. Randomness and state can cause it, too."
            ),
        )


def is_changing(compared: int, changed: int) -> bool:
    """Whether a model changes more answers than it may: the mean of L reaches 1 / `ACCUSED`."""
    logs = [log_ratio(share, compared, changed) for share in SHARES]
    largest = max(logs)
    mean = largest + math.log(sum(math.exp(one - largest) for one in logs) / len(SHARES))
    return mean >= -math.log(ACCUSED)


def lacking(compared: int, changed: int) -> int:
    """Number of further comparisons without a change that clear a model; 0 if it is cleared."""
    excess = log_ratio(CAUGHT, compared, changed) - math.log(MISSED)
    return max(0, math.ceil(excess / -log_ratio(CAUGHT, 1, 0)))


def log_ratio(share: float, compared: int, changed: int) -> float:
    """log L(share), see the head of this module."""
    equal = math.log((1 - share) / (1 - ALLOWED))
    return changed * math.log(share / ALLOWED) + (compared - changed) * equal
