"""Dates are extended and kept: when its time has come, a draft opens and a competition is
published."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard.errors import Conflict
from leaderboard.models import Competition, Preparation, User
from leaderboard.services import competitions, preparing, privileges, verifications
from leaderboard.services.audit import SERVICE

State = Competition.State


@transaction.atomic
def extend(*, competition: Competition, ends_at: datetime | None, by: User) -> None:
    """Set a later end, or none. A closed competition opens again, unless it is published."""
    check_later(competition, ends_at)
    competition.ends_at = ends_at
    if competition.publishes_at and ends_at and competition.publishes_at < ends_at:
        competition.publishes_at = None
    competitions.edit(competition=competition, by=by)
    if competition.state == State.CLOSED:
        competitions.reopen(competition=competition, by=by)


def check_later(competition: Competition, ends_at: datetime | None) -> None:
    competitions.check_unpublished(competition)
    now = competition.ends_at
    least = max(now, timezone.now()) if now else timezone.now()
    if ends_at is not None and ends_at <= least:
        raise Conflict(
            gettext("The new end must be later than the current one, and in the future."),
            code="end_not_later",
        )


def keep() -> None:
    """Open drafts and publish competitions whose time has come. Mark verifications that missed
    theirs.

    What is not ready waits, and the panel says what is missing.
    """
    verifications.miss_due()
    drafts = list(Competition.objects.filter(state=State.DRAFT, opens_at__lte=Now()))
    closed = Competition.objects.filter(state=State.CLOSED, publishes_at__lte=Now())
    due = list(closed.filter(preparation=None))
    # A worker's role may not open or publish. The site's own process comes here, too.
    if not (drafts or due) or not privileges.may_update(Preparation):
        return
    for competition in drafts:
        open_on_time(competition)
    for competition in due:
        publish_on_time(competition)


def open_on_time(competition: Competition) -> bool:
    """Open a draft unless something is missing. Returns whether it is open."""
    try:
        with transaction.atomic():
            competitions.check_openable(competition)
            competitions.move(
                competition, State.OPEN, by=SERVICE, only_from=[State.DRAFT], pause_message=""
            )
    except Conflict:
        return False
    return True


def publish_on_time(competition: Competition) -> bool:
    """Begin a publication unless evaluations are unfinished. Returns whether it has begun."""
    try:
        competitions.begin_publication(competition, by=SERVICE)
    except Conflict:
        return False
    preparing.go_on(competition, seconds=preparing.AT_ONCE)
    return True
