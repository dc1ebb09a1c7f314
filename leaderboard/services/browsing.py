"""A board searched, filtered, or sorted by another column.

Each page is read by an index, after the last row of the page before. A search reads at most
`MOST_FOUND` teams, and the filter *tied* looks at no more than `SCANNED` rows for a page.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from django.db.models import (
    Case,
    Count,
    Expression,
    F,
    IntegerField,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Lower

from leaderboard.models import Entry, NamePart
from leaderboard.models.entry import EntryQuerySet, range_of
from leaderboard.services import names, rankings
from leaderboard.services.choices import COLUMNS, RANK, Choice
from leaderboard.services.rankings import Row, Standing

MOST_FOUND = 200
"""Teams whose name a search finds. More of them ask for a longer text."""
SCANNED = 1000
MOST_COUNTED = 1000
EXPORTED = 500
"""Rows of a page where all rows are read."""
OF_TEAM: dict[str, dict[str, Expression | F]] = {
    "team": {"name": Lower("team__name")},
    "entries": {"sent": F("team__sent")},
    "last": {"last_sent_at": F("team__last_sent_at")},
}
"""Columns that are a team's. Indexes of the teams hold their order."""
MAY_BE_UNKNOWN = ("macs", "memory", "last")
"""Teams without such a figure stand last in either direction."""


@dataclass(frozen=True)
class Found:
    """A page of a choice of rows.

    The next page begins after the entry with the key `after`, the page before ends before the entry
    with the key `before`. None: there is no such page.
    """

    rows: list[Row]
    before: int | None
    after: int | None
    count: int | None
    """How many rows there are in all; None: more than `MOST_COUNTED`, or not counted."""
    is_cut: bool
    """Whether more teams have such a name than are looked at."""


def look(
    standing: Standing,
    choice: Choice,
    *,
    size: int,
    after: Entry | None = None,
    before: Entry | None = None,
    at: Entry | None = None,
) -> Found:
    """One page of a board: the first one, or the rows after, before, or from one entry on."""
    start = after or before or at
    is_back = before is not None
    entries, is_cut = chosen(standing, choice)
    wanted = SCANNED if choice.is_tied else size + 1
    keys = walk(entries, choice, wanted, start, is_back=is_back, is_within=at is not None)
    end = keys[-1] if choice.is_tied and len(keys) == SCANNED else None
    if choice.is_tied:
        tied = tied_among(keys)
        keys = [key for key in keys if key in tied]
    here = keys[:size]
    if len(keys) > size:
        end = here[-1]
    begin = here[0] if here and start else None
    if is_back:
        here, begin, end = here[::-1], end, here[0] if here else None
    return Found(
        rows=placed(standing, here),
        before=begin,
        after=end,
        count=counted(standing, choice, entries),
        is_cut=is_cut,
    )


def every(standing: Standing, choice: Choice) -> Iterator[Row]:
    """All rows of a choice in its order, read a page at a time."""
    after: Entry | None = None
    while True:
        found = look(standing, choice, size=EXPORTED, after=after)
        yield from found.rows
        after = entry_of(standing, key=found.after)
        if after is None:
            return


def entry_of(
    standing: Standing, *, team: int | None = None, key: int | None = None
) -> Entry | None:
    """A team's entry on a board, or the entry with a key."""
    entries = Entry.objects.filter(competition=standing.competition, board=standing.key)
    if team is not None:
        entries = entries.filter(team=team)
    elif key is not None:
        entries = entries.filter(pk=key)
    else:
        return None
    shown = entries.select_related("team", range_of(standing.key), "evaluation")
    for columns in OF_TEAM.values():
        shown = shown.annotate(**columns)
    return shown.first()


def chosen(standing: Standing, choice: Choice) -> tuple[EntryQuerySet, bool]:
    """The entries that pass the filters, without an order, and whether the search found too
    many."""
    entries = Entry.objects.filter(competition=standing.competition, board=standing.key)
    if choice.format:
        entries = entries.filter(format=choice.format)
    if choice.number_type:
        entries = entries.filter(number_type=choice.number_type)
    if not choice.search:
        return entries, False
    parts = NamePart.objects.filter(
        competition=standing.competition, text__startswith=names.folded(choice.search)
    )
    teams = list(parts.order_by("text", "team").values_list("team", flat=True)[: MOST_FOUND + 1])
    return entries.filter(team__in=set(teams[:MOST_FOUND])), len(teams) > MOST_FOUND


def walk(
    entries: EntryQuerySet,
    choice: Choice,
    wanted: int,
    start: Entry | None,
    *,
    is_back: bool,
    is_within: bool,
) -> list[int]:
    """The keys of at most `wanted` entries, counted from `start`. `is_back`: towards the top."""
    down = choice.is_descending != is_back
    parts = ordered_parts(entries, choice)
    if is_back:
        parts.reverse()
    if start:
        while not parts[0].holds(start):
            parts.pop(0)
    found: list[int] = []
    for number, part in enumerate(parts):
        some = part.entries
        if start and number == 0:
            some = some.filter(beyond(start, part.columns, down, is_within))
        order = [f"-{column}" if down else column for column in part.columns]
        found += some.order_by(*order).values_list("pk", flat=True)[: wanted - len(found)]
    return found


@dataclass(frozen=True)
class OrderedPart:
    """A part of a board with one order. The next part begins where it ends."""

    entries: EntryQuerySet
    columns: tuple[str, ...]
    holds: Callable[[Entry], bool]


def ordered_parts(entries: EntryQuerySet, choice: Choice) -> list[OrderedPart]:
    """The parts of a choice of rows, from top to bottom."""
    if choice.sort == RANK:
        parts = [
            OrderedPart(entries.filter(is_ranked=True), rankings.ORDER, lambda one: one.is_ranked),
            OrderedPart(
                entries.filter(is_ranked=False), rankings.ORDER, lambda one: not one.is_ranked
            ),
        ]
        return parts[::-1] if choice.is_descending else parts
    columns = COLUMNS[choice.sort]
    some = entries.annotate(**OF_TEAM.get(choice.sort, {}))
    if choice.sort in MAY_BE_UNKNOWN:
        (column,) = columns
        known, unknown = some.exclude(**{column: None}), some.filter(**{column: None})
        return [
            OrderedPart(known, (column, "pk"), lambda one: getattr(one, column) is not None),
            OrderedPart(unknown, ("pk",), lambda one: getattr(one, column) is None),
        ]
    return [OrderedPart(some, (*columns, "pk"), lambda one: True)]


def beyond(start: Entry, columns: Sequence[str], down: bool, is_within: bool) -> Q:
    """The condition that a row comes after `start` in the order of some columns, or is `start`
    itself."""
    word = "lt" if down else "gt"
    after, same = Q(), Q()
    for column in columns:
        value = getattr(start, column)
        after |= same & Q(**{f"{column}__{word}": value})
        same &= Q(**{column: value})
    if is_within:
        after |= same
    # The first column's condition is repeated, so that a database knows where its index begins.
    return Q(**{f"{columns[0]}__{word}e": getattr(start, columns[0])}) & after


def counted(standing: Standing, choice: Choice, entries: EntryQuerySet) -> int | None:
    if not choice.is_filtered:
        return len(standing)
    if choice.is_tied:
        return None
    count = entries.order_by()[: MOST_COUNTED + 1].count()
    return count if count <= MOST_COUNTED else None


def placed(standing: Standing, keys: Sequence[int]) -> list[Row]:
    """Entries of a board with their rank and their mark, in the order of the keys."""
    entries = Entry.objects.board(standing.competition, standing.key).in_bulk(keys)
    # A rank is counted from the nearest mark of the board, as `Standing.place` does for one entry.
    marks = {
        one.pk: standing.ranked.last(partial(is_passed, one.score))
        for one in entries.values()
        if one.is_ranked
    }
    passed = passed_since({mark for mark, _ in marks.values()}, marks)
    tied = tied_among(list(marks))
    return [
        Row(
            marks[key][1] + passed[key] + 1 if key in marks and key in passed else None,
            entries[key],
            key in tied,
            standing.verification_of(entries[key].team_id),
        )
        for key in keys
        if key in entries
    ]


def is_passed(score: Decimal, mark: Decimal, before: int) -> bool:
    return mark <= score


def passed_since(marks: Collection[Decimal], keys: Collection[int]) -> dict[int, int]:
    """How many entries stand above each of some entries, counted from the last mark above it."""
    since = Case(
        *(When(score__gte=mark, then=Value(mark)) for mark in sorted(marks, reverse=True)),
        default=Value(Decimal(0)),
        output_field=Entry._meta.get_field("score"),
    )
    passed = above().filter(score__gte=OuterRef("since")).order_by()
    number = passed.values("board").annotate(number=Count("pk")).values("number")
    entries = Entry.objects.filter(pk__in=keys).annotate(since=since)
    numbered = entries.annotate(number=Coalesce(Subquery(number), 0, output_field=IntegerField()))
    return dict(numbered.values_list("pk", "number"))


def tied_among(keys: Sequence[int]) -> set[int]:
    """Which of some entries are tied with the entry above them on their board."""
    nearest = above().order_by("-score", "-uploaded_at", "-pk").values("pk")[:1]
    pairs = dict(
        Entry.objects.filter(pk__in=keys, is_ranked=True)
        .annotate(above=Subquery(nearest))
        .exclude(above=None)
        .values_list("pk", "above")
    )
    known = Entry.objects.in_bulk({*pairs, *pairs.values()})
    return {
        key
        for key, one in pairs.items()
        if key in known and one in known and rankings.are_tied(known[one], known[key])
    }


def above() -> EntryQuerySet:
    """A subquery: the ranked entries above an outer entry on its board."""
    ranked = Entry.objects.filter(
        competition=OuterRef("competition"), board=OuterRef("board"), is_ranked=True
    )
    return ranked.above(OuterRef("score"), OuterRef("uploaded_at"), OuterRef("pk"))
