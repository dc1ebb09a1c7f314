"""What is timed: a block of one model's calls, answered by one process."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from scoring.job import Plan

Batches = npt.NDArray[np.int64]
"""Image numbers (calls, batch); a short last batch repeats its last image."""
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """One timed block: seconds of the parent's clock, and labels (calls, batch)."""

    seconds: float
    """Without those of an empty block, and without the time a core needs to wake up."""
    cpu_seconds: float
    labels: Labels
    stopped_cpu_seconds: float = 0.0
    """CPU seconds that this process used since its last block, while it should stand still."""
    probe_seconds: float = 0.0
    """Seconds of the probe before the block; 0 without one."""


class Runner(Protocol):
    """One model in a fresh process."""

    @property
    def max_calls(self) -> int: ...

    @property
    def seconds_per_call(self) -> float:
        """As fast as it was last seen."""

    def answer(self, batches: Batches, rewarm: bool) -> Block:
        """Answer a block of images, none of which this process has seen.

        `rewarm`: the other model ran in between. The probe runs, then the model is warmed again.
        """


class Processes(Protocol):
    """Where fresh processes of the two models come from."""

    def reference(self) -> AbstractContextManager[Runner]: ...

    def submission(self) -> AbstractContextManager[Runner]: ...


def watches_cpu(plan: Plan) -> bool:
    """Whether CPU and wall seconds are comparable: not on a GPU, not with several threads."""
    return plan.device == "cpu" and plan.threads == 1
