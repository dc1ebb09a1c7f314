"""Teams are placed on the boards: each gets one entry a board, for the best of what counts.

One team is placed after a verdict, all of them while a board is prepared; both read the evaluations
that count from an index, and never a team's history.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

from django.db import connection
from django.db.models import Case, Exists, OuterRef, Q, Subquery, Value, When, Window
from django.db.models.functions import Coalesce, RowNumber

from leaderboard.models import (
    Competition,
    Entry,
    Evaluation,
    NextEntry,
    Preparation,
    Submission,
    Team,
)
from leaderboard.services import locks, versions
from scoring import formula

Board = Entry.Board
WRITTEN = (
    "submission_id",
    "evaluation_id",
    "is_ranked",
    "score",
    "f1",
    "time_ratio",
    "score_half_width",
    "uploaded_at",
)
"""What a verdict changes of an entry."""
PUBLIC_ORDER = ("score_public", "submission__uploaded_at", "submission_id")


def place(*teams: Team) -> None:
    """Rewrite the entries of a competition's teams after a verdict or a decision, and what is
    prepared of them.

    Call it once in a transaction, and last: see `versions.change`.
    """
    # Shared: the gate stays what it is until these entries are written by it.
    competition = locks.share(teams[0].competition)
    keys = lock([team.pk for team in teams])
    changed = set()
    if put(competition, Board.PUBLIC, keys, leaders(keys, min_f1=competition.min_f1)):
        changed.add(Board.PUBLIC)
    if competition.is_published:
        best = winners(competition, keys)
        if put(competition, Board.PRIVATE, keys, best):
            changed.add(Board.PRIVATE)
        if Board.PUBLIC in changed:
            locks.lock(competition)  # by a decision of organizers, who hold it already
            keep_public_ranks(competition)
            changed.add(Board.PRIVATE)
    for preparation in Preparation.objects.filter(competition=competition):
        prepare(preparation, competition, keys)
    if changed:
        versions.change(competition.pk, changed)


def lock(keys: Collection[int]) -> list[int]:
    """Lock teams, in one order."""
    rows = Team.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def prepare(preparation: Preparation, competition: Competition, teams: Collection[int]) -> None:
    """Write what these locked teams will have on the board that is being prepared.

    Entries of the private board stand in their table already, and nobody reads them before the
    publication. Of a gate that will come only what it changes is written.
    """
    if preparation.min_f1 is None:
        put(competition, Board.PRIVATE, teams, winners(competition, teams))
        return
    NextEntry.objects.filter(team__in=teams).delete()
    now = of_teams(competition, Board.PUBLIC, teams)
    coming = leaders(teams, min_f1=preparation.min_f1)
    entries = [
        entry(competition, Board.PUBLIC, one, min_f1=preparation.min_f1) for one in coming.values()
    ]
    NextEntry.objects.bulk_create(
        NextEntry(competition=competition, team_id=one.team_id, **written(one))
        for one in entries
        if one.team_id in now and written(now[one.team_id]) != written(one)
    )


def take_next(competition: Competition) -> None:
    """Put what was prepared for another gate in the place of the entries that it changes."""
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
    """Write on each private entry which public rank its team has, so that no page counts it.

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


def leaders(teams: Collection[int], *, min_f1: float) -> dict[int, Evaluation]:
    """What each team has on the public board under a gate: its best that passes, else its best."""
    counting = Evaluation.objects.counting().filter(team=OuterRef("pk")).order_by(*PUBLIC_ORDER)
    passing = counting.filter(f1_public__gte=min_f1)
    best = Coalesce(Subquery(passing.values("pk")[:1]), Subquery(counting.values("pk")[:1]))
    chosen = Team.objects.filter(pk__in=teams).order_by().annotate(best=best)
    found = read([key for key in chosen.values_list("best", flat=True) if key])
    return {submission_of(one).team_id: one for one in found}


def finals(competition: Competition, teams: Collection[int]) -> dict[int, list[Evaluation]]:
    """What counts on the private board, by team: the selected ones; none selected: the best public
    ones."""
    counting = Evaluation.objects.counting().filter(team__in=teams)
    is_selected = Q(submission__selected_at__isnull=False)
    selected = counting.filter(is_selected, team=OuterRef("team"))
    place = Window(
        RowNumber(),
        partition_by="team",
        order_by=[
            Case(When(f1_public__gte=competition.min_f1, then=Value(0)), default=Value(1)),
            *PUBLIC_ORDER,
        ],
    )
    named = counting.filter(is_selected | ~Exists(selected)).order_by().annotate(place=place)
    keys = named.filter(place__lte=competition.final_selections).values_list("pk", flat=True)
    found: dict[int, list[Evaluation]] = {}
    for one in read(keys):
        found.setdefault(submission_of(one).team_id, []).append(one)
    return found


def winners(competition: Competition, teams: Collection[int]) -> dict[int, Evaluation]:
    """What each team has on the private board: the best there of what counts."""

    def order(one: Evaluation) -> tuple[object, ...]:
        figures, submission = one.figures(), submission_of(one)
        is_below = figures.f1_private < competition.min_f1
        return is_below, figures.score_private, submission.uploaded_at, submission.pk

    return {team: min(some, key=order) for team, some in finals(competition, teams).items()}


def read(keys: Collection[int]) -> Collection[Evaluation]:
    """Evaluations with their submissions, as entries are made of them."""
    rows = Evaluation.objects.select_related("submission").defer("submission__static")
    return rows.in_bulk(list(keys)).values()


def submission_of(evaluation: Evaluation) -> Submission:
    assert evaluation.submission
    return evaluation.submission


# Entries


def entry(competition: Competition, board: str, evaluation: Evaluation, *, min_f1: float) -> Entry:
    figures, submission = evaluation.figures(), submission_of(evaluation)
    private = board == Board.PRIVATE
    f1 = figures.f1_private if private else figures.f1_public
    score = figures.score_private if private else figures.score_public
    return Entry(
        competition=competition,
        board=board,
        team_id=submission.team_id,
        submission=submission,
        evaluation=evaluation,
        is_ranked=f1 >= min_f1,
        score=Decimal(f"{score:.6f}"),
        f1=f1,
        time_ratio=figures.time_ratio,
        score_half_width=formula.half_width(figures.half_width, competition.time_weight),
        uploaded_at=submission.uploaded_at,
    )


def put(
    competition: Competition, board: str, teams: Collection[int], best: Mapping[int, Evaluation]
) -> bool:
    """Write the entries of locked teams; tells whether that changed anything."""
    before = of_teams(competition, board, teams)
    after = {
        team: entry(competition, board, one, min_f1=competition.min_f1)
        for team, one in best.items()
    }
    gone = [one.pk for team, one in before.items() if team not in after]
    new = [one for team, one in after.items() if team not in before]
    both = after.keys() & before.keys()
    other = [after[team] for team in both if written(before[team]) != written(after[team])]
    for one in other:
        one.pk = before[one.team_id].pk
    if gone:
        Entry.objects.filter(pk__in=gone).delete()
    Entry.objects.bulk_create(new)
    Entry.objects.bulk_update(other, [name.removesuffix("_id") for name in WRITTEN])
    return bool(gone or new or other)


def of_teams(competition: Competition, board: str, teams: Collection[int]) -> dict[int, Entry]:
    entries = Entry.objects.filter(competition=competition, board=board, team__in=teams)
    return {one.team_id: one for one in entries}


def written(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in WRITTEN}
