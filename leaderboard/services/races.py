"""How the public board stood at earlier moments, from the figures that count today.

Where the best submission counts, a team's score on the public board never gets worse. So the first
teams of today tell who stood where at any moment, down to the score that the last of them has
today.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.utils import timezone

from leaderboard.models import Entry
from leaderboard.services import histories, rankings
from leaderboard.services.histories import Step

MOST_TEAMS = 200
"""The first teams of today's board, whose scores are read once for each version of it."""
MOST_STEPS = 20_000
"""Submissions of these teams that are looked at, the first ones."""
Key = tuple[float, datetime, int]
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Placed:
    """A team at a moment."""

    rank: int
    team_id: int
    step: Step


@dataclass(frozen=True)
class Race:
    names: dict[int, str]
    steps: dict[int, list[Step]]
    """Of each team, the oldest first."""
    now: dict[int, int]
    """The ranks of today."""
    reach: float | None
    """The score down to which an earlier board is complete; None if all teams are looked at."""

    @property
    def begin(self) -> datetime:
        return min(some[0].uploaded_at for some in self.steps.values())

    def standing(self, at: datetime) -> list[Placed]:
        """The board at a moment, as far as it is complete."""
        some = [(self.last(team, at), team) for team in self.steps]
        known = [
            (step.score, step.uploaded_at, team, step)
            for step, team in some
            if step and self.is_known(step)
        ]
        return [
            Placed(rank, team, step)
            for rank, (_, _, team, step) in enumerate(sorted(known, key=order), start=1)
        ]

    def last(self, team: int, at: datetime) -> Step | None:
        """The team's best at a moment."""
        steps = self.steps[team]
        found = bisect_right(steps, at, key=uploaded)
        return steps[found - 1] if found else None

    def ranks(self, teams: Iterable[int], moments: Iterable[datetime]) -> dict[int, list[int]]:
        """The ranks of some teams at moments, the earliest first; 0 where a team had none."""
        board: list[Key] = []
        keys: dict[int, Key] = {}
        found: dict[int, list[int]] = {team: [] for team in teams}
        number = 0
        for at in moments:
            while number < len(self.events) and self.events[number][0] <= at:
                uploaded_at, team, step = self.events[number]
                if team in keys:
                    board.pop(bisect_left(board, keys[team]))
                if self.is_known(step):
                    keys[team] = (step.score, uploaded_at, team)
                    insort(board, keys[team])
                number += 1
            for team, some in found.items():
                some.append(bisect_left(board, keys[team]) + 1 if team in keys else 0)
        return found

    @cached_property
    def events(self) -> list[tuple[datetime, int, Step]]:
        """Each step of each team, in order."""
        every = [(one.uploaded_at, team, one) for team, some in self.steps.items() for one in some]
        return sorted(every, key=lambda event: event[:2])

    def is_known(self, step: Step) -> bool:
        """Whether all that was better is known, too."""
        return self.reach is None or step.score <= self.reach


def uploaded(step: Step) -> datetime:
    return step.uploaded_at


def order(row: tuple[float, datetime, int, Step]) -> tuple[float, datetime, int]:
    return row[:3]


def of(standing: rankings.Standing) -> Race | None:
    """The race on a public board; None while no team has a rank."""
    assert standing.board == Entry.Board.PUBLIC, "private scores were never on a board"
    if not standing.ranked.count:
        return None
    return standing.kept("race", lambda: read(standing))


def read(standing: rankings.Standing) -> Race:
    entries = list(standing.part(True).select_related("team")[: MOST_TEAMS + 1])
    reach = float(entries[MOST_TEAMS - 1].score) if len(entries) > MOST_TEAMS else None
    entries = entries[:MOST_TEAMS]
    teams = [one.team_id for one in entries]
    steps = histories.of_teams(standing.competition, teams, most=MOST_STEPS)
    for one in entries:
        is_last = standing.competition.last_counts
        end_with(steps.setdefault(one.team_id, []), one, is_last=is_last)
    return Race(
        names={one.team_id: one.team.name for one in entries},
        steps=steps,
        now={one.team_id: rank for rank, one in enumerate(entries, start=1)},
        reach=reach,
    )


def end_with(steps: list[Step], entry: Entry, *, is_last: bool) -> None:
    """Let a team's steps end with its entry: a repeated measurement may have chosen another one.
    `is_last`: the last submission counts, so that an earlier step may be better."""
    score, at = float(entry.score), entry.uploaded_at
    while steps and (steps[-1].uploaded_at >= at or (steps[-1].score <= score and not is_last)):
        steps.pop()
    steps.append(Step(entry.uploaded_at, score, entry.score_half_width))


def since_yesterday(race: Race, rows: Iterable[rankings.Row]) -> dict[int, int]:
    """Ranks that teams have won in a day, by team, where yesterday's rank is not one of today's
    likely ranks. Any other change may be noise."""
    before = {one.team_id: one.rank for one in race.standing(hour() - DAY)}
    found = {}
    for row in rows:
        rank, likely = before.get(row.entry.team_id), row.likely
        if row.rank and rank and likely and not likely.first <= rank <= likely.last:
            found[row.entry.team_id] = rank - row.rank
    return found


def hour() -> datetime:
    """The last full hour: what is shown of a day ago changes once in an hour."""
    return timezone.now().replace(minute=0, second=0, microsecond=0)
