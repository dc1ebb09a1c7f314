"""The answers of a measuring: those of the first pass count, later ones are compared with them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from scoring.quality.tasks import Task
from scoring.timing import repeats
from scoring.timing.blocks import Batches, Block, Labels


class Answers:
    """Labels (N,) so far, and how many of them were compared and changed."""

    def __init__(self, images: int, task: Task) -> None:
        self.task = task
        self.labels: Labels = np.full(images, -1, dtype=np.int64)
        self.is_changed: npt.NDArray[np.bool_] = np.zeros(images, dtype=bool)
        self.compared = 0
        self.rounds = 0
        """Processes that only answered again."""
        self.stopped_cpu_seconds = 0.0

    @property
    def are_complete(self) -> bool:
        return not bool((self.labels < 0).any())

    @property
    def share(self) -> float:
        """Answered share of the images, at least 0.01."""
        return max(float((self.labels >= 0).mean()), 0.01)

    @property
    def changed(self) -> int:
        return int(self.is_changed.sum())

    def keep(self, batches: Batches, block: Block) -> None:
        """Keep the answers of a block, or compare them with those that count.

        An image whose answer changed is no longer compared: near a tie it may change each time.
        """
        numbers, first = np.unique(batches, return_index=True)
        labels = block.labels.reshape(-1)[first]
        known = self.labels[numbers] >= 0
        held = known & ~self.is_changed[numbers]
        self.compared += int(held.sum())
        self.is_changed[numbers] |= held & self.task.differ(labels, self.labels[numbers])
        self.labels[numbers[~known]] = labels[~known]
        self.stopped_cpu_seconds += block.stopped_cpu_seconds

    def lacking(self) -> int:
        """Number of images that one more process is to answer again; 0 if the model is cleared.

        Few images are all answered again: once if no answer changed, else up to
        `repeats.MOST_ROUNDS` times.
        """
        most = repeats.MOST_ROUNDS if self.changed else 1
        if self.rounds == most or self.is_changed.all():
            return 0
        return repeats.lacking(self.compared, self.changed)

    def refuse_changing(self) -> None:
        """Raises `ModelFailed` (answers_change)."""
        repeats.refuse_changing(self.compared, self.changed)
