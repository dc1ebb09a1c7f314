"""One model answers images without another model beside it: the dry run, and the reference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from scoring import formats
from scoring.errors import ModelFailed
from scoring.images import albums
from scoring.job import DryRun, Job
from scoring.sandbox import outputs, parent
from scoring.timing.blocks import Batches, Labels
from scoring.timing.runner import Entrant, Synthetic

DRY_RUN_IMAGES = 8
"""At least one batch of them is answered."""
BLOCK_SECONDS = 0.5
"""Aim for one block to take this long."""


@dataclass(frozen=True)
class DryRunOutcome:
    """How a dry run ended."""

    dry_run: DryRun
    failure: ModelFailed | None
    last_words: str
    """The end of what the model printed."""
    macs: int | None
    """Multiplications for one image; None unless the runtime counted them."""


def dry_run(
    entrant: Entrant, box: parent.Sandbox, job: Job, sample: Path, cache: Path
) -> DryRunOutcome:
    """Answer the first images of the sample.

    The team has these images, so it may read what its model prints there. Raises `EngineError`,
    `BadDataset`.
    """
    labelled = albums.labelled(sample, job.classes)
    count = max(DRY_RUN_IMAGES, entrant.spec.batch_size)
    few = albums.Labelled(labelled.source, labelled.names[:count], labelled.labels[:count])
    album = albums.Album((albums.pixels(few, entrant.spec, cache),))
    failure, memory_bytes = None, None
    with outputs.listening() as output:
        try:
            with replace(entrant, pixels=album).fresh(box, seed=0, output=output) as runner:
                for row in padded(np.arange(len(few.labels)), entrant.spec.batch_size):
                    runner.answer(row[None], rewarm=False)
                runner.child.look_at_memory()
                memory_bytes = runner.child.memory_bytes
        except ModelFailed as found:
            failure = found
    said = DryRun(len(few.labels), output.text, output.is_cut, memory_bytes)
    macs = None if failure else counted(entrant, box)
    return DryRunOutcome(said, failure, output.last_words, macs)


def counted(entrant: Entrant, box: parent.Sandbox) -> int | None:
    """Multiplications of the model for one image, found by running it.

    None if the format's archive counts them, or if the runtime cannot.
    """
    if not formats.named(entrant.model.format).is_counted_by_running:
        return None
    found = box.counted(entrant.model, entrant.area, Synthetic(entrant.spec, 0).call())
    return None if found is None else found // entrant.spec.batch_size


def answer_all(
    entrant: Entrant,
    box: parent.Sandbox,
    tick: Callable[[float], None] = lambda share: None,
    *,
    order: Labels | None = None,
    output: outputs.Output | None = None,
) -> tuple[Labels, float]:
    """Labels (images,) of a fresh process, and roughly its seconds per image.

    `order`: the images' numbers in the order of answering, (images,). `output` takes what the
    model prints. Raises `ModelFailed`.
    """
    total = len(entrant.pixels)
    answers: Labels = np.empty(total, dtype=np.int64)
    seconds = 0.0
    if order is None:
        order = np.arange(total)
    with entrant.fresh(box, seed=0, output=output) as runner:
        calls = min(runner.max_calls, max(1, round(BLOCK_SECONDS / runner.seconds_per_call)))
        size = calls * entrant.spec.batch_size
        for start in range(0, total, size):
            numbers = order[start : start + size]
            block = runner.answer(padded(numbers, entrant.spec.batch_size), rewarm=False)
            answers[numbers] = block.labels.reshape(-1)[: len(numbers)]
            seconds += block.seconds
            tick(start / total)
    return answers, seconds / total


def padded(numbers: Labels, batch_size: int) -> Batches:
    """Image numbers (images,) as (calls, batch). A short last batch repeats the last image."""
    missing = -len(numbers) % batch_size
    return np.concatenate([numbers, np.repeat(numbers[-1:], missing)]).reshape(-1, batch_size)
