"""A team tries a model on the sample, on a worker: same sandbox, same limits, no score.

Trials wait in their own rows. A worker runs at most one of them between two evaluations, so neither
kind keeps the other waiting for long.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard import queue
from leaderboard.errors import Conflict, NotFound, QuotaExceeded
from leaderboard.models import Competition, HardwareProfile, Team, Trial, User
from leaderboard.services import bans, files, jobs, locks, privileges, submissions, teams
from scoring.job import Job
from scoring.timing import machine

logger = logging.getLogger(__name__)
State = Trial.State
MOST_A_DAY = 20
"""Trials of a team in 24 hours. A trial takes seconds, an evaluation about a minute."""
FOLDER = "trials"
KEPT = timedelta(days=7)
LOST_AFTER = timedelta(minutes=15)
"""A trial that runs for so long has lost its worker: limits end any model sooner."""


def begin(*, competition: Competition, team: Team, upload: File[bytes], by: User) -> Trial:
    """Accept a file and queue its trial. Raises `Refused`, and stores nothing then."""
    submissions.check_open(competition)
    check_room(team)
    if not has_sample(competition):
        raise Conflict(gettext("This competition does not provide a sample."), code="no_sample")
    with files.received(upload, max_bytes=competition.max_upload_bytes) as file:
        found = submissions.checked(file, competition)
        with transaction.atomic():
            team = locks.lock(team)
            teams.check_member(team, by)
            bans.check(competition, by, team)
            check_room(team)
            trial = Trial.objects.create(
                competition=competition,
                team=team,
                uploaded_by=by,
                file=files.keep(file, folder=FOLDER, suffix=found.format.endings[0]),
                file_name=file.name[:200],
                format=found.format.name,
                size_bytes=file.size_bytes,
            )
            queue.knock(competition.profile.slug)
    return trial


def check_room(team: Team) -> None:
    """Raises `Conflict` while a trial of the team is under way, and `QuotaExceeded` after
    `MOST_A_DAY`."""
    if team.trials.unfinished().exists():
        raise Conflict(
            gettext("A trial of your team is running. Wait until it has ended."),
            code="trial_under_way",
        )
    since = timezone.now() - timedelta(days=1)
    if team.trials.filter(uploaded_at__gt=since).count() >= MOST_A_DAY:
        raise QuotaExceeded(
            gettext(
                "A team can try %(most)d models in 24 hours. On your own machine, this "
                "command does the same: python -m scoring try FILE --data SAMPLE.zip."
            )
            % {"most": MOST_A_DAY},
            code="too_many_trials",
        )


def submit(trial: Trial, *, by: User, door: str) -> submissions.Receipt:
    """Make a submission of a model that passed. Raises the same as `submissions.submit`."""
    try:
        tried = trial.file.open("rb")
    except FileNotFoundError as error:  # swept in this moment
        raise NotFound(
            gettext("This model file was deleted, because it is kept only for a limited time."),
            code="model_deleted",
        ) from error
    with tried:
        return submissions.submit(
            competition=trial.competition,
            team=trial.team,
            upload=File(tried, name=trial.file_name),
            by=by,
            door=door,
        )


def has_sample(competition: Competition) -> bool:
    dataset = competition.dataset
    return dataset is not None and dataset.splits.filter(name="sample").exists()


def await_end(trial: Trial, *, seconds: float) -> None:
    """Wait until a trial has ended, at most for `seconds`, as `submissions.await_verdict` does."""
    submissions.await_none(Trial.objects.unfinished().filter(pk=trial.pk), seconds=seconds)


# On a worker


def run_next(profile: HardwareProfile) -> Trial | None:
    """Run the oldest trial that waits for a profile's workers. None: there is none."""
    waiting = Trial.objects.filter(state=State.QUEUED, competition__profile=profile)
    key = waiting.order_by("pk").values_list("pk", flat=True).first()
    if key is None:
        return None
    taken = Trial.objects.filter(pk=key, state=State.QUEUED)
    if not taken.update(state=State.RUNNING, claimed_at=Now()):
        return None  # another worker has it
    trial = Trial.objects.select_related("competition__profile", "competition__dataset").get(pk=key)
    run(trial)
    return trial


def run(trial: Trial) -> None:
    """Try a claimed model, and write what was found. An error of ours ends this trial alone."""
    from scoring import trial as engine  # with NumPy

    try:
        job = job_of(trial)
        with machine.held(job.lock):
            found = engine.run(job)
    except Exception:  # whatever it is, the worker has evaluations to do
        logger.exception("%s ended by our fault", trial)
        end(trial, State.ERROR)
    else:
        end(trial, State(found.status), found=found.to_json())


def end(trial: Trial, state: State, **more: object) -> None:
    """Write how a trial ended, unless `sweep` gave it up before."""
    running = Trial.objects.filter(pk=trial.pk, state=State.RUNNING)
    running.update(state=state, finished_at=Now(), **more)


def job_of(trial: Trial) -> Job:
    """A job like an evaluation's, with the sample and no split. No reference runs, so the model
    stands in its place."""
    competition = trial.competition
    assert competition.dataset
    sample = competition.dataset.splits.get(name="sample")
    model = files.local_path(trial.file)
    return Job(
        reference=model,
        submission=model,
        splits=(),
        classes=tuple(competition.dataset.classes),
        input=competition.input_spec(),
        bounds=competition.input_bounds(),
        formula=competition.formula(),
        plan=competition.profile.plan(),
        limits=competition.limits(),
        seed=jobs.secret_number(f"trial {trial.pk}"),
        cache=Path(settings.CACHE_DIR),
        lock=jobs.lock_file(),
        sample=files.local_path(sample.archive),
        may_be_weak=settings.ALLOW_WEAK_SANDBOX,
    )


def sweep() -> None:
    """Give up trials that lost their worker. Delete old trials with their files.

    A worker's role may not delete, so that part is left to the site's own process.
    """
    lost = Trial.objects.filter(state=State.RUNNING, claimed_at__lt=Now() - LOST_AFTER)
    lost.update(state=State.ERROR, finished_at=Now())
    some = list(Trial.objects.filter(uploaded_at__lt=timezone.now() - KEPT)[:100])
    if not some or not privileges.may_delete(Trial):
        return
    for old in some:
        old.delete()
        files.drop_unused([str(old.file.name)])
