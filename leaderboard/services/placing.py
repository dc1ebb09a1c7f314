"""Teams are placed on the boards. Each team has one entry on a board, for its best evaluation that
counts.

After a verdict one team is placed; while a board is prepared, all of them. Both read the
evaluations that count from an index, and never all evaluations of a team.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, Value, When, Window
from django.db.models.functions import Coalesce, RowNumber

from leaderboard.models import (
    Competition,
    Entry,
    Evaluation,
    NextEntry,
    Preparation,
    Team,
)
from leaderboard.models.rescore import Rules
from leaderboard.services import events, formulas, gains, locks, statements, versions
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
)
"""The columns of an entry that a verdict writes."""
ENTRY_COLUMNS = [field.attname for field in Entry._meta.concrete_fields]
PUBLIC_ORDER = ("score_public", "submission__uploaded_at", "submission_id")


@dataclass(frozen=True, slots=True)
class Counting:
    """The columns of an evaluation that counts from which entries are made."""

    evaluation_id: int
    submission_id: int
    team_id: int
    uploaded_at: datetime
    selected_at: datetime | None
    score_public: float
    score_private: float
    quality_public: float
    quality_private: float
    time_ratio: float
    half_width: float
    format: str
    number_type: str
    parameters: int
    size_bytes: int


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
        if one.is_following:
            formulas.follow(competition, keys)
    changed = set()
    best = leaders(competition, keys, min_quality=competition.min_quality)
    if changes := put(competition, Board.PUBLIC, keys, best):
        changed.add(Board.PUBLIC)
        tell(teams, changes)
    if competition.is_published:
        if put(competition, Board.PRIVATE, keys, winners(competition, keys)):
            changed.add(Board.PRIVATE)
        if Board.PUBLIC in changed:
            locks.lock(competition)  # organizers' decisions hold it already
            keep_public_ranks(competition)
            changed.add(Board.PRIVATE)
    else:
        changed.add(Board.PRIVATE)  # what a publication would show
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
    publication. For another gate or formula only the entries that change are written, in a table of
    their own.
    """
    if preparation.min_quality is None:
        put(competition, Board.PRIVATE, teams, winners(competition, teams))
        return
    NextEntry.objects.filter(team__in=teams).delete()
    now = of_teams(competition, Board.PUBLIC, teams)
    if preparation.rescore:
        coming = formulas.under(competition, preparation.rescore)
        best = leaders_by(formulas.of(coming), teams)
    else:
        coming = competition
        best = leaders(competition, teams, min_quality=preparation.min_quality)
    entries = [
        entry(coming, Board.PUBLIC, one, min_quality=preparation.min_quality)
        for one in best.values()
    ]
    NextEntry.objects.bulk_create(
        NextEntry(competition=competition, team_id=one.team_id, **written(one))
        for one in entries
        if one.team_id in now and written(now[one.team_id]) != written(one)
    )


def take_next(competition: Competition) -> None:
    """Replace the entries that another gate or formula changes by the prepared ones."""
    here, there = Entry._meta.db_table, NextEntry._meta.db_table
    values = ", ".join(f"{name} = n.{name}" for name in WRITTEN)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {here} SET {values} FROM {there} n WHERE {here}.team_id = n.team_id "  # noqa: S608
            f"AND {here}.board = %s AND n.competition_id = %s",
            [Board.PUBLIC, competition.pk],
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


# What counts of a team


def leaders(
    competition: Competition, teams: Collection[int], *, min_quality: float
) -> dict[int, Counting]:
    """Each team's evaluation on the public board: its best that passes the gate, else its best.

    Where only real gains move the board, the best of those that were one, if there are any.
    """
    least = gains.REAL if competition.only_real_gains else gains.ANY
    return {one.team_id: one for one in map(counting, leading(list(teams), min_quality, least))}


@statements.prepared
def leading(teams: list[int], min_quality: float, least: float) -> QuerySet[Evaluation, Any]:
    of_team = Evaluation.objects.counting().filter(team=OuterRef("pk")).order_by(*PUBLIC_ORDER)
    passing = of_team.filter(quality_public__gte=min_quality)
    steps = passing.filter(Q(gain=None) | Q(gain__gt=least))
    best = Coalesce(*(Subquery(one.values("pk")[:1]) for one in (steps, passing, of_team)))
    return columns(Team.objects.filter(pk__in=teams).order_by().annotate(best=best).values("best"))


def leaders_by(rules: Rules, teams: Collection[int]) -> dict[int, Counting]:
    """The leaders under another formula, with its scores.

    The index has the scores of today only. So all that counts of the teams is read.
    """
    counts = Evaluation.objects.counting().filter(team__in=teams)
    small = Q(gain__lte=gains.REAL) if rules.only_real_gains else Q(pk__in=[])
    held = set(counts.filter(small).values_list("pk", flat=True))

    best: dict[int, tuple[tuple[bool, bool, float, datetime, int], Counting]] = {}
    for one in map(counting, columns(counts.values("pk"))):
        is_below = one.quality_public < rules.min_quality
        is_held = one.evaluation_id in held and not is_below
        score = rules.score(one.quality_public, one.time_ratio)
        order = is_below, is_held, score, one.uploaded_at, one.submission_id
        if one.team_id not in best or order < best[one.team_id][0]:
            best[one.team_id] = order, one
    return {team: replace(one, score_public=order[2]) for team, (order, one) in best.items()}


def finals(competition: Competition, teams: Collection[int]) -> dict[int, list[Counting]]:
    """The evaluations that count on the private board, by team: the selected ones, else the best
    public ones."""
    place = Window(
        RowNumber(),
        partition_by="team",
        order_by=[
            Case(When(submission__selected_at=None, then=Value(1)), default=Value(0)),
            Case(
                When(quality_public__gte=competition.min_quality, then=Value(0)), default=Value(1)
            ),
            *PUBLIC_ORDER,
        ],
    )
    placed = Evaluation.objects.counting().filter(team__in=teams).order_by().annotate(place=place)
    found: dict[int, list[Counting]] = {}
    final = placed.filter(place__lte=competition.final_selections)
    for one in map(counting, columns(final.values("pk"))):
        found.setdefault(one.team_id, []).append(one)
    return {team: [one for one in some if one.selected_at] or some for team, some in found.items()}


def winners(competition: Competition, teams: Collection[int]) -> dict[int, Counting]:
    """Each team's evaluation on the private board: the best of its finals."""

    def order(one: Counting) -> tuple[object, ...]:
        is_below = one.quality_private < competition.min_quality
        return is_below, one.score_private, one.uploaded_at, one.submission_id

    return {team: min(some, key=order) for team, some in finals(competition, teams).items()}


def columns(keys: QuerySet[Any, Any]) -> QuerySet[Evaluation, Any]:
    """The columns of `Counting` for some evaluations. Whole model instances take longer to make."""
    return (
        Evaluation.objects.filter(pk__in=keys)
        .order_by()
        .values_list(
            "pk",
            "submission_id",
            "team_id",
            "submission__uploaded_at",
            "submission__selected_at",
            "score_public",
            "score_private",
            "quality_public",
            "quality_private",
            "time_ratio",
            "half_width",
            "submission__format",
            "submission__number_type",
            "submission__parameters",
            "submission__size_bytes",
        )
    )


def counting(row: tuple[Any, ...]) -> Counting:
    """What counts has all figures."""
    return Counting(*row)


# Entries


def entry(competition: Competition, board: str, one: Counting, *, min_quality: float) -> Entry:
    private = board == Board.PRIVATE
    quality = one.quality_private if private else one.quality_public
    score = one.score_private if private else one.score_public
    return Entry(
        competition=competition,
        board=board,
        team_id=one.team_id,
        submission_id=one.submission_id,
        evaluation_id=one.evaluation_id,
        is_ranked=quality >= min_quality,
        score=Decimal(f"{score:.6f}"),
        quality=quality,
        time_ratio=one.time_ratio,
        score_half_width=formula.half_width(one.half_width, competition.time_weight),
        uploaded_at=one.uploaded_at,
        format=one.format,
        number_type=one.number_type,
        parameters=one.parameters,
        size_bytes=one.size_bytes,
    )


def put(
    competition: Competition, board: str, teams: Collection[int], best: Mapping[int, Counting]
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
