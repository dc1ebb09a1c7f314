"""The reference and the baselines of a competition: lines of a board, beside the ranking.

A line has a score and no rank. It stands before the first row that it beats. No entry holds it, so
that it takes part in no count, no range and no notice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import QuerySet
from django.utils.translation import gettext

from leaderboard.errors import NotFound
from leaderboard.models import Baseline, Competition, Entry, Evaluation, ReferenceModel
from leaderboard.services import rankings, visibility
from scoring import formula

MOST = 10
"""Baselines of a competition. A board reads and shows all of them."""
Shown = TypeVar("Shown", rankings.Row, rankings.Figures)


@dataclass(frozen=True)
class Line:
    """The figures of the reference or of a baseline on a board."""

    model: ReferenceModel | Baseline
    evaluation: Evaluation
    name: str
    score: float
    score_half_width: float
    quality: float
    time_ratio: float
    """Of the reference against itself, or of a baseline against the reference."""
    half_width: float
    seconds: float | None
    """Per image, at the pace of the calibration."""
    is_ranked: bool
    """Whether a team with this quality would have a rank."""

    @property
    def is_reference(self) -> bool:
        return isinstance(self.model, ReferenceModel)


@dataclass(frozen=True)
class Lines:
    """The lines of a board."""

    reference: Line | None
    baselines: Sequence[Line]
    """The best one first."""

    @property
    def every(self) -> list[Line]:
        """All of them, the best one first."""
        some = [self.reference, *self.baselines] if self.reference else self.baselines
        return sorted(some, key=place_of)


def reference_of(competition: Competition, board: str) -> Line | None:
    """The reference by its calibration; None before a calibration."""
    calibration = competition.calibration
    return line(competition, calibration, calibration.reference, board) if calibration else None


def scored(competition: Competition, board: str) -> list[Line]:
    """The baselines that have a score by the terms of today, the best one first."""
    found = {one.baseline: one for one in measured(competition) if one.baseline}
    lines = [line(competition, one, model, board) for model, one in found.items()]
    return sorted(lines, key=place_of)


def lines_of(competition: Competition, board: str) -> Lines:
    return Lines(reference_of(competition, board), scored(competition, board))


def on(standing: rankings.Standing) -> Lines:
    """The lines of one version of a board. Each process reads them once."""
    return standing.kept("lines", lambda: lines_of(standing.competition, standing.board))


def measured(competition: Competition) -> QuerySet[Evaluation]:
    """The verdicts on baselines since the calibration, the latest one of each last.

    After a rescore that measured again, earlier ones do not count.
    """
    if competition.calibration_id is None:
        return Evaluation.objects.none()
    return (
        Evaluation.objects.filter(
            competition=competition,
            kind=Evaluation.Kind.BASELINE,
            state=Evaluation.State.SCORED,
            rescore=competition.measured_since_id,
            pk__gt=competition.calibration_id,
        )
        .select_related("baseline")
        .order_by("pk")
    )


def line(
    competition: Competition,
    evaluation: Evaluation,
    model: ReferenceModel | Baseline,
    board: str,
) -> Line:
    figures = evaluation.figures()
    private = board == Entry.Board.PRIVATE
    quality = figures.quality_private if private else figures.quality_public
    is_reference = isinstance(model, ReferenceModel)
    return Line(
        model=model,
        evaluation=evaluation,
        name=str(model),
        score=figures.score_private if private else figures.score_public,
        score_half_width=formula.half_width(figures.half_width, competition.time_weight),
        quality=rankings.told(quality),
        time_ratio=figures.time_ratio,
        half_width=figures.half_width,
        seconds=figures.reference_seconds
        if is_reference
        else competition.seconds_per_image(figures.time_ratio),
        is_ranked=is_reference or quality >= competition.min_quality,
    )


def place_of(line: Line) -> tuple[bool, float]:
    """The key that sorts lines: those below the gate stand last."""
    return not line.is_ranked, line.score


def beats(line: Line, row: rankings.Row | rankings.Figures) -> bool:
    """Whether a line stands before a row. A row without a rank stands below all lines."""
    score = row.score if isinstance(row, rankings.Figures) else row.entry.score
    return row.rank is None or (line.is_ranked and float(score) > line.score)


def beside(
    lines: Sequence[Line],
    rows: Sequence[rankings.Row],
    *,
    above: rankings.Row | None,
    is_last: bool,
) -> dict[int, list[Line]]:
    """The lines that stand on a page, by the number of the row below them on the page.

    `above`: the last row of the page before. A line below all rows stands on the last page.
    """
    found: dict[int, list[Line]] = {}
    for one in lines:
        place = next((at for at, row in enumerate(rows) if beats(one, row)), len(rows))
        is_before = place == 0 and above is not None and beats(one, above)
        if not is_before and (place < len(rows) or is_last):
            found.setdefault(place, []).append(one)
    return found


def among(lines: Sequence[Line], rows: Iterable[Shown]) -> Iterator[Line | Shown]:
    """The rows of a board from the first one, with each line before the first row that it beats."""
    left = list(lines)
    for row in rows:
        while left and beats(left[0], row):
            yield left.pop(0)
        yield row
    yield from left


def find(competition: Competition, pk: int) -> Line:
    """A measured baseline, with its public figures. Raises `NotFound`, also while scores are
    hidden."""
    visibility.check_board(competition, Entry.Board.PUBLIC)
    for one in scored(competition, Entry.Board.PUBLIC):
        if one.model.pk == pk:
            return one
    raise NotFound(
        gettext("There is no such baseline, or it has no score yet."), code="unknown_baseline"
    )
