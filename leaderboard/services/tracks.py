"""Boards of tracks: what their rows are made of, and by which name they are kept.

A track's board is a board like the others, with a name of its own. Each upload counts in each track
whose conditions it meets, and each team stands there with its best one.
"""

from __future__ import annotations

from collections.abc import Collection

from django.utils.translation import gettext

from leaderboard.errors import Conflict, NotFound
from leaderboard.models import Competition, Declaration, Entry, Preparation
from leaderboard.models.tracks import CONDITIONS, LIST, Track

Board = Entry.Board


def key(board: str, slug: str) -> str:
    """The name by which the board of a track is kept; that of the whole board without a track."""
    return f"{board}.{slug}" if slug else board


def boards(competition: Competition, board: str) -> list[str]:
    """The names of a board and of those of the tracks."""
    return [board, *(key(board, one.slug) for one in competition.all_tracks)]


def is_private(key: str) -> bool:
    return key.partition(".")[0] == Board.PRIVATE


def find(competition: Competition, slug: str) -> Track | None:
    """The track of a slug; None for the whole board. Raises `NotFound`."""
    if not slug:
        return None
    found = competition.track(slug)
    if found is None:
        if coming := next((one for one in to_come(competition) if one.slug == slug), None):
            said = gettext("The board of the track %(track)s is being prepared. Try again later.")
            raise NotFound(said % {"track": coming.title}, code="track_in_preparation")
        names = ", ".join(one.slug for one in competition.all_tracks) or "–"
        said = gettext("There is no track called %(slug)s. Tracks: %(names)s.")
        raise NotFound(said % {"slug": slug[:30], "names": names}, code="unknown_track")
    return found


def to_come(competition: Competition) -> list[Track]:
    """The tracks whose boards are being prepared."""
    rows = Preparation.objects.filter(competition=competition, tracks__isnull=False)
    wanted = rows.values_list("tracks", flat=True).first() or []
    return [one for one in LIST.validate_python(wanted) if competition.track(one.slug) is None]


def adds(row: Competition, wanted: Collection[Track]) -> bool:
    return any(row.track(one.slug) is None for one in wanted)


def check_kept(row: Competition, wanted: Collection[Track]) -> None:
    """Raises `Conflict` if a competition that has opened would lose a track, or if other uploads or
    teams would belong to one. `track_removals.remove` takes a reason."""
    slugs = {one.slug: one for one in wanted}
    for track in row.all_tracks if row.is_public else ():
        facts = {"track": track.title}
        if track.slug not in slugs:
            said = gettext(
                "The competition has opened with the track %(track)s. To remove it, use "
                "“Remove a track” in the panel and give a reason."
            )
            raise Conflict(said % facts, code="track_needs_reason")
        if any(getattr(track, name) != getattr(slugs[track.slug], name) for name in CONDITIONS):
            said = gettext(
                "The conditions of the track %(track)s are fixed once the competition has opened. "
                "Add another track."
            )
            raise Conflict(said % facts, code="track_fixed")


def members(track: Track, teams: Collection[int]) -> list[int]:
    """The keys of those teams that may stand in a track."""
    if not track.declared:
        return list(teams)
    declared = Declaration.objects.filter(track=track.slug, team__in=teams, revoked_at=None)
    return list(declared.order_by("team").values_list("team", flat=True))
