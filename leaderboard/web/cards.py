"""Boards at a glance, for lists of competitions: the leader and a small plot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from leaderboard.models import Competition, Entry
from leaderboard.services import rankings, versions
from leaderboard.web import plots

MOST_DOTS = 150
"""Teams on a small plot, the best ones."""
State = Competition.State
LIVE = (State.OPEN, State.PAUSED, State.DRAFT)


@dataclass(frozen=True)
class Glance:
    """What one version of a board looks like from afar."""

    leader: str
    """The name of the leader; empty if no team has a rank."""
    score: Decimal | None
    plot: SafeString


@dataclass(frozen=True)
class Card:
    competition: Competition
    glance: Glance
    is_live: bool
    """Whether uploads may still come."""


def of(competitions: Iterable[Competition]) -> list[Card]:
    """The cards of some competitions, their boards' versions read at once."""
    some = list(competitions)
    known = versions.among(some)
    cards = []
    for one in some:
        version = known.get((one.pk, board_of(one)), versions.UNCHANGED)
        cards.append(Card(one, glance(one, version), one.state in LIVE))
    return cards


def board_of(competition: Competition) -> str:
    """The board that counts now."""
    return Entry.Board.PRIVATE if competition.is_published else Entry.Board.PUBLIC


def glance(competition: Competition, version: str | None = None) -> Glance:
    if competition.hides_scores:
        return Glance("", None, mark_safe(""))
    standing = rankings.Standing(competition, board_of(competition), version)
    return standing.kept("glance", lambda: made(standing))


def made(standing: rankings.Standing) -> Glance:
    first = standing[:1]
    if not first:
        return Glance("", None, mark_safe(""))
    drawn = plots.plot(standing, most=MOST_DOTS)
    plot = mark_safe(render_to_string("parts/small_plot.html", {"drawn": drawn}))  # noqa: S308 - ours
    if first[0].rank is None:
        return Glance("", None, plot)
    return Glance(first[0].entry.team.name, first[0].entry.score, plot)
