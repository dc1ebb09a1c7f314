"""A model tried on images that its team has: a dry run, and answers that change.

Sandbox, input and limits are those of an evaluation. No reference runs beside the model, and its
time gives no rank. After the dry run every image is answered twice, in fresh processes and in
different orders, which shows whether answers change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from scoring import answering, engine
from scoring.errors import BadDataset, ModelFailed, Rejected
from scoring.hidden import workplace
from scoring.images import albums
from scoring.job import Failure, Job, Model, Trial
from scoring.quality import metrics
from scoring.sandbox import advice, outputs, parent
from scoring.sentences import say
from scoring.timing import repeats, runner
from scoring.timing.blocks import Labels
from scoring.timing.runner import Entrant


def run(job: Job, tick: Callable[[], None] = lambda: None) -> Trial:
    """Try `job.submission` on the images of `job.sample`.

    `tick` is called during each wait. Raises `EngineError` if this machine cannot run models, and
    `BadDataset`.
    """
    assert job.submission
    assert job.sample
    trial = Trial("failed")
    try:
        model = engine.inspected(job, job.submission)
        trial = replace(trial, model=model)
        labelled = albums.labelled(job.sample, job.classes)
        if not labelled.names:
            raise BadDataset("no_images", say("There are no readable images in class folders."))
        with workplace(job) as cache:
            pixels = albums.Album((albums.pixels(labelled, engine.spec_of(model), cache),))
            opening = runner.entrant(
                job.submission, engine.spec_of(model), pixels, len(job.classes), job.limits
            )
            with (
                opening as entrant,
                parent.started(job.plan, job.limits, tick, may_be_weak=job.may_be_weak) as box,
            ):
                found = answering.dry_run(entrant, box, job, job.sample, cache)
                trial = replace(trial, dry_run=found.dry_run)
                if found.failure:
                    raise advice.explained(found.failure, found.last_words, model=model, job=job)
                answers, seconds = answered(entrant, box, model, job)
    except (Rejected, ModelFailed) as failure:
        return replace(trial, failure=Failure(failure.code, failure.said))
    quality = metrics.quality(labelled.labels, answers, job.classes, job.formula.metric)
    return replace(trial, status="passed", quality=quality, seconds_per_image=seconds)


def answered(entrant: Entrant, box: parent.Sandbox, model: Model, job: Job) -> tuple[Labels, float]:
    """Labels (images,) and seconds per image of the first of several rounds.

    A second round answers every image again. More rounds follow while it is open whether answers
    change. Raises `ModelFailed`, explained.
    """
    total = len(entrant.pixels)
    orders = np.random.default_rng(job.seed)
    first, seconds = asked(entrant, box, model, job, np.arange(total))
    changed, compared = np.zeros(total, dtype=bool), 0
    for _ in range(repeats.MOST_ROUNDS):
        again, _ = asked(entrant, box, model, job, orders.permutation(total))
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
    entrant: Entrant, box: parent.Sandbox, model: Model, job: Job, order: Labels
) -> tuple[Labels, float]:
    """Labels (images,) of a fresh process, and its seconds per image.

    `order`: the images' numbers in the order of answering. Raises `ModelFailed`, explained by what
    the model printed, because these images are no secret.
    """
    failure = None
    with outputs.listening() as output:
        try:
            return answering.answer_all(entrant, box, order=order, output=output)
        except ModelFailed as found:
            failure = found
    raise advice.explained(failure, output.last_words, model=model, job=job, has_run=True)
