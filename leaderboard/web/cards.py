"""Boards at a glance, for lists of competitions: the leader and a small plot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from leaderboard.models import Competition, Entry, Team, User
from leaderboard.services import rankings, versions
from leaderboard.web import plots

MOST_DOTS = 150
"""Teams on a small plot, the best ones."""
State = Competition.State
LIVE = (State.OPEN, State.PAUSED, State.DRAFT)
BOARD = Entry.Board.PUBLIC
"""Where the reader's row stands while a competition goes on."""
Versions = Mapping[tuple[int, str], str]
"""The versions of boards, by competition and board."""


@dataclass(frozen=True)
class Glance:
    """What one version of a board looks like from afar."""

    leader: str
    """The name of the leader; empty if no team has a rank."""
    score: Decimal | None
    plot: SafeString


@dataclass(frozen=True)
class Own:
    """A team of the reader, and its row on the public board."""

    team: Team
    rank: int | None
    score: Decimal | None


@dataclass(frozen=True)
class Card:
    competition: Competition
    glance: Glance
    is_live: bool
    """Whether uploads may still come."""
    own: Own | None = None
    """Where the reader takes part."""


def of(competitions: Iterable[Competition], reader: User | AnonymousUser) -> list[Card]:
    """The cards of some competitions, their boards' versions and the reader's rows read at once."""
    some = list(competitions)
    known = versions.among(some)
    mine = owned([one for one in some if one.state in LIVE], reader, known)
    cards = []
    for one in some:
        version = version_of(one, board_of(one), known)
        cards.append(Card(one, glance(one, version), one.state in LIVE, mine.get(one.pk)))
    return cards


def owned(live: list[Competition], reader: User | AnonymousUser, known: Versions) -> dict[int, Own]:
    """What a person has in some competitions that go on, by competition."""
    if not live or not reader.is_authenticated:
        return {}
    competitions = {one.pk: one for one in live}
    teams = list(Team.objects.filter(members=reader, competition__in=live))
    for team in teams:
        team.competition = competitions[team.competition_id]
    return rows_of(teams, known)


def own(team: Team) -> Own:
    """A team and its row on the public board, where boards are shown."""
    return rows_of([team], versions.among([team.competition]))[team.competition_id]


def rows_of(teams: list[Team], known: Versions) -> dict[int, Own]:
    """Teams of several competitions with their rows on the public boards, by competition.

    `known`: the versions of the boards. However many teams there are, rows and ranks take one
    query each.
    """
    entries = rankings.entries_of(teams, BOARD)
    standings = [
        (
            rankings.Standing(one.competition, BOARD, version_of(one.competition, BOARD, known)),
            entry,
        )
        for one in teams
        if (entry := entries.get(one.competition_id))
    ]
    ranks = rankings.ranks_of(standings)
    found = {one.competition_id: Own(one, None, None) for one in teams}
    for key, entry in entries.items():
        found[key] = Own(found[key].team, ranks.get(entry.pk), entry.score)
    return found


def version_of(competition: Competition, board: str, known: Versions) -> str:
    return known.get((competition.pk, board), versions.UNCHANGED)


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
