"""A week of history for the demo: what was uploaded just now gets a date of its own."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from leaderboard.models import Announcement, Competition, Entry, Evaluation, Submission, User
from leaderboard.services import announcements

DAYS = 7


@transaction.atomic
def spread(competition: Competition, by: User) -> None:
    """Spread the uploads over the last week, in their order, and announce two things."""
    begin = timezone.now() - timedelta(days=DAYS)
    Competition.objects.filter(pk=competition.pk).update(created_at=begin)
    found = list(competition.submissions.order_by("uploaded_at"))
    step = timedelta(days=DAYS) / (len(found) + 1)
    for number, submission in enumerate(found, start=1):
        date(submission, begin + number * step)
    for at, title, text, is_pinned in (
        (
            begin,
            "Welcome",
            "The sample is on the *Data* page. Try your model at home first.",
            False,
        ),
        (
            begin + 5 * timedelta(days=1),
            "Formats are free",
            "TorchScript and ONNX both count, and so does int8. See the export recipes.",
            True,
        ),
    ):
        told = Announcement(competition=competition, title=title, text=text, is_pinned=is_pinned)
        announcements.announce(announcement=told, by=by)
        Announcement.objects.filter(pk=told.pk).update(announced_at=at)


def date(submission: Submission, at: datetime) -> None:
    """Move one submission and its evaluations to another time; what they took stays."""
    moved = at - submission.uploaded_at
    Submission.objects.filter(pk=submission.pk).update(uploaded_at=at)
    Entry.objects.filter(evaluation__submission=submission).update(uploaded_at=at)
    for evaluation in submission.evaluations.all():
        times = {
            name: value + moved
            for name in ("queued_at", "claimed_at", "finished_at")
            if (value := getattr(evaluation, name))
        }
        Evaluation.objects.filter(pk=evaluation.pk).update(**times)
