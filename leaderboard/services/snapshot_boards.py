"""The rows of the boards in a snapshot: of the two whole boards, and of those of each track."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from leaderboard.models import Competition, Entry
from leaderboard.models.tracks import Track
from leaderboard.services import previews, rankings, tracks
from leaderboard.services.snapshot_history import moment
from scoring.snapshots.contents import Row

Board = Entry.Board
Boards = dict[str, list[Row]]
"""By the name of the board, as `tracks.key` has it."""


def of(competition: Competition, *, is_final: bool, is_whole: bool) -> Boards:
    """The rows of all boards. A provisional result (not `is_whole`) has the public ones alone, with
    qualities as every door tells them."""
    found: Boards = {Board.PUBLIC.value: [], Board.PRIVATE.value: []}
    for track in (None, *competition.all_tracks):
        slug = track.slug if track else ""
        public = list(public_rows(competition, slug))
        if is_whole:
            private = list(private_rows(competition, track, is_final=is_final))
            found[tracks.key(Board.PRIVATE, slug)] = private
        else:
            public = [replace(row, quality=rankings.told(row.quality)) for row in public]
        found[tracks.key(Board.PUBLIC, slug)] = public
    for board in Board.values:
        found[board] = with_tracks(competition, found, board)
    return found


def with_tracks(competition: Competition, found: Boards, board: str) -> list[Row]:
    """The rows of a whole board, with the tracks on whose board the team stands, too."""
    member: dict[str, list[str]] = {}
    for track in competition.all_tracks:
        for row in found.get(tracks.key(board, track.slug), ()):
            member.setdefault(row.team, []).append(track.slug)
    return [replace(row, tracks=tuple(member.get(row.team, ()))) for row in found[board]]


def public_rows(competition: Competition, track: str = "") -> Iterator[Row]:
    entries = Entry.objects.board(competition, tracks.key(Board.PUBLIC, track))
    above: Entry | None = None
    for rank, entry in previews.ranked(list(entries)):
        row = rankings.Row(rank, entry, rank is not None and rankings.are_tied(above, entry))
        yield row_of(row)
        above = entry


def private_rows(
    competition: Competition, track: Track | None = None, *, is_final: bool
) -> Iterator[Row]:
    """Before the publication: as it would be today."""
    if is_final:
        board = tracks.key(Board.PRIVATE, track.slug if track else "")
        entries = list(Entry.objects.board(competition, board))
    else:
        entries = previews.private(competition, track)
    states = rankings.verifications(competition)
    above: Entry | None = None
    for rank, entry in previews.ranked(entries):
        is_tied = rank is not None and rankings.are_tied(above, entry)
        row = rankings.Row(rank, entry, is_tied, states.get(entry.team_id, ""))
        yield row_of(row)
        above = entry


def row_of(row: rankings.Row) -> Row:
    entry, likely = row.entry, row.likely
    return Row(
        rank=row.rank,
        team=entry.team.name,
        submission=entry.submission_id,
        evaluation=entry.evaluation_id,
        score=float(entry.score),
        score_half_width=entry.score_half_width,
        quality=entry.quality,
        time_ratio=entry.time_ratio,
        uploaded_at=moment(entry.uploaded_at) or "",
        is_tied=row.is_tied,
        likely_first=likely.first if likely else None,
        likely_last=likely.last if likely else None,
        public_rank=entry.public_rank,
        verification=row.verification,
    )
