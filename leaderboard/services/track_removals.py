"""A track of a competition that has opened is removed, with a reason that everybody reads."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotFound, Refused
from leaderboard.models import Announcement, Competition, Declaration, Entry, User
from leaderboard.services import (
    announcements,
    audit,
    competitions,
    locks,
    organizers,
    preparing,
    tracks,
    versions,
)
from leaderboard.services.audit import Act


@transaction.atomic
def remove(*, competition: Competition, track: str, reason: str, by: User) -> Announcement:
    """Delete a track, its boards and its declarations. An announcement tells the reason.

    What rescores moved in the track is kept.
    """
    organizers.check_organizer(by, competition)
    row = locks.lock(competition)
    competitions.check_unpublished(row)
    if not row.is_public:
        raise Conflict(
            gettext("Remove the track in the form of the draft."), code="wrong_competition_state"
        )
    preparing.check_none(row)
    found = tracks.find(row, track)
    if found is None:
        raise NotFound(gettext("Choose a track."), code="unknown_track")
    if not reason.strip():
        raise Refused(gettext("Give a reason. Everybody reads it."), code="reason_missing")
    row.tracks = [one.stored() for one in row.all_tracks if one.slug != track]
    row.save(update_fields=["tracks"])
    keys = [tracks.key(board, track) for board in Entry.Board]
    Entry.objects.filter(competition=row, board__in=keys).delete()
    Declaration.objects.filter(team__competition=row, track=track).delete()
    audit.record(Act.TRACK_REMOVED, row, by=by, before=found.stored(), why=reason.strip())
    versions.change(row.pk)
    title = gettext("The track %(track)s is removed") % {"track": found.title}
    made = Announcement(competition=row, title=title, text=reason.strip())
    announcements.announce(announcement=made, by=by)
    return made
