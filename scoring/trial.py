"""A model tried on images that its team has: the dry run of an evaluation, and what it cannot see.

The sandbox, the input and the limits are those of an evaluation; a clock for a rank and a reference
are not. After the dry run's few images every image is answered twice, in fresh processes and in
different orders, so that answers that change are seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from scoring import engine
from scoring.errors import BadDataset, ModelFailed, Rejected
from scoring.images import albums
from scoring.job import DryRun, Failure, Job, Json, Model, SplitQuality
from scoring.quality import metrics
from scoring.sandbox import advice, outputs, parent
from scoring.timing import repeats
from scoring.timing.blocks import Labels
from scoring.timing.runner import Entrant, entrant


@dataclass(frozen=True)
class Trial(Json):
    """What a try found: `quality` is None where it failed."""

    status: str
    """passed or failed"""
    failure: Failure | None = None
    model: Model | None = None
    dry_run: DryRun | None = None
    quality: SplitQuality | None = None
    """On these images, which the model may have been trained on."""
    seconds_per_image: float | None = None
    """About: one process, beside no reference."""


def run(job: Job, tick: Callable[[], None] = lambda: None) -> Trial:
    """Try `job.submission` on the images of `job.sample`.

    Raises `EngineError` where this machine cannot, and `BadDataset`.
    """
    assert job.submission
    assert job.sample
    trial = Trial("failed")
    try:
        model = engine.inspected(job, job.submission)
        trial = replace(trial, model=model)
        labelled = albums.labelled(job.sample, job.classes)
        if not labelled.names:
            raise BadDataset("no_images", "There are no readable images in class folders.")
        with engine.workplace(job) as cache:
            pixels = albums.Album((albums.pixels(labelled, engine.spec_of(model), cache),))
            opening = entrant(
                job.submission, engine.spec_of(model), pixels, len(job.classes), job.limits
            )
            with (
                opening as us,
                parent.started(job.plan, job.limits, tick, may_be_weak=job.may_be_weak) as box,
            ):
                found, failure, last_words = engine.tried(us, box, job, job.sample, cache)
                trial = replace(trial, dry_run=found)
                if failure:
                    raise advice.explained(failure, last_words, model=model, job=job)
                answers, seconds = answered(us, box, model, job)
    except (Rejected, ModelFailed) as failure:
        return replace(trial, failure=Failure(failure.code, failure.message))
    quality = metrics.quality(labelled.labels, answers, job.classes)
    return replace(trial, status="passed", quality=quality, seconds_per_image=seconds)


def answered(us: Entrant, box: parent.Sandbox, model: Model, job: Job) -> tuple[Labels, float]:
    """Labels (N,) and seconds per image; each image is asked again, and all of them once more
    while it is open whether answers change. Raises `ModelFailed`, explained."""
    total = len(us.pixels)
    orders = np.random.default_rng(job.seed)
    first, seconds = asked(us, box, model, job, np.arange(total))
    changed, compared = np.zeros(total, dtype=bool), 0
    for _ in range(repeats.MOST_ROUNDS):
        again, _ = asked(us, box, model, job, orders.permutation(total))
        compared += int((~changed).sum())
        changed |= again != first
        try:
            repeats.refuse_changing(compared, int(changed.sum()))
        except ModelFailed as failure:
            raise advice.explained(failure, None, model=model, job=job) from failure
        if not changed.any() or not repeats.lacking(compared, int(changed.sum())):
            break
    return first, seconds


def asked(
    us: Entrant, box: parent.Sandbox, model: Model, job: Job, order: Labels
) -> tuple[Labels, float]:
    """Labels (N,) by a fresh process, and its seconds per image. Raises `ModelFailed`, explained by
    what the model said: these images are no secret."""
    failure = None
    with outputs.listening() as output:
        try:
            return engine.answers_alone(us, box, order=order, output=output)
        except ModelFailed as found:
            failure = found
    raise advice.explained(failure, output.last_words, model=model, job=job, has_run=True)
