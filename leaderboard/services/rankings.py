"""Boards are read in their order; `placing` writes them.

A lower score is better. Equal scores, at six decimals, go by the earlier upload. If the clock
cannot tell a row from the row above, that is a mark (tied), and never changes the order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeVar

from django.db.models import Count, F, Value, Window
from django.db.models.functions import Mod, Rank, RowNumber

from leaderboard.models import Competition, Entry, Evaluation, LikelyRanks, Team, Verification
from leaderboard.models.entry import EntryQuerySet, range_of
from leaderboard.models.ranges import half_width
from leaderboard.rounding import QUALITY_DECIMALS, rounded
from leaderboard.services import tracks, versions, visibility
from scoring import formula

Board = Entry.Board
Made = TypeVar("Made")
ORDER = ("score", "uploaded_at", "pk")
STEP = 100
"""Entries from one mark of a board to the next. At most so many keys are passed over to find a
row."""
BEST_SCORE = Decimal(0)
IN_ORDER = [F(name).asc() for name in ORDER]
PLACE = Window(RowNumber(), order_by=IN_ORDER)
"""The rank of each of some ranked entries of one board."""


@dataclass(frozen=True)
class Row:
    """One line of a board as it is shown; `rank` is None below the gate, and without one."""

    rank: int | None
    entry: Entry
    is_tied: bool
    """Whether the clock cannot tell this row from the row above, so that their order is not
    certain."""
    verification: str = ""
    """On the private board, the state of the team's verification, if it was asked for one."""

    @property
    def is_out(self) -> bool:
        """Whether the verification took the rank."""
        return self.verification in Verification.UNRANKED

    @property
    def likely(self) -> LikelyRanks | None:
        """The range of a rank of the public board, or of a track's; None until it is computed."""
        entry = self.entry
        if self.rank is None or tracks.is_private(entry.board):
            return None
        found: LikelyRanks | None = (
            getattr(entry.team, "rank_range", None)
            if entry.board == Board.PUBLIC
            else getattr(entry, "track_range", None)
        )
        return found if found and found.evaluation_id == entry.evaluation_id else None

    @property
    def figures(self) -> Figures:
        entry, likely = self.entry, self.likely
        return Figures(
            rank=self.rank,
            team=entry.team.name,
            score=entry.score,
            score_half_width=entry.score_half_width,
            is_tied=self.is_tied,
            quality=entry.quality,
            time_ratio=entry.time_ratio,
            half_width=entry.evaluation.half_width,
            measurements=entry.evaluation.measurements,
            format=entry.submission.format,
            number_type=entry.submission.number_type,
            macs=entry.evaluation.macs,
            memory_bytes=entry.evaluation.memory_bytes,
            uploaded_at=entry.uploaded_at,
            likely_first=likely.first if likely else None,
            likely_last=likely.last if likely else None,
            quality_half_width=likely.half_width if likely else None,
            verification=self.verification,
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a row for programs."""

    rank: int | None
    team: str
    score: Decimal
    score_half_width: float
    is_tied: bool
    quality: float
    time_ratio: float
    half_width: float | None
    measurements: int
    format: str
    """Its name in the table `scoring.formats.FORMATS`."""
    number_type: str
    macs: int | None
    memory_bytes: int | None
    uploaded_at: datetime
    likely_first: int | None
    """The first and the last rank of the range, on the public board."""
    likely_last: int | None
    quality_half_width: float | None
    """On other images of the same number, on the public board."""
    verification: str = ""
    """On the private board, as `Row.verification`."""


@dataclass(frozen=True)
class Parts:
    """A score taken apart: `score` is the sum of its `terms`, ± `half_width`."""

    score: float
    half_width: float
    terms: Mapping[str, float]


def parts(evaluation: Evaluation, board: str) -> Parts | None:
    """The terms of an evaluation's score on a board; None before there is a score."""
    private = board == Board.PRIVATE
    quality = evaluation.quality_private if private else evaluation.quality_public
    if quality is None or evaluation.time_ratio is None:
        return None
    score = evaluation.competition.score(
        quality, evaluation.time_ratio, quality_ref=evaluation.quality_ref
    )
    assert score
    terms = {name: round(term, formula.DECIMALS) for name, term in score.terms.items()}
    return Parts(score.rounded, evaluation.score_half_width or 0.0, terms)


def told(quality: float) -> float:
    """A quality, or an F1, as every door tells it. The exact value would tell counts of images."""
    return float(rounded(quality, QUALITY_DECIMALS))


class Standing(Sequence[Row]):
    """One version of a board: its length, any slice of it, and any rank.

    Marks tell how many rows stand before every `STEP`-th score. A slice starts at a mark instead of
    at the first row, and a rank is counted from a mark. Between them only keys are read; whole rows
    are read for the slice alone.
    """

    def __init__(
        self,
        competition: Competition,
        board: str,
        version: str | None = None,
        *,
        track: str = "",
        for_organizers: bool = False,
    ) -> None:
        if not for_organizers:
            visibility.check_board(competition, board)
        self.competition, self.board = competition, board
        self.track = tracks.find(competition, track)
        self.slug = track
        self.key = tracks.key(board, track)
        """By which its entries are kept: `board` alone, or with a track."""
        self.version = versions.of(competition, board) if version is None else version
        self.ranked: Marks
        self.below: Marks
        self.ranked, self.below = self.kept("marks", lambda: (self.marks(True), self.marks(False)))

    def kept(self, what: str, make: Callable[[], Made]) -> Made:
        """What `make` returns for this version. Each process makes it once."""
        what = f"{self.track.slug}/{what}" if self.track else what
        return versions.kept(self.competition, self.board, self.version, what, make)

    def __len__(self) -> int:
        return self.ranked.count + self.below.count

    def __getitem__(self, part: Any) -> Any:
        """The rows of a slice, as paginators ask for them."""
        start, stop, _ = part.indices(len(self))
        # One more row above the slice tells whether the first row is tied.
        above = 1 if start else 0
        first, ranked = start - above, self.ranked.count
        keys = self.keys(True, first, stop) if first < ranked else []
        if stop > ranked:
            keys += self.keys(False, max(first - ranked, 0), stop - ranked)
        entries = Entry.objects.board(self.competition, self.key).in_bulk(keys)
        found = [entries[key] for key in keys if key in entries]
        rows = []
        for place, (previous, entry) in enumerate(zip([None, *found], found, strict=False), first):
            rank = place + 1 if entry.is_ranked else None
            is_tied = entry.is_ranked and are_tied(previous, entry)
            rows.append(Row(rank, entry, is_tied, self.verification_of(entry.team_id)))
        return rows[above:]

    def verification_of(self, team_id: int) -> str:
        """The state of a team's verification; empty without one, and on the public board."""
        if self.board != Board.PRIVATE:
            return ""
        return self.kept("verifications", lambda: verifications(self.competition)).get(team_id, "")

    def rank(self, entry: Entry) -> int | None:
        """One more than the number of better rows; None below the gate."""
        return self.place(entry) if entry.is_ranked else None

    def place(self, entry: Entry) -> int:
        """One more than the number of rows above. Entries below the gate stand last."""
        above, others = self.above(entry)
        return above + others.count() + 1

    def above(self, entry: Entry) -> tuple[int, EntryQuerySet]:
        """The number of rows above the mark before an entry, and the rows from there to it."""
        marks, above = (self.ranked, 0) if entry.is_ranked else (self.below, self.ranked.count)
        score, before = marks.last(lambda score, _: score <= entry.score)
        return above + before, Entry.objects.before(entry).filter(score__gte=score)

    def place_of(self, score: Decimal) -> int:
        """The rank that a score would have if it was uploaded now: equal scores stand above it."""
        mark, before = self.ranked.last(lambda at, _: at <= score)
        above = self.part(True).filter(score__gte=mark, score__lte=score)
        return before + above.count() + 1

    def keys(self, is_ranked: bool, start: int, stop: int) -> list[int]:
        """The keys of a slice of the ranked entries, or of the entries below the gate."""
        marks = self.ranked if is_ranked else self.below
        score, before = marks.last(lambda _, before: before <= start)
        entries = self.part(is_ranked).filter(score__gte=score)
        return list(entries.values_list("pk", flat=True)[start - before : stop - before])

    def marks(self, is_ranked: bool) -> Marks:
        entries = self.part(is_ranked)
        count = entries.count()
        if count <= STEP:
            return Marks(count)
        numbered = entries.annotate(
            place=PLACE, equal=Window(Rank(), order_by=IN_ORDER[0])
        ).annotate(step=Mod("place", STEP))
        every = numbered.filter(step=0).values_list("score", "equal")
        return Marks(count, tuple((score, rank - 1) for score, rank in every))

    def part(self, is_ranked: bool) -> EntryQuerySet:
        entries = Entry.objects.filter(competition=self.competition, board=self.key)
        return entries.filter(is_ranked=is_ranked).order_by(*ORDER)


@dataclass(frozen=True)
class Marks:
    """The number of entries, and for some scores the number of entries that are better."""

    count: int
    scores: tuple[tuple[Decimal, int], ...] = ()

    def last(self, is_before: Callable[[Decimal, int], bool]) -> tuple[Decimal, int]:
        """The last mark for which `is_before` holds, else the beginning. It holds up to some
        mark."""
        found = bisect_left(self.scores, True, key=lambda mark: not is_before(*mark))
        return self.scores[found - 1] if found else (BEST_SCORE, 0)


def rows(
    competition: Competition,
    board: str,
    *,
    start: int = 0,
    count: int | None = None,
    for_organizers: bool = False,
) -> list[Row]:
    """Some rows of a board in its order. `start` counts from 0."""
    end = None if count is None else start + count
    standing = Standing(competition, board, for_organizers=for_organizers)
    found: list[Row] = standing[start:end]
    return found


def figures(competition: Competition, board: str, track: str = "") -> Iterator[Figures]:
    """All rows of a board, read in small parts."""
    visibility.check_board(competition, board)
    tracks.find(competition, track)
    key = tracks.key(board, track)
    entries = Entry.objects.filter(competition=competition, board=key)
    of_rank = range_of(key)
    read = entries.order_by("-is_ranked", *ORDER).values_list(
        "is_ranked",
        "team",
        "team__name",
        "score",
        "score_half_width",
        "quality",
        "time_ratio",
        "evaluation__half_width",
        "evaluation__measurements",
        "submission__format",
        "submission__number_type",
        "evaluation__macs",
        "evaluation__memory_bytes",
        "uploaded_at",
        f"{of_rank}__first",
        f"{of_rank}__last",
        f"{of_rank}__error",
        F(f"{of_rank}__evaluation") - F("evaluation"),
    )
    states = verifications(competition) if board == Board.PRIVATE else {}
    above: tuple[Decimal, float] | None = None
    for place, row in enumerate(read.iterator(chunk_size=2000), start=1):
        is_ranked, team_id, team, score, score_half_width = row[:5]
        interval = score, score_half_width
        rank, is_tied = (place, within_noise(above, interval)) if is_ranked else (None, False)
        is_shown = rank is not None and row[-1] == 0 and board == Board.PUBLIC
        likely = (*row[-4:-2], half_width(row[-2])) if is_shown else (None, None, None)
        rest = [*row[5:-4], *likely, states.get(team_id, "")]
        yield Figures(rank, team, score, score_half_width, is_tied, *rest)
        above = interval


def tied(competition: Competition, *, first: int) -> list[Entry]:
    """The entries among the first public ranks that are tied with a neighbour.

    Two teams with the same model are tied for ever, and another measurement would not part them.
    """
    entries = [row.entry for row in rows(competition, Board.PUBLIC, count=first) if row.rank]
    found: dict[int, Entry] = {}
    for above, below in pairwise(entries):
        same = above.submission.content_sha256 == below.submission.content_sha256
        if are_tied(above, below) and not same:
            found |= {above.pk: above, below.pk: below}
    return list(found.values())


def rank(entry: Entry) -> int | None:
    """The rank of an entry; None below the gate."""
    return Standing(entry.competition, entry.board).rank(entry)


def ranks(competition: Competition) -> dict[int, int]:
    """The public rank of every ranked team, by the key of the team."""
    entries = Entry.objects.filter(competition=competition, board=Board.PUBLIC, is_ranked=True)
    return dict(entries.order_by().annotate(place=PLACE).values_list("team_id", "place"))


def entry_of(team: Team, board: str, track: str = "") -> Entry | None:
    """A team's row on a board. None where scores are hidden: nobody may learn of the row."""
    if team.competition.hides_scores:
        return None
    visibility.check_board(team.competition, board)
    entries = Entry.objects.filter(team=team, board=tracks.key(board, track))
    return entries.select_related("submission").defer("submission__static").first()


def entries_of(teams: Collection[Team], board: str) -> dict[int, Entry]:
    """The rows of teams on their boards by competition, without those that `entry_of` hides. Each
    team is of another competition."""
    shown = {one.competition_id: one for one in teams if not one.competition.hides_scores}
    for team in shown.values():
        visibility.check_board(team.competition, board)
    entries = Entry.objects.filter(team__in=shown.values(), board=board)
    return {one.competition_id: one for one in entries}


def ranks_of(entries: Iterable[tuple[Standing, Entry]]) -> dict[int, int]:
    """The ranks of entries of several boards by the entry's key, counted in one query. Entries
    below the gate have none."""
    found: dict[int, int] = {}
    queries = []
    for standing, entry in entries:
        if entry.is_ranked:
            above, others = standing.above(entry)
            found[entry.pk] = above + 1
            queries.append(others.order_by().annotate(below=Value(entry.pk)).values_list("below"))
    if queries:
        first, *more = (one.annotate(count=Count("pk")) for one in queries)
        found |= {key: found[key] + count for key, count in first.union(*more, all=True)}
    return found


def verifications(competition: Competition) -> dict[int, str]:
    """The states of the winners' verifications by team."""
    rows = Verification.objects.filter(competition=competition).order_by()
    return dict(rows.values_list("team", "state"))


def are_tied(above: Entry | None, below: Entry) -> bool:
    if above is None:
        return False
    return within_noise(
        (above.score, above.score_half_width), (below.score, below.score_half_width)
    )


def within_noise(above: tuple[Decimal, float] | None, below: tuple[Decimal, float]) -> bool:
    """Whether the clock cannot tell two rows apart, each given as score and half width."""
    return above is not None and formula.is_tied(float(below[0] - above[0]), above[1], below[1])
