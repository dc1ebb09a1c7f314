"""A worker trains a reference on the sample, so that an organizer needs no machine learning.

A training waits until no evaluation does, but never longer than `PATIENCE`. The command
`train-reference` runs in a process of its own, without the secrets of the worker. Workers only read
files, so the model waits in its row until a process of the site stores it.
"""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext

from leaderboard import queue
from leaderboard.errors import Conflict, Refused
from leaderboard.models import (
    Competition,
    Evaluation,
    HardwareProfile,
    ReferenceModel,
    Training,
    User,
)
from leaderboard.services import (
    audit,
    files,
    jobs,
    locks,
    organizers,
    privileges,
    references,
    trials,
)
from scoring import formats
from scoring.job import InputSpec
from scoring.timing import machine

logger = logging.getLogger(__name__)
State = Training.State
PATIENCE = timedelta(minutes=10)
"""After this time a training goes before evaluations that wait."""
GRACE = timedelta(minutes=10)
"""The time beyond its seconds in which a training decodes, tests and exports. After that its worker
counts as lost."""
EACH = 1.0
"""Seconds between looks at whether a training is cancelled."""
NOT_ASKED = {"asked_by", "claimed_at", "finished_at", "quality", "model"}
"""Fields that no form fills."""
MOST_BYTES = 200 << 20
"""Most bytes of a trained model, which goes through the database."""
PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR")
"""What the command gets of the worker's environment. Addresses and passwords are not among it."""


def begin(*, competition: Competition, training: Training, by: User) -> Training:
    """Queue a training, the fields of an unsaved row. Raises `Refused`."""
    organizers.check_organizer(by, competition)
    if not trials.has_sample(competition):
        raise Conflict(
            gettext("The dataset has no sample to train on. Choose a dataset with a sample."),
            code="no_sample",
        )
    training.competition, training.asked_by = competition, by
    with transaction.atomic():
        references.check_draft(locks.lock(competition))
        if competition.trainings.unfinished().exists():
            raise Conflict(
                gettext("A training is running. Wait until it ends, or cancel it."),
                code="already_queued",
            )
        try:
            training.clean_fields(exclude=NOT_ASKED)
        except ValidationError as error:
            raise Refused(" ".join(error.messages), code="invalid") from error
        training.save(force_insert=True)
        told = audit.state(training, "architecture", "form", "seconds", "seed")
        audit.record(audit.Act.TRAINING_QUEUED, competition, by=by, after=told)
        queue.knock(competition.profile.slug)
    return training


@transaction.atomic
def cancel(*, competition: Competition, by: User) -> None:
    """End what waits or runs. Its worker notices within seconds."""
    organizers.check_organizer(by, competition)
    rows = competition.trainings.unfinished()
    if not rows.update(state=State.CANCELLED, finished_at=Now()):
        raise Conflict(gettext("No training is running."), code="not_queued")
    audit.record(audit.Act.TRAINING_CANCELLED, competition, by=by)


def latest(competition: Competition) -> Training | None:
    """The last training of a competition, without its file."""
    return competition.trainings.defer("model").first()


# On a worker


def run_next(profile: HardwareProfile, *, should_stop: Callable[[], bool]) -> Training | None:
    """Run the oldest training that waits for a profile's workers. None: none may begin."""
    waiting = Training.objects.filter(state=State.QUEUED, competition__profile=profile)
    if Evaluation.objects.filter(profile=profile, state=Evaluation.State.QUEUED).exists():
        waiting = waiting.filter(asked_at__lt=Now() - PATIENCE)
    key = waiting.order_by("pk").values_list("pk", flat=True).first()
    if key is None:
        return None
    taken = Training.objects.filter(pk=key, state=State.QUEUED)
    if not taken.update(state=State.RUNNING, claimed_at=Now()):
        return None  # another worker has it
    training = Training.objects.select_related("competition__dataset").get(pk=key)
    try:
        run(training, should_stop)
    except Exception:  # whatever it is, the worker has evaluations to do
        logger.exception("%s ended by our fault", training)
        end(training, State.ERROR)
    store_all()
    return training


def run(training: Training, should_stop: Callable[[], bool]) -> None:
    """Train a claimed model, and write how it ended."""
    with tempfile.TemporaryDirectory(prefix="featherweight-training-") as name:
        folder = Path(name)
        target = folder / f"model{formats.of_form(training.form)[0].endings[0]}"
        with machine.held(jobs.lock_file()), (folder / "err").open("wb") as err:
            process = subprocess.Popen(
                command(training, target),
                cwd=settings.BASE_DIR,
                env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=(folder / "out").open("wb"),
                stderr=err,
            )
            try:
                status = watched(process, training, should_stop)
            finally:
                process.kill()
                process.wait()
        if status is None:
            if should_stop():
                end(training, State.QUEUED, claimed_at=None)  # another worker begins from the start
        elif status != 0:
            lines = (folder / "err").read_text(errors="replace").strip().splitlines()
            end(training, State.FAILED, said=lines[-1][:500] if lines else f"exit code {status}")
        elif target.stat().st_size > MOST_BYTES:
            end(training, State.FAILED, said=f"The model is larger than {MOST_BYTES >> 20} MiB.")
        else:
            told = json.loads((folder / "out").read_text())
            end(training, State.TRAINED, quality=told["f1"], model=target.read_bytes())


def watched(
    process: subprocess.Popen[bytes], training: Training, should_stop: Callable[[], bool]
) -> int | None:
    """The exit code of the training's process.

    None if the training was given up: it was cancelled, its row was lost, or the worker stops.
    """
    while True:
        try:
            return process.wait(timeout=EACH)
        except subprocess.TimeoutExpired:
            is_wanted = Training.objects.filter(pk=training.pk, state=State.RUNNING).exists()
            if should_stop() or not is_wanted:
                return None


def command(training: Training, target: Path) -> list[str]:
    competition = training.competition
    assert competition.dataset
    sample = competition.dataset.splits.get(name="sample")
    return [
        *(sys.executable, "-m", "scoring", "train-reference", "--json"),
        *("--arch", training.architecture, "--format", training.form),
        *("--seconds", str(training.seconds), "--seed", str(training.seed)),
        *("--data", str(files.local_path(sample.archive)), "--output", str(target)),
        *options(competition.input_spec()),
    ]


def options(spec: InputSpec) -> list[str]:
    """The options of the command that describe an input."""
    return [
        *("--input-size", str(spec.height), str(spec.width), "--dtype", spec.dtype),
        *("--batch-size", str(spec.batch_size), "--interpolation", spec.interpolation),
        *("--crop-pct", str(spec.crop_pct), "--crop-mode", spec.crop_mode),
        *("--mean", *map(str, spec.mean), "--std", *map(str, spec.std)),
    ]


def end(training: Training, state: State, **more: object) -> None:
    """Write the end, unless it was cancelled or given up meanwhile."""
    running = Training.objects.filter(pk=training.pk, state=State.RUNNING)
    at = None if state == State.QUEUED else Now()
    running.update(state=state, finished_at=at, **more)


# In a process of the site


def store_all() -> None:
    """Store models that are trained. One that breaks stops no other, and is tried again.

    A process that signed in as a worker does nothing.
    """
    if not privileges.may_update(ReferenceModel):
        return
    for key in list(Training.objects.exclude(model=None).values_list("pk", flat=True)[:10]):
        training = Training.objects.select_related("competition", "asked_by").get(pk=key)
        try:
            store(training)
        except Refused as refusal:
            logger.warning("%s is not the reference: %s", training, refusal.detail)
            training.state, training.said = State.FAILED, refusal.detail[:500]
        except Exception:  # such as a full disk; the sweep has more to do
            logger.exception("%s could not be stored", training)
            continue
        training.model = None
        training.save(update_fields=["model", "state", "said"])


def store(training: Training) -> None:
    """Make a trained model the reference of its draft. Raises `Refused`."""
    if training.asked_by is None:
        raise Conflict(gettext("This model is no longer needed."))
    ending = formats.of_form(training.form)[0].endings[0]
    content = io.BytesIO(training.model or b"")
    references.set_reference(
        competition=training.competition,
        upload=File(content, name=f"{training.architecture}{ending}"),
        name=training.architecture,
        by=training.asked_by,
    )


def sweep() -> None:
    """Give up trainings that lost their worker, and store those that are done."""
    running = Training.objects.filter(state=State.RUNNING)
    for training in running.defer("model"):
        last = timedelta(seconds=training.seconds) + GRACE
        is_lost = Q(pk=training.pk, claimed_at__lt=Now() - last)
        running.filter(is_lost).update(state=State.ERROR, finished_at=Now())
    store_all()
