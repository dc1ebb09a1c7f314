"""What an answer is: how a task reads a model's output, and when two answers differ.

The measuring times blocks and keeps answers. It asks the task what they are.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from scoring.errors import ModelFailed
from scoring.sentences import say

Answers = npt.NDArray[np.int64]


class Task(Protocol):
    """What the images of a competition ask of a model."""

    def decode(self, outputs: npt.NDArray[Any]) -> Answers:
        """The answers (calls, batch) in the outputs (calls, batch, values) of a model; each is 0 or
        more. Raises `ModelFailed` (not_finite)."""

    def differ(self, answers: Answers, earlier: Answers) -> npt.NDArray[np.bool_]:
        """Where two rows of answers (images,) to the same images are not the same."""


class Classification:
    """One class for each image. The output has one logit for each class."""

    def decode(self, outputs: npt.NDArray[Any]) -> Answers:
        if not np.isfinite(outputs).all():
            raise ModelFailed("not_finite", say("The model answered with NaN or infinity."))
        answers: Answers = outputs.argmax(axis=2)
        return answers

    def differ(self, answers: Answers, earlier: Answers) -> npt.NDArray[np.bool_]:
        found: npt.NDArray[np.bool_] = answers != earlier
        return found


CLASSIFICATION = Classification()
