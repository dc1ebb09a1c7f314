"""A small published competition whose signed file can be checked.

Quads, pace, answers and qualities fit each other, as if it had been measured. Only the clock is
invented.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from django.core.files.base import ContentFile

from leaderboard.models import Competition, Evaluation, Submission, Team, User
from leaderboard.services import competitions, ranges, references, snapshots, teams
from scoring.job import Pace, Report
from scoring.quality import metrics
from scoring.timing import publication
from tests.leaderboard.conftest import CLASSES, answers_of, finish, person, report
from tests.scoring.invented_quads import PLAN, measurement, weathered

PUBLIC, PRIVATE = 24, 36
TEAMS = {"Ash": (3, 8, 0.4), "Birch": (4, 3, 0.6), "Cedar": (8, 9, 0.45), "Oak, Ltd": (20, 22, 0.9)}
"""Wrong answers to the public and the private images, and the time ratio."""


def measured(
    public: Sequence[int], private: Sequence[int], *, ratio: float, seed: int, pace: Pace | None
) -> Report:
    """A report in which the figures follow from quads and answers."""
    quads = weathered(0.9, ratio, count=40, seed=seed)
    if pace is None:  # the reference against itself
        quads = [replace(one, submission_seconds=one.reference_seconds * 1.001) for one in quads]
    found = report()
    splits = {
        name: replace(
            found.splits[name],
            quality=metrics.quality(labels(len(given)), np.array(given), CLASSES).quality,
        )
        for name, given in (("public", public), ("private", private))
    }
    timing = publication.summary(measurement(*quads), PLAN, pace=pace, is_calibration=pace is None)
    return replace(found, splits=splits, timing=timing, quality_ref=splits["public"].quality)


def labels(images: int) -> np.ndarray:
    return np.repeat(np.arange(3), images // 3)


def answered(images: int, *, wrong: int, seed: int) -> list[int]:
    given = labels(images)
    given[np.random.default_rng(seed).permutation(images)[:wrong]] += 1
    return (given % 3).tolist()


def opened(draft: Competition, make_model: Callable[..., bytes], by: User) -> Competition:
    """The competition of the tests, calibrated by quads."""
    upload = ContentFile(make_model(seed=1000), name="reference.pt")
    references.set_reference(competition=draft, upload=upload, name="ResNet18-D", by=by)
    calibration = references.calibrate(competition=draft, by=by)
    public, private = (answered(one, wrong=6, seed=9) for one in (PUBLIC, PRIVATE))
    found = measured(public, private, ratio=1.0, seed=100, pace=None)
    finish(calibration, found, answers_of(public=public, private=private))
    draft.refresh_from_db()
    competitions.open_(competition=draft, by=by)
    return draft


def played(
    competition: Competition, submit: Callable[..., Submission], *, gate: float = 0.0
) -> dict[str, Evaluation]:
    """Each team's model, with a verdict."""
    found = {}
    for seed, (name, (public, private, ratio)) in enumerate(TEAMS.items(), start=1):
        team = Team.objects.filter(competition=competition, name=name).first()
        team = team or teams.create(competition=competition, name=name, by=person(name[:3].lower()))
        given = (
            answered(PUBLIC, wrong=public, seed=seed),
            answered(PRIVATE, wrong=private, seed=seed),
        )
        found[name] = sent(team, submit, given, ratio=ratio, seed=seed)
    return found


def sent(
    team: Team,
    submit: Callable[..., Submission],
    given: tuple[list[int], list[int]],
    *,
    ratio: float,
    seed: int,
) -> Evaluation:
    """A model with these answers to the public and the private images, and its verdict."""
    evaluation = submit(team, seed=seed).latest_evaluation
    pace = team.competition.calibration.timing.pace
    told = measured(*given, ratio=ratio, seed=seed, pace=pace)
    finish(evaluation, told, answers_of(public=given[0], private=given[1]))
    return evaluation


def published(competition: Competition, by: User) -> None:
    """Close and publish, compute the last ranges, and make the file."""
    competition.refresh_from_db()
    competitions.close(competition=competition, by=by)
    ranges.renew_all()
    competitions.publish(competition=competition, by=by)
    ranges.renew_all()
    snapshots.go_on(seconds=60)
    competition.refresh_from_db()
