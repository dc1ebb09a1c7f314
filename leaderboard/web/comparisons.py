"""Two submissions of one team side by side: score, terms, time, quality, size, F1 of each class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from leaderboard import digits
from leaderboard.errors import NotFound
from leaderboard.models import Entry, Evaluation, Submission
from leaderboard.sentences import said
from leaderboard.services import prospects, rankings, visibility
from leaderboard.sizes import (
    figures,
    gained_milliseconds,
    megabytes,
    milliseconds_figures,
    rounded,
    short,
)
from leaderboard.web.competitions import show
from leaderboard.web.requests import Request
from leaderboard.web.submissions import own_submission
from scoring import formula

MOST_OTHERS = 100
"""The latest scored submissions that can be chosen."""


@dataclass(frozen=True)
class FigurePair:
    """One figure of two submissions. `is_better`: that of the first one is better; None if they are
    equal or cannot be compared."""

    label: str
    this: str
    other: str
    difference: str = ""
    is_better: bool | None = None


@login_required
@require_safe
def compare(request: Request, pk: int) -> HttpResponse:
    """Compare a submission with another one of its team; by default with the team's best."""
    this = own_submission(request, pk)
    if visibility.hides_from(this.competition, request.user):
        raise visibility.hidden()
    counting = Evaluation.objects.counting().filter(team=this.team_id)
    beside = counting.exclude(submission=this).select_related("submission", "competition")
    others = list(beside.order_by("-submission__uploaded_at", "-submission_id")[:MOST_OTHERS])
    number = chosen(request, this, others)
    other = own_submission(request, number) if number else None
    if other and other.team_id != this.team_id:
        raise NotFound(gettext("There is no such submission, or it belongs to another team."))
    is_scored = counting.filter(submission=this).exists()
    is_possible = other and is_scored and other.evaluation.state == Evaluation.State.SCORED
    return show(
        request,
        this.competition,
        "submissions/compare.html",
        this=this,
        other=other,
        others=others,
        lines=list(lines(this, other)) if other and is_possible else [],
        per_class=list(classes(this, other)) if other and is_possible else [],
    )


def chosen(request: Request, this: Submission, others: Sequence[Evaluation]) -> int | None:
    """The number of the other one: as the address says, else the team's best beside it."""
    if (number := digits.whole(request.GET.get("to", ""))) is not None:
        return number
    entry = Entry.objects.filter(team=this.team_id, board=Entry.Board.PUBLIC).first()
    if entry and entry.submission_id != this.pk:
        return entry.submission_id
    before = prospects.earlier_best(this) or next(iter(others), None)
    return before.submission_id if before else None


def lines(this: Submission, other: Submission) -> Iterator[FigurePair]:
    both = this.evaluation, other.evaluation
    this_score, other_score = (rankings.parts(one, Entry.Board.PUBLIC) for one in both)
    assert this_score
    assert other_score
    scores = this_score.score, other_score.score
    widths = this_score.half_width, other_score.half_width
    yield figure(gettext("Score"), *scores, half_widths=widths)
    for name, value in this_score.terms.items():
        label = gettext("Term: %(term)s") % {"term": said(formula.TERMS[name].label)}
        yield figure(label, value, other_score.terms.get(name))
    metric = said(this.competition.quality_measure.short)
    yield figure(metric, both[0].quality_public, both[1].quality_public, higher_is_better=True)
    ratios = both[0].time_ratio, both[1].time_ratio
    of_ratios = both[0].half_width, both[1].half_width
    yield figure(gettext("Time ratio"), *ratios, half_widths=of_ratios)
    yield of_time(*both)
    yield of_size(gettext("Parameters"), parameters(this), parameters(other))
    yield of_size(gettext("MACs"), both[0].macs, both[1].macs)
    left, right = ("–" if one.memory_bytes is None else megabytes(one.memory_bytes) for one in both)
    yield FigurePair(gettext("Memory"), left, right)
    size = gettext("Size")
    yield FigurePair(size, megabytes(this.size_bytes), megabytes(other.size_bytes))
    yield FigurePair(gettext("Format"), this.format_title, other.format_title)
    yield FigurePair(gettext("Number type"), this.number_type, other.number_type)
    yield FigurePair(gettext("Input"), fed(this), fed(other))


def classes(this: Submission, other: Submission) -> Iterator[FigurePair]:
    """F1 of each class on the public split."""
    others = other.evaluation.f1_by_class or {}
    for name, f1 in (this.evaluation.f1_by_class or {}).items():
        yield figure(name, f1, others.get(name), decimals=3, higher_is_better=True)


def figure(
    label: str,
    this: float | None,
    other: float | None,
    *,
    decimals: int = 4,
    higher_is_better: bool = False,
    half_widths: tuple[float | None, float | None] = (None, None),
) -> FigurePair:
    left, right = (
        joined(figures(one, half_width, decimals)) if one is not None else "–"
        for one, half_width in zip((this, other), half_widths, strict=True)
    )
    if this is None or other is None:
        return FigurePair(label, left, right)
    less = round(this - other, decimals)
    difference = signed(less, rounded(abs(less), decimals))
    return FigurePair(
        label, left, right, difference, better(less, higher_is_better=higher_is_better)
    )


def joined(interval: list[str]) -> str:
    """An interval in which a line may break only before the ±."""
    return " ±\N{NO-BREAK SPACE}".join(interval)


def of_time(this: Evaluation, other: Evaluation) -> FigurePair:
    label = gettext("ms per image")
    left, right = this.seconds_per_image or 0.0, other.seconds_per_image or 0.0
    less = left - right
    return FigurePair(
        label,
        joined(milliseconds_figures(left, this.seconds_half_width)),
        joined(milliseconds_figures(right, other.seconds_half_width)),
        signed(less, gained_milliseconds(abs(less))),
        better(less, higher_is_better=False),
    )


def of_size(label: str, this: int | None, other: int | None) -> FigurePair:
    if this is None or other is None:
        left, right = ("–" if one is None else short(one) for one in (this, other))
        return FigurePair(label, left, right)
    less = this - other
    return FigurePair(label, short(this), short(other), signed(less, short(abs(less))))


def better(less: float, *, higher_is_better: bool) -> bool | None:
    return (less > 0) == higher_is_better if less else None


def signed(value: float, size: str) -> str:
    if not value:
        return "0"
    return f"+{size}" if value > 0 else f"−{size}"


def parameters(submission: Submission) -> int:
    return int(submission.static.get("parameters") or 0)


def fed(submission: Submission) -> str:
    """The size of the images and the type of their numbers."""
    spec = submission.static.get("input") or {}
    return "{height}×{width} {dtype}".format(**spec) if spec else "–"
