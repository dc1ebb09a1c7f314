"""The hidden images of an evaluation: the splits one after the other, and the quality on each."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scoring.errors import EngineError
from scoring.images import albums
from scoring.job import InputSpec, Job, SplitQuality
from scoring.quality import metrics
from scoring.sentences import say
from scoring.timing.blocks import Labels


@contextmanager
def workplace(job: Job) -> Iterator[Path]:
    """The folder for decoded images: the job's cache, or a temporary one."""
    if job.cache is not None:
        albums.evict(job.cache, job.cache_bytes, time.time())
        yield job.cache
        return
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        yield Path(folder)


@dataclass(frozen=True)
class HiddenImages:
    """Images of all splits in one row, so that an image's number does not tell its split."""

    splits: dict[str, albums.Labelled]
    cache: Path

    @classmethod
    def of(cls, job: Job, cache: Path, tick: Callable[[float], None]) -> HiddenImages:
        """The images of a job. Raises `EngineError`, `BadDataset`."""
        found = {split.name: albums.labelled(split.images, job.classes) for split in job.splits}
        if not found:
            raise EngineError("no_splits", say("The job has no images."))
        tick(0.0)
        return cls(found, cache)

    def pixels(self, spec: InputSpec, tick: Callable[[float], None]) -> albums.Album:
        """Images of all splits, one split after the other. `tick` gets the finished share."""
        splits = self.splits.values()
        total = sum(len(split.names) for split in splits)
        parts: list[albums.Pixels] = []
        for split in splits:
            done, here = sum(map(len, parts)), len(split.names)

            def tick_of_all(share: float, done: int = done, here: int = here) -> None:
                tick((done + share * here) / total)

            parts.append(albums.pixels(split, spec, self.cache, tick_of_all))
        return albums.Album(tuple(parts))

    def by_split(self, answers: Labels) -> dict[str, Labels]:
        """The answers of each split. `answers`: labels (images,) of all splits."""
        ends = np.cumsum([len(split.labels) for split in self.splits.values()])
        return dict(zip(self.splits, np.split(answers, ends[:-1]), strict=True))

    def qualities(self, answers: Labels, job: Job) -> dict[str, SplitQuality]:
        """The quality on each split. `answers`: labels (images,) of all splits."""
        return {
            name: metrics.quality(self.splits[name].labels, part, job.classes, job.formula.metric)
            for name, part in self.by_split(answers).items()
        }


def public_quality(splits: dict[str, SplitQuality]) -> float:
    """The reference's quality on the public split, which is shown, so in three decimals."""
    return round(splits.get("public", next(iter(splits.values()))).quality, 3)
