"""Teams are placed on the boards. Each team has one entry on a board, for its best evaluation that
counts.

After a verdict one team is placed; while a board is prepared, all of them. Both read the
evaluations that count from an index, and never all evaluations of a team.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from leaderboard.models import (
    Competition,
    Entry,
    NextEntry,
    Preparation,
    Rescore,
    Team,
    Verification,
)
from leaderboard.models.tracks import Track
from leaderboard.services import (
    conditions,
    counting,
    events,
    formulas,
    locks,
    revealing,
    statements,
    tracks,
    versions,
)
from leaderboard.services.counting import Counting
from leaderboard.services.events import Event
from scoring import formula

Board = Entry.Board
WRITTEN = (
    "submission_id",
    "evaluation_id",
    "is_ranked",
    "score",
    "quality",
    "time_ratio",
    "score_half_width",
    "uploaded_at",
    "format",
    "number_type",
    "parameters",
    "size_bytes",
    "macs",
    "memory_bytes",
)
"""The columns of an entry that a verdict writes."""
ENTRY_COLUMNS = [field.attname for field in Entry._meta.concrete_fields]


@dataclass(frozen=True, slots=True)
class Change:
    """The entry of a team on a board, before and after; None where it has none."""

    team_id: int
    before: Entry | None
    after: Entry | None


def place(*teams: Team) -> None:
    """Write the entries of a competition's teams again, and what is prepared of them.

    Call it after a verdict or a decision, once in a transaction, and last: see `versions.change`.
    """
    # A shared lock: the gate must not change until these entries are written.
    competition = locks.share(teams[0].competition)
    keys = lock([team.pk for team in teams])
    preparations = Preparation.objects.filter(competition=competition).select_related("rescore")
    for one in preparations:  # evaluated once, and used again below
        if one.rescore and one.is_following:
            revealing.follow(one.rescore, competition, keys)
    changed = set()
    best = counting.leaders(competition, keys, min_quality=competition.min_quality)
    if changes := put(competition, Board.PUBLIC, keys, best):
        changed.add(Board.PUBLIC)
        tell(teams, changes)
    if competition.is_published:
        if put(competition, Board.PRIVATE, keys, counting.winners(competition, keys)):
            changed.add(Board.PRIVATE)
        if Board.PUBLIC in changed:
            locks.lock(competition)  # organizers' decisions hold it already
            keep_public_ranks(competition)
            changed.add(Board.PRIVATE)
    else:
        changed.add(Board.PRIVATE)  # what a publication would show
    shown = [Board.PUBLIC, Board.PRIVATE] if competition.is_published else [Board.PUBLIC]
    changed.update(board for board in shown if put_tracks(competition, board, keys))
    for one in preparations:
        if not one.is_following:
            prepare(one, competition, keys)
    if changed:
        versions.change(competition.pk, changed)


def lock(keys: Collection[int]) -> list[int]:
    """Lock teams in the order of their keys. Returns the keys that exist."""
    return [key for (key,) in locked(list(keys))]


@statements.prepared
def locked(teams: list[int]) -> QuerySet[Team, Any]:
    rows = Team.objects.select_for_update(no_key=True).filter(pk__in=teams).order_by("pk")
    return rows.values_list("pk")


def prepare(preparation: Preparation, competition: Competition, teams: Collection[int]) -> None:
    """Write the entries of locked teams on the board that is being prepared.

    Entries of the private board are written in place, because nobody reads them before the
    publication. Of public boards under another gate or formula, or after a freeze, only the
    entries that change are written, in a table of their own.
    """
    if preparation.min_quality is None:
        put(competition, Board.PRIVATE, teams, counting.winners(competition, teams))
        put_tracks(competition, Board.PRIVATE, teams)
        if competition.counts_until is None:
            return
    NextEntry.objects.filter(team__in=teams).delete()
    coming = coming_of(preparation, competition)
    for track in (None, *(coming.all_tracks if coming.tracks else ())):
        prepare_board(preparation.rescore, coming, teams, track)


def prepare_board(
    rescore: Rescore | None, coming: Competition, teams: Collection[int], track: Track | None
) -> None:
    """Write the entries of locked teams that change on the public board, or on that of a track."""
    board = tracks.key(Board.PUBLIC, track.slug if track else "")
    now = of_teams(coming, board, teams)
    best = coming_leaders(rescore, coming, teams, track)
    after = {
        team: entry(coming, board, one, min_quality=coming.min_quality)
        for team, one in best.items()
    }
    if rescore and rescore.is_measured:  # nothing of them has a score any more
        after |= {team: without_rank(one) for team, one in now.items() if team not in after}
    NextEntry.objects.bulk_create(
        NextEntry(competition=coming, board=board, team_id=team, **written(one))
        for team, one in after.items()
        if team not in now or written(now[team]) != written(one)
    )


def coming_leaders(
    rescore: Rescore | None, coming: Competition, teams: Collection[int], track: Track | None
) -> dict[int, Counting]:
    """The leaders by the rules that come, among all uploads or those of a track."""
    some = tracks.members(track, teams) if track else teams
    which = conditions.uploads(track, coming) if track else None
    if rescore:
        return counting.leaders_under(coming, rescore, some, which)
    if which is not None:
        return counting.leaders_in(coming, some, coming.min_quality, which)
    return counting.leaders(coming, some, min_quality=coming.min_quality)


def coming_of(preparation: Preparation, competition: Competition) -> Competition:
    """A competition as its public board will see it after a preparation. It is never saved."""
    if preparation.rescore:
        return formulas.under(competition, preparation.rescore)
    if preparation.min_quality is None:
        return counting.thawed(competition)
    coming = copy.copy(competition)
    coming.min_quality = preparation.min_quality
    if preparation.tracks is not None:
        coming.tracks = preparation.tracks
    return coming


def prepare_anew(team: Team) -> None:
    """Prepare a team again, after something that no board of today shows."""
    competition = locks.share(team.competition)
    keys = lock([team.pk])
    for one in Preparation.objects.filter(competition=competition).select_related("rescore"):
        if not one.is_following:
            prepare(one, competition, keys)


def thaw(competition: Competition) -> None:
    """Let a public board that stood still go on, by its prepared entries.

    Call it under the lock of the competition, once all teams are prepared.
    """
    take_next(competition)
    competition.thawed_at = timezone.now()
    competition.save(update_fields=["thawed_at"])
    versions.change(competition.pk)


def take_next(competition: Competition) -> None:
    """Replace the entries that change by the prepared ones, and add those of teams without one."""
    here, there = Entry._meta.db_table, NextEntry._meta.db_table
    values = ", ".join(f"{name} = n.{name}" for name in WRITTEN)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {here} SET {values} FROM {there} n WHERE {here}.team_id = n.team_id "  # noqa: S608
            f"AND {here}.board = n.board AND n.competition_id = %s",
            [competition.pk],
        )
        names = ", ".join(WRITTEN)
        cursor.execute(
            f"INSERT INTO {here} (competition_id, board, team_id, {names}) SELECT "  # noqa: S608
            f"n.competition_id, n.board, n.team_id, {', '.join(f'n.{name}' for name in WRITTEN)} "
            f"FROM {there} n WHERE n.competition_id = %s AND NOT EXISTS (SELECT 1 FROM {here} "
            "WHERE team_id = n.team_id AND board = n.board)",
            [competition.pk],
        )
        cursor.execute(f"DELETE FROM {there} WHERE competition_id = %s", [competition.pk])  # noqa: S608


def keep_public_ranks(competition: Competition) -> None:
    """Write each team's public rank on its private entry, so that no page has to count it.

    Call it under the lock of the competition: entries of all teams are written.
    """
    table = Entry._meta.db_table
    entries = Entry.objects.filter(competition=competition, board=Board.PRIVATE)
    ranked = Entry.objects.filter(
        competition=competition, board=Board.PUBLIC, is_ranked=True, team=OuterRef("team")
    )
    entries.filter(~Exists(ranked)).update(public_rank=None)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET public_rank = r.place FROM (SELECT team_id, row_number() OVER "  # noqa: S608
            f"(ORDER BY score, uploaded_at, id) AS place FROM {table} WHERE competition_id = %s "
            f"AND board = %s AND is_ranked) r WHERE {table}.team_id = r.team_id "
            f"AND {table}.competition_id = %s AND {table}.board = %s",
            [competition.pk, Board.PUBLIC, competition.pk, Board.PRIVATE],
        )


# Entries


def entry(competition: Competition, board: str, best: Counting, *, min_quality: float) -> Entry:
    private = tracks.is_private(board)
    quality = best.quality_private if private else best.quality_public
    score = best.score_private if private else best.score_public
    is_out = private and best.verification in Verification.UNRANKED
    return Entry(
        competition=competition,
        board=board,
        team_id=best.team_id,
        submission_id=best.submission_id,
        evaluation_id=best.evaluation_id,
        is_ranked=quality >= min_quality and not is_out,
        score=formula.exact(score),
        quality=quality,
        time_ratio=best.time_ratio,
        score_half_width=formula.half_width(best.half_width, competition.time_weight),
        uploaded_at=best.uploaded_at,
        format=best.format,
        number_type=best.number_type,
        parameters=best.parameters,
        size_bytes=best.size_bytes,
        macs=best.macs,
        memory_bytes=best.memory_bytes,
    )


def without_rank(entry: Entry) -> Entry:
    """A team's entry in a preview after which the team has no score."""
    last = copy.copy(entry)
    last.is_ranked = False
    return last


def put(
    competition: Competition,
    board: str,
    teams: Collection[int],
    best: Mapping[int, Counting],
) -> list[Change]:
    """Write the entries of locked teams. Returns what changed."""
    before = of_teams(competition, board, teams)
    after = [
        entry(competition, board, one, min_quality=competition.min_quality) for one in best.values()
    ]
    gone = [one for team, one in before.items() if team not in best]
    changed = [
        one
        for one in after
        if one.team_id not in before or written(before[one.team_id]) != written(one)
    ]
    if gone:
        Entry.objects.filter(pk__in=[one.pk for one in gone]).delete()
    Entry.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["competition", "board", "team"],
        update_fields=[name.removesuffix("_id") for name in WRITTEN],
    )
    new = [Change(one.team_id, before.get(one.team_id), one) for one in changed]
    return new + [Change(one.team_id, one, None) for one in gone]


def put_tracks(competition: Competition, board: str, teams: Collection[int]) -> bool:
    """Write the entries of locked teams in all tracks. Returns whether one changed."""
    is_changed = False
    for track in competition.all_tracks if competition.tracks else ():
        some, which = tracks.members(track, teams), conditions.uploads(track, competition)
        if board == Board.PRIVATE:
            best = counting.winners(competition, some, which)
        else:
            best = counting.leaders_in(competition, some, competition.min_quality, which)
        is_changed |= bool(put(competition, tracks.key(board, track.slug), teams, best))
    return is_changed


def tell(teams: Collection[Team], changes: Collection[Change]) -> None:
    """Tell of each team whose place on the public board changed."""
    by_key = {team.pk: team for team in teams}
    for change in changes:
        events.tell(
            Event.PLACE_CHANGED,
            by_key[change.team_id],
            before=interval(change.before),
            after=interval(change.after),
        )


def interval(entry: Entry | None) -> list[str] | None:
    """The score of a ranked entry and its half-width."""
    if entry is None or not entry.is_ranked:
        return None
    return [str(entry.score), str(entry.score_half_width)]


def of_teams(competition: Competition, board: str, teams: Collection[int]) -> dict[int, Entry]:
    rows = entries_of(competition.pk, board, list(teams))
    entries = [Entry.from_db(DEFAULT_DB_ALIAS, ENTRY_COLUMNS, row) for row in rows]
    return {one.team_id: one for one in entries}


@statements.prepared
def entries_of(competition: int, board: str, teams: list[int]) -> QuerySet[Entry, Any]:
    entries = Entry.objects.filter(competition=competition, board=board, team__in=teams)
    return entries.order_by().values_list(*ENTRY_COLUMNS)


def written(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in WRITTEN}
