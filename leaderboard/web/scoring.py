"""How the score works: the formula, worked examples, and a place to put in figures of one's own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from leaderboard.models import Competition, Entry
from leaderboard.services import datasets, rankings, rescoring, supposing, teams
from leaderboard.web import cards, charts, plots
from leaderboard.web.competitions import find, show
from leaderboard.web.requests import Request
from scoring import formula

MOST_RATIO = 1000.0
DECIMALS = 4
"""Decimals of the fields."""
MOST_DOTS = 500
"""Teams on the plot beside the fields, the best ones. It is sent anew with each change."""


@dataclass(frozen=True)
class Figures:
    """A model whose figures a reader may begin with."""

    words: str
    quality: float
    time_ratio: float

    @property
    def query(self) -> str:
        """The query that fills in these figures."""
        return asked_for(self.quality, self.time_ratio)


@dataclass(frozen=True)
class Example(Figures):
    """One invented model, taken through the formula."""

    score: formula.Score


@require_safe
def scoring(request: Request, slug: str) -> HttpResponse:
    competition = find(request, slug)
    quality_ref = competition.reference_quality
    more: dict[str, Any] = {}
    if quality_ref is not None:
        more = {
            "examples": examples(competition, quality_ref),
            "idle": idle(competition, quality_ref),
            **supposed(request, competition, quality_ref),
        }
    versions = rescoring.of(competition) if competition.formula_version > 1 else []
    return show(request, competition, "competitions/scoring.html", versions=versions, **more)


def supposed(request: Request, competition: Competition, quality_ref: float) -> dict[str, Any]:
    """What is shown of the figures in the address; without them, of those to begin from."""
    board = cards.board_of(competition)
    standing = None if competition.hides_scores else rankings.Standing(competition, board)
    team = teams.of(request.user, competition)
    own = rankings.entry_of(team, board) if team else None
    begins = beginnings(standing, quality_ref, own)
    quality = decimal(request.GET.get("quality", ""), 1.0)
    ratio = decimal(request.GET.get("ratio", ""), MOST_RATIO)
    found = supposing.suppose(
        competition,
        round(begins[0].quality if quality is None else quality, DECIMALS),
        round(begins[0].time_ratio if ratio is None else ratio, DECIMALS),
        standing=standing,
        own=own,
    )
    assert found, "there is a reference quality"
    drawn = plot_of(standing) if standing else plots.empty(competition, quality_ref)
    return {
        "supposed": found,
        "bar": charts.bar(competition, found.quality, found.time_ratio, max(1, found.score.total)),
        "begins": begins,
        "board": board,
        "drawn": drawn,
        "point": (drawn.x.at(found.time_ratio), drawn.y.at(found.quality)),
        "own_line": plots.isoline(competition, drawn, found.score.total),
    }


def plot_of(standing: rankings.Standing) -> plots.Plot:
    return standing.kept("plot-beside-fields", lambda: plots.plot(standing, most=MOST_DOTS))


def beginnings(
    standing: rankings.Standing | None, quality_ref: float, own: Entry | None
) -> list[Figures]:
    """Models to begin with: the own team's best, a reference twice as fast, the leader's."""
    found = [Figures(gettext("the reference in half the time"), quality_ref, 0.5)]
    if own:
        found.insert(0, of_entry(gettext("your team's best"), own))
    if standing and (first := standing[:1]):
        found.append(of_entry(gettext("the leader"), first[0].entry))
    return found


def of_entry(words: str, entry: Entry) -> Figures:
    return Figures(words, entry.quality, entry.time_ratio)


def asked_for(quality: float, time_ratio: float) -> str:
    shown = {"quality": f"{quality:.{DECIMALS}f}", "ratio": f"{time_ratio:.{DECIMALS}f}"}
    return f"?{urlencode(shown)}#try"


def decimal(text: str, most: float) -> float | None:
    """The number in a text, between 0 and `most`; None if there is none."""
    try:
        value = float(text[:20].replace(",", "."))
    except ValueError:
        return None
    return min(max(value, 0.0), most) if math.isfinite(value) else None


def examples(competition: Competition, quality_ref: float) -> list[Example]:
    # Near 1 there is less to gain, and the words must say what the row shows.
    gain = round(min(0.05, (1 - quality_ref) / 2), 3)
    invented = [
        (gettext("As good and as fast as the reference"), 0.0, 1.0),
        (gettext("Half the time, quality lower by 0.02"), -0.02, 0.5),
        (gettext("Twice the time, quality higher by {gain:g}").format(gain=gain), gain, 2.0),
        (gettext("A fifth of the time, quality lower by 0.10"), -0.10, 0.2),
    ]
    if not gain:  # nothing is better than a perfect reference
        del invented[2]
    return [
        example(competition, quality_ref, words, quality_ref + more, r)
        for words, more, r in invented
    ]


def idle(competition: Competition, quality_ref: float) -> Example:
    """A model that answers one class in no time. The sample's class counts give its quality."""
    split = datasets.sample_of(competition)
    counts = list(split.images_by_class.values()) if split else [1] * len(competition.classes)
    quality = competition.quality_measure.of_one_answer(counts)
    words = gettext("Always the same class, in no time at all")
    return example(competition, quality_ref, words, quality, 0.0)


def example(
    competition: Competition, quality_ref: float, words: str, quality: float, time_ratio: float
) -> Example:
    quality = min(1.0, max(0.0, quality))
    score = competition.score(quality, time_ratio, quality_ref=quality_ref)
    assert score
    return Example(words, quality, time_ratio, score)
