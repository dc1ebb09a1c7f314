"""Organizers' announcements. Each is told once; a correction changes what was told."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from leaderboard import markdown
from leaderboard.errors import NotFound
from leaderboard.models import Announcement, Competition, Notice, User
from leaderboard.services import audit, events, locks, organizers
from leaderboard.services.audit import Act
from leaderboard.services.events import Event

TEXTS = ("title", "text", "is_pinned")


@transaction.atomic
def announce(*, announcement: Announcement, by: User) -> None:
    """Publish a new announcement, and tell all teams of its competition."""
    organizers.check_organizer(by, announcement.competition)
    announcement.announced_at = timezone.now()
    announcement.save(force_insert=True)
    now = audit.state(announcement, *TEXTS)
    audit.record(Act.ANNOUNCEMENT_MADE, announcement, by=by, after=now)
    events.tell(Event.ANNOUNCED, announcement, announcement=announcement.pk)


@transaction.atomic
def edit(*, announcement: Announcement, by: User) -> None:
    """Save another title or text. Mails that were sent stay as they are."""
    organizers.check_organizer(by, announcement.competition)
    was = audit.state(locks.lock(announcement), *TEXTS)
    announcement.edited_at = timezone.now()
    announcement.save(update_fields=[*TEXTS, "edited_at"])
    now = audit.state(announcement, *TEXTS)
    audit.record(Act.ANNOUNCEMENT_EDITED, announcement, by=by, before=was, after=now)
    told(announcement).update(facts=facts(announcement))


@transaction.atomic
def remove(*, announcement: Announcement, by: User) -> None:
    """Delete an announcement and its notices."""
    organizers.check_organizer(by, announcement.competition)
    was = audit.state(announcement, *TEXTS)
    audit.record(Act.ANNOUNCEMENT_REMOVED, announcement, by=by, before=was)
    told(announcement).delete()
    announcement.delete()


def of(competition: Competition) -> QuerySet[Announcement]:
    """The announcements of a competition, pinned ones first, then the newest."""
    return Announcement.objects.filter(competition=competition)


def find(competition: Competition, pk: int) -> Announcement:
    """One announcement of a competition. Raises `NotFound`."""
    found = of(competition).filter(pk=pk).first()
    if found is None:
        raise NotFound(
            gettext("There is no such announcement. The organizers may have removed it."),
            code="unknown_announcement",
        )
    return found


def told(announcement: Announcement) -> QuerySet[Notice]:
    return Notice.objects.filter(
        competition=announcement.competition_id, facts__announcement=announcement.pk
    )


def facts(announcement: Announcement) -> dict[str, object]:
    """The facts of a notice about an announcement."""
    return {
        "announcement": announcement.pk,
        "title": announcement.title,
        "text": markdown.plain(announcement.text),
    }
