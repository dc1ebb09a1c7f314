"""What is done every half minute, whoever is there to do it: nothing is stuck for longer."""

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
    preparing,
    queueing,
    rankings,
    recording,
    staging,
    workers,
)
from scoring.sentences import say

logger = logging.getLogger(__name__)
State = Evaluation.State
Why = Evaluation.Why
MAX_EXTRA = 3
"""Most measurements of one content that an overlapping top may ask for."""


def sweep() -> None:
    """Return expired leases, close what has ended, measure overlapping tops again on idle workers,
    throw away images that nobody imported, and knock again for whatever waits."""
    for evaluation in Evaluation.objects.filter(state=State.RUNNING, lease_expires_at__lt=Now()):
        try:
            recording.give_back(
                evaluation,
                code=recording.LOST,
                said=say("The worker stopped renewing its lease."),
            )
        except Stale:
            logger.info("%s was finished while it was swept.", evaluation)
    competitions.close_ended()
    staging.sweep()
    for competition in Competition.objects.filter(published_at=None, remeasured_ranks__gt=1):
        measure_top_again(competition)
    # Profiles with nothing to do are knocked for too: their workers show that they are alive. A
    # knock reaches one of them, the one that has heard none for the longest.
    for profile in HardwareProfile.objects.all():
        for _ in range(max(1, workers.seen_lately(profile).count())):
            queue.knock(profile.slug)


@transaction.atomic
def measure_top_again(competition: Competition) -> Evaluation | None:
    """Queue one more measurement for an overlapping top, or None where nothing is to be done.

    Only while a worker has nothing else to do, one at a time, the least measured first and each
    content at most `MAX_EXTRA` times; never once the final ranking is published, or prepared for
    it: a publication waits for what is queued.
    """
    competition = Competition.objects.select_for_update(of=["self"]).get(pk=competition.pk)
    profile = competition.profile
    is_idle = workers.ready(profile).exists() and not profile.evaluations.unfinished().exists()
    if competition.is_published or preparing.is_publishing(competition) or not is_idle:
        return None
    extra = Counter(
        competition.evaluations.filter(why=Why.TOP_OVERLAP).values_list(
            "submission__content_sha256", flat=True
        )
    )
    overlapping = rankings.overlapping(competition, first=competition.remeasured_ranks)
    candidates = [
        (extra[one.content_sha256], one.uploaded_at, one)
        for one in (entry.submission for entry in overlapping)
        if extra[one.content_sha256] < MAX_EXTRA
    ]
    if not candidates:
        return None
    *_, least = min(candidates, key=lambda one: one[:2])
    return queueing.enqueue(competition=competition, submission=least, why=Why.TOP_OVERLAP)
