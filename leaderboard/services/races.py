"""How the public board stood at earlier moments, by the formula and the figures of that time.

If the best submission counts, a team's score never gets worse between two rescores. So the first
teams at the end of an era tell the ranks at any moment of the era, down to the score of the last of
these teams. If the last submission counts, the teams with the best scores ever are read instead.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Q
from django.utils import timezone

from leaderboard.models import Entry, Team
from leaderboard.services import conditions, eras, histories, rankings, tracks
from leaderboard.services.eras import Era
from leaderboard.services.histories import Step, Steps

MOST_TEAMS = 200
"""The first teams of a board, whose scores are read once for each version of today's."""
MOST_STEPS = 20_000
"""Submissions of these teams that are looked at, the first ones."""
Key = tuple[float, datetime, int]
Score = tuple[datetime, float]
"""A score from its time on."""
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Placed:
    """A team at a moment."""

    rank: int
    team_id: int
    step: Step


@dataclass(frozen=True)
class Stretch:
    """The race between two rescores."""

    begin: datetime | None
    steps: Steps
    reach: float | None
    """The score down to which a board is complete; None if all teams are looked at."""

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
        """A team's step that counted at a moment; None before its first one."""
        steps = self.steps.get(team, [])
        found = bisect_right(steps, at, key=uploaded)
        return steps[found - 1] if found else None

    def way(self, team: int, end: datetime) -> Iterator[Score]:
        """The scores of a team in this era up to a moment."""
        if self.begin and (step := self.last(team, self.begin)):
            yield self.begin, step.score
        for step in self.steps.get(team, []):
            if (not self.begin or step.uploaded_at > self.begin) and step.uploaded_at <= end:
                yield step.uploaded_at, step.score

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
                    del keys[team]
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


class Race:
    """The stretches of a race, each read when it is first asked for."""

    def __init__(self, standing: rankings.Standing) -> None:
        self.board = standing
        self.eras = eras.of(standing.competition)

    def stretch(self, number: int) -> Stretch:
        """The stretch of an era, counted from 0."""
        era = self.eras[number]
        return self.board.kept(f"race-{number}", lambda: read(self.board, era))

    @cached_property
    def today(self) -> Stretch:
        return self.stretch(len(self.eras) - 1)

    @cached_property
    def now(self) -> dict[int, int]:
        """The present ranks of the first teams."""
        keys = self.board.kept("race-now", lambda: first_teams(self.board))
        return {team: rank for rank, team in enumerate(keys, start=1)}

    @cached_property
    def begin(self) -> datetime:
        """When the first team had a rank."""
        return self.board.kept("race-begin", self.first_score)

    def first_score(self) -> datetime:
        """The first era in which a team had a rank tells it, so the later ones are not read."""
        stretches = map(self.stretch, range(len(self.eras)))
        first = next(one for one in stretches if any(one.steps.values()))
        at = min(some[0].uploaded_at for some in first.steps.values() if some)
        return max(at, first.begin) if first.begin else at

    def number(self, at: datetime) -> int:
        """The number of the era that holds a moment, counted from 0."""
        return max(n for n, era in enumerate(self.eras) if era.holds(at))

    def standing(self, at: datetime) -> list[Placed]:
        """The board at a moment, as far as it is complete."""
        return self.stretch(self.number(at)).standing(at)

    def ranks(self, teams: Iterable[int], moments: Iterable[datetime]) -> dict[int, list[int]]:
        """The ranks of some teams at moments, the earliest first; 0 where a team had none."""
        found: dict[int, list[int]] = {team: [] for team in teams}
        by_era: dict[int, list[datetime]] = {}
        for at in moments:
            by_era.setdefault(self.number(at), []).append(at)
        for number, some in by_era.items():
            for team, ranks in self.stretch(number).ranks(found, some).items():
                found[team] += ranks
        return found

    def ways(self, teams: Collection[int], moments: Collection[datetime]) -> dict[int, list[Score]]:
        """The scores of some teams up to the last of some moments, each from its time on. A rescore
        changes them. An era between two moments is not read."""
        found: dict[int, list[Score]] = {team: [] for team in teams}
        until = max(moments)
        for number in sorted({self.number(at) for at in moments}):
            is_last = number == self.number(until)
            stretch = self.stretch(number) if is_last else self.part(number, teams)
            ends = self.eras[number].end
            end = min(until, ends.decided_at) if ends and ends.decided_at else until
            for team, scores in found.items():
                scores += stretch.way(team, end)
        return found

    def part(self, number: int, teams: Collection[int]) -> Stretch:
        """The stretch of an earlier era, of some teams alone."""
        competition, era = self.board.competition, self.eras[number]
        which = counted(self.board)

        def made() -> Steps:
            return histories.in_era(competition, era, teams, most=MOST_STEPS, which=which)

        some = "-".join(map(str, sorted(teams)))
        return Stretch(era.begin, self.board.kept(f"race-{number}-{some}", made), None)

    def names(self, teams: Iterable[int]) -> dict[int, str]:
        rows = Team.objects.filter(pk__in=list(teams)).order_by()
        return dict(rows.values_list("pk", "name"))


def uploaded(step: Step) -> datetime:
    return step.uploaded_at


def order(row: tuple[float, datetime, int, Step]) -> tuple[float, datetime, int]:
    return row[:3]


def of(standing: rankings.Standing) -> Race | None:
    """The race on a public board; None while no team has a rank."""
    assert standing.board == Entry.Board.PUBLIC, "private scores were never on a board"
    return Race(standing) if standing.ranked.count else None


def counted(standing: rankings.Standing) -> Q:
    """The evaluations that count on a board, by the conditions of its track."""
    track = standing.track
    return conditions.uploads(track, standing.competition) if track else eras.EVERY


def members(standing: rankings.Standing, teams: set[int]) -> set[int]:
    """Those teams that may stand on a board."""
    return {*tracks.members(standing.track, teams)} if standing.track else teams


def first_teams(standing: rankings.Standing) -> list[int]:
    return list(standing.part(True).values_list("team_id", flat=True)[:MOST_TEAMS])


def read(standing: rankings.Standing, era: Era) -> Stretch:
    """The stretch of an era, of its first teams."""
    if era.end:
        return read_earlier(standing, era)
    entries = list(standing.part(True)[: MOST_TEAMS + 1])
    reach = float(entries[MOST_TEAMS - 1].score) if len(entries) > MOST_TEAMS else None
    entries = entries[:MOST_TEAMS]
    teams = {one.team_id for one in entries}
    which = counted(standing)
    is_last = standing.competition.last_counts
    if is_last:
        best = histories.best_ever(standing.competition, most=MOST_TEAMS + 1, which=which)
        reach = best[MOST_TEAMS - 1][1] if len(best) > MOST_TEAMS else None
        teams.update(team for team, _ in best[:MOST_TEAMS])
        teams = members(standing, teams)
    steps = histories.of_teams(standing.competition, teams, most=MOST_STEPS, which=which)
    for one in entries:
        last = Step(one.uploaded_at, float(one.score), one.score_half_width, one.evaluation_id)
        histories.end_with(steps.setdefault(one.team_id, []), last, is_last=is_last)
    return Stretch(era.begin, steps, reach)


def read_earlier(standing: rankings.Standing, era: Era) -> Stretch:
    """The stretch of an era that a rescore ended, of the first teams of that moment. Those of today
    are looked at, too: two teams may have become one."""
    assert era.end
    moved = era.end.moved.filter(board=standing.key, was_is_ranked=True)
    rows = moved.order_by("was_score", "was_uploaded_at", "pk")
    first = list(rows.values_list("team_id", "was_score")[: MOST_TEAMS + 1])
    reach = float(first[MOST_TEAMS - 1][1]) if len(first) > MOST_TEAMS else None
    teams = members(standing, {team for team, _ in first[:MOST_TEAMS]} | {*first_teams(standing)})
    which = counted(standing)
    steps = histories.in_era(standing.competition, era, teams, most=MOST_STEPS, which=which)
    return Stretch(era.begin, steps, reach)


def since_yesterday(race: Race, rows: Iterable[rankings.Row]) -> dict[int, int]:
    """How many ranks teams have won in a day, by team.

    Only if yesterday's rank is not within today's range: any smaller change may be noise.
    """
    before = {one.team_id: one.rank for one in race.standing(hour() - DAY)}
    found = {}
    for row in rows:
        rank, likely = before.get(row.entry.team_id), row.likely
        if row.rank and rank and likely and not likely.first <= rank <= likely.last:
            found[row.entry.team_id] = rank - row.rank
    return found


def hour() -> datetime:
    """The last full hour. The ranks of a day ago are those of a full hour, so they change once an
    hour."""
    return timezone.now().replace(minute=0, second=0, microsecond=0)
