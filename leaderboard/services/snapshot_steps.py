"""The steps of teams for a snapshot: what the public board of any earlier moment is made of.

Teams are read in batches, so that only the steps of one batch are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef

from leaderboard.models import Competition, Entry, Evaluation, Team
from leaderboard.services import eras, formulas, histories, rankings
from leaderboard.services.eras import Era
from leaderboard.services.histories import Steps
from leaderboard.services.snapshot_history import constants, moment
from scoring.snapshots.contents import Row
from scoring.snapshots.versions import Step

BATCH = 100
"""Teams whose steps are read together."""


def of(competition: Competition, public: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """The values of a `versions.Stretch` by name, for each version of the scores. Its `steps` are
    an iterator. The last ones end with the rows of the public board."""
    for version, era in enumerate(eras.of(competition), start=1):
        yield {
            "version": version,
            "begin": moment(era.begin),
            "formula": constants(era.rules if era.end else formulas.of(competition)),
            "steps": earlier(competition, era) if era.end else today(competition, public),
        }


def today(competition: Competition, public: Sequence[Row]) -> Iterator[Step]:
    ranked = [row for row in public if row.rank is not None]
    for start in range(0, len(ranked), BATCH):
        rows = ranked[start : start + BATCH]
        teams = competition.teams.filter(name__in=[row.team for row in rows]).order_by()
        names = dict(teams.values_list("pk", "name"))
        keys = {name: key for key, name in names.items()}
        steps = histories.of_teams(competition, names, most=histories.MOST * BATCH)
        for row in rows:
            at = datetime.fromisoformat(row.uploaded_at)
            last = histories.Step(at, row.score, row.score_half_width, row.evaluation)
            # A team that was merged or renamed meanwhile is missing: the file is made again.
            known = steps.setdefault(keys[row.team], [])
            histories.end_with(known, last, is_last=competition.last_counts)
        yield from told(steps, names)


def earlier(competition: Competition, era: Era) -> Iterator[Step]:
    """The steps of an era that a rescore ended, of teams that were ranked at its end or are now."""
    assert era.end
    public = {"board": Entry.Board.PUBLIC, "team": OuterRef("pk")}
    had = era.end.moved.filter(was_is_ranked=True, **public)
    has = Entry.objects.filter(is_ranked=True, **public)
    teams = competition.teams.filter(Exists(had) | Exists(has)).order_by("pk")
    keys = list(teams.values_list("pk", flat=True))
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        names = dict(Team.objects.filter(pk__in=batch).order_by().values_list("pk", "name"))
        most = histories.MOST * BATCH
        yield from told(histories.in_era(competition, era, batch, most=most), names)


def told(steps: Steps, names: Mapping[int, str]) -> Iterator[Step]:
    """Steps with the figures of their evaluations, as the board showed them."""
    keys = [one.evaluation for some in steps.values() for one in some]
    columns = ("pk", "submission", "quality_public", "time_ratio", "rescore__version")
    rows = Evaluation.objects.filter(pk__in=keys).order_by().values_list(*columns)
    figures = {key: rest for key, *rest in rows}
    for team, some in steps.items():
        for one in some:
            submission, quality, time_ratio, version = figures[one.evaluation]
            yield Step(
                team=names[team],
                submission=submission,
                at=moment(one.uploaded_at) or "",
                score=one.score,
                quality=rankings.told(quality),
                time_ratio=time_ratio,
                since=version or 1,
            )
