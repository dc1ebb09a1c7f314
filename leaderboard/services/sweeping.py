"""The sweep, every half minute: nothing stays stuck for longer."""

from __future__ import annotations

import logging
from collections import Counter

from django.db import transaction
from django.db.models.functions import Now

from leaderboard import queue
from leaderboard.models import Competition, Evaluation, HardwareProfile
from leaderboard.models.evaluation import Stale
from leaderboard.services import (
    competitions,
    importing,
    partial_uploads,
    preparing,
    queueing,
    rankings,
    recording,
    remeasuring,
    schedules,
    staging,
    trainings,
    trials,
    workers,
)
from leaderboard.services.health import work
from scoring.sentences import say

logger = logging.getLogger(__name__)
State = Evaluation.State
Why = Evaluation.Why
MAX_EXTRA = 3
"""Most further measurements of one content for tied first ranks."""


def sweep() -> None:
    """Return expired leases; open, close and publish competitions whose time has come; measure tied
    tops again; bring rescores on; store trained references; go on with imports;
    delete abandoned images and uploads; knock again."""
    for evaluation in Evaluation.every.filter(state=State.RUNNING, lease_expires_at__lt=Now()):
        try:
            recording.give_back(
                evaluation,
                code=recording.LOST,
                said=say("The worker stopped renewing its lease."),
            )
        except Stale:
            logger.info("%s was finished while it was swept.", evaluation)
    competitions.close_ended()
    schedules.keep()
    remeasuring.go_on_all()
    staging.sweep()
    importing.sweep()
    trials.sweep()
    trainings.sweep()
    partial_uploads.sweep()
    work.note_sweep()
    for competition in Competition.objects.filter(published_at=None, remeasured_ranks__gt=1):
        measure_top_again(competition)
    # A knock shows that a worker is alive, so profiles without work are knocked for, too. A
    # knock reaches the worker that has waited longest for one.
    for profile in HardwareProfile.objects.all():
        for _ in range(max(1, workers.seen_lately(profile).count())):
            queue.knock(profile.slug)


@transaction.atomic
def measure_top_again(competition: Competition) -> Evaluation | None:
    """Queue one more measurement for a tied top; None if there is nothing to do.

    It happens only while a worker has no other work, one measurement at a time. The least measured
    content goes first, each at most `MAX_EXTRA` times. Never once the private board is published or
    prepared: a publication waits for all queued evaluations.
    """
    competition = Competition.objects.select_for_update(of=["self"]).get(pk=competition.pk)
    profile = competition.profile
    is_idle = workers.ready(profile).exists() and not profile.evaluations.unfinished().exists()
    # In a blind competition another measurement would tell a team that it stands at the top.
    if competition.hides_scores:
        return None
    if competition.is_published or preparing.is_publishing(competition) or not is_idle:
        return None
    extra = Counter(
        competition.evaluations.filter(why=Why.TOP_OVERLAP).values_list(
            "submission__content_sha256", flat=True
        )
    )
    tied = rankings.tied(competition, first=competition.remeasured_ranks)
    candidates = [
        (extra[one.content_sha256], one.uploaded_at, one)
        for one in (entry.submission for entry in tied)
        if extra[one.content_sha256] < MAX_EXTRA
    ]
    if not candidates:
        return None
    *_, least = min(candidates, key=lambda one: one[:2])
    return queueing.enqueue(competition=competition, submission=least, why=Why.TOP_OVERLAP)
