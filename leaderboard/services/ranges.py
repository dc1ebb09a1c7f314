"""Ranges of ranks: which rank a model could have on other images of the same kind.

A verdict changes the version of the public board. The site's sweep and the embedded worker then
compute all ranges of that board again, from the answers to the public split. No reader waits for
it. Nothing of the private split but its number of images is used.
"""

from __future__ import annotations

import dataclasses
import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from leaderboard.models import (
    BoardVersion,
    Competition,
    Entry,
    Ranged,
    RankRange,
    Split,
    TrackRange,
)
from leaderboard.services import answers, privileges, rankings, tracks, versions
from scoring.quality import doubt, ranging

logger = logging.getLogger(__name__)
Board = Entry.Board
MOST = ranging.MOST
"""Most ranks of a board that have a range. It takes about 250 MB and 3 s."""
MOST_IN_TRACK = 1_000
"""Most ranks of a track that has ranges: eight of them then take less than the whole board."""
PAUSE = 20
"""How many times as long as the last ranges took a board waits for new ones: then a board that
changes all the time takes at most 5 % of a process."""
SECONDS_OF_A_FAULT = 3.0
"""What a computation counts that broke: the next one begins a minute later."""


remembered: dict[bytes, doubt.Noise] = {}
"""The noise (draws,) of up to `MOST` models, by metric, labels and answers: 4 KB each."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ranked entry of a public board."""

    team_id: int
    evaluation_id: int
    score: float
    quality: float
    half_width: float


@dataclass(frozen=True, slots=True)
class Range:
    """The fields of a `RankRange`."""

    evaluation_id: int
    first: int
    last: int
    error: float
    above_id: int | None
    with_above: float | None


def renew_all() -> None:
    """Compute the ranges of the boards that have changed. One that breaks stops no other.

    A process that signed in to the database as a worker does nothing.
    """
    changed = due()
    if not changed or not privileges.may_update(RankRange):
        return
    for one in changed:
        try:
            renew(one.competition)
        except Exception:
            logger.exception("The ranges of %s could not be computed", one.competition)
            note(one.competition, "", seconds=SECONDS_OF_A_FAULT)  # and tried again after the pause


def due() -> list[BoardVersion]:
    """Public boards that have changed since their ranges were computed, unless they must wait.

    The last ranges of a contest are computed once it is published: they are told beside its result.
    """
    is_new = Q(competition__ranged=None) | ~Q(competition__ranged__version=F("token"))
    is_last = (
        Q(competition__published_at=None)
        | Q(competition__ranged=None)
        | Q(competition__ranged__at=None)
        | Q(competition__ranged__at__lt=F("competition__published_at"))
    )
    changed = BoardVersion.objects.filter(is_new, is_last, board=Board.PUBLIC)
    return [
        one
        for one in changed.select_related("competition__ranged", "competition__dataset")
        if not must_wait(getattr(one.competition, "ranged", None))
    ]


def must_wait(ranged: Ranged | None) -> bool:
    if ranged is None or ranged.at is None:
        return False
    return timezone.now() < ranged.at + timedelta(seconds=PAUSE * ranged.seconds)


def renew(competition: Competition) -> None:
    """Compute all ranges of the public boards, and write those that changed."""
    begun = time.perf_counter()
    before = Ranged.objects.filter(competition=competition).values_list("version", flat=True)
    earlier = before.first() or ""
    version = versions.of(competition, Board.PUBLIC)
    found = computed(competition, ranked(competition, Board.PUBLIC))
    of_tracks = {
        key: computed(competition, ranked(competition, key))
        for key in tracks.boards(competition, Board.PUBLIC)[1:]
        if has_ranges(competition, key)
    }
    with transaction.atomic():
        Ranged.objects.get_or_create(competition=competition)
        row = Ranged.objects.select_for_update().get(competition=competition)
        if row.version != earlier:  # another process was faster
            return
        if write(competition, found) | write_of_tracks(competition, of_tracks):
            version = versions.replace(competition, Board.PUBLIC, version)
        note(competition, version, seconds=time.perf_counter() - begun)


def note(competition: Competition, version: str, *, seconds: float) -> None:
    Ranged.objects.update_or_create(
        competition=competition,
        defaults={"version": version, "at": timezone.now(), "seconds": seconds},
    )


def has_ranges(competition: Competition, key: str) -> bool:
    """Whether ranges are computed for a board: for the public one, and for tracks of few teams."""
    if tracks.is_private(key):
        return False
    entries = Entry.objects.filter(competition=competition, board=key, is_ranked=True)
    return key == Board.PUBLIC or entries[: MOST_IN_TRACK + 1].count() <= MOST_IN_TRACK


def ranked(competition: Competition, key: str) -> list[Ranked]:
    """The first `MOST` ranks of a public board, in order."""
    entries = Entry.objects.filter(competition=competition, board=key, is_ranked=True)
    columns = ("team_id", "evaluation_id", "score", "quality", "score_half_width")
    rows = entries.order_by(*rankings.ORDER).values_list(*columns)[:MOST]
    return [Ranked(team, key, float(score), *rest) for team, key, score, *rest in rows]


def computed(competition: Competition, rows: Sequence[Ranked]) -> dict[int, Range]:
    """The range of each team. A model without kept answers counts for the others and has none."""
    if not rows or competition.dataset is None:
        return {}
    public = competition.dataset.split(Split.Name.PUBLIC)
    private = competition.dataset.split(Split.Name.PRIVATE)
    kept = answers.kept([one.evaluation_id for one in rows], public)
    places = [kept.rows.get(one.evaluation_id) for one in rows]
    found = ranging.ranges(
        [
            ranging.Ranked(place, one.score, one.quality, one.half_width)
            for place, one in zip(places, rows, strict=True)
        ],
        lambda firsts: noise(competition, kept, [places[one] for one in firsts]),
        quality_ref=competition.reference_quality or 0.0,
        k=competition.k,
        of_other=len(kept.labels) / max(1, private.images),
    )
    above = [None, *(one.evaluation_id for one in rows)]
    return {
        one.team_id: Range(
            one.evaluation_id,
            ends.first,
            ends.last,
            steady(ends.error),
            None if ends.with_above is None else before,
            None if ends.with_above is None else steady(ends.with_above),
        )
        for one, ends, before in zip(rows, found, above, strict=False)
        if ends
    }


def steady(value: float) -> float:
    """A number without the digits that depend on which models were drawn together."""
    return float(f"{value:.5g}")


def noise(competition: Competition, kept: answers.Kept, rows: Sequence[int | None]) -> doubt.Noise:
    """What other images add to the quality of each model, (draws, models); 0 without answers.

    After a verdict only the new model is drawn. This process remembers the others by their answers.
    """
    known = [number for number, row in enumerate(rows) if row is not None]
    given = kept.answers[[row for row in rows if row is not None]]
    exam = hashlib.sha256(competition.metric.encode() + kept.labels.tobytes()).digest()
    keys = [hashlib.sha256(exam + one.tobytes()).digest() for one in given]
    missing = [number for number, key in enumerate(keys) if key not in remembered]
    found = np.zeros((doubt.DRAWS, len(rows)), np.float32)
    if missing:
        classes = len(competition.dataset.classes) if competition.dataset else 0
        drawn = doubt.multipliers(len(kept.labels))
        new = doubt.noise(kept.labels, given[missing], classes, competition.metric, drawn)
        remembered.update(zip([keys[one] for one in missing], new.T.copy(), strict=True))
    if known:
        found[:, known] = np.array([remembered[key] for key in keys]).T
    for key in list(remembered)[: max(0, len(remembered) - MOST)]:  # the oldest
        del remembered[key]
    return found


def write(competition: Competition, found: Mapping[int, Range]) -> bool:
    """Write the ranges that are not stored yet. Returns whether anything changed."""
    stored = RankRange.objects.filter(team__competition=competition)
    fields = [one.name for one in dataclasses.fields(Range)]
    columns = stored.values_list("team_id", *fields)
    before = {team: Range(*rest) for team, *rest in columns}
    changed = [team for team, one in found.items() if before.get(team) != one]
    gone = before.keys() - found.keys()
    if gone:
        stored.filter(team__in=gone).delete()
    RankRange.objects.bulk_create(
        [RankRange(team_id=team, **dataclasses.asdict(found[team])) for team in sorted(changed)],
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["team"],
        update_fields=["evaluation", "first", "last", "error", "above", "with_above"],
    )
    return bool(changed or gone)


def write_of_tracks(competition: Competition, found: Mapping[str, Mapping[int, Range]]) -> bool:
    """Write the ranges on the boards of tracks, by board and team. Returns whether any changed.

    A row that changed meanwhile gets its range next time. A row that is deleted in this moment
    undoes the whole round, and the next round writes it.
    """
    stored = TrackRange.objects.filter(entry__competition=competition)
    columns = ("entry_id", "evaluation_id", "first", "last", "error")
    before = {entry: rest for entry, *rest in stored.values_list(*columns)}
    entries = Entry.objects.filter(competition=competition, board__in=found).order_by()
    after = {
        entry: [one.evaluation_id, one.first, one.last, one.error]
        for entry, board, team in entries.values_list("pk", "board", "team_id")
        if (one := found[board].get(team))
    }
    changed = sorted(entry for entry, one in after.items() if before.get(entry) != one)
    gone = before.keys() - after.keys()
    if gone:
        stored.filter(entry__in=gone).delete()
    TrackRange.objects.bulk_create(
        [TrackRange(**dict(zip(columns, [one, *after[one]], strict=True))) for one in changed],
        batch_size=1000,
        update_conflicts=True,
        unique_fields=["entry"],
        update_fields=["evaluation", "first", "last", "error"],
    )
    return bool(changed or gone)


def forget(competition: Competition) -> None:
    """Delete all ranges of former boards. New ones are computed in the background."""
    RankRange.objects.filter(team__competition=competition).delete()
    TrackRange.objects.filter(entry__competition=competition).delete()
