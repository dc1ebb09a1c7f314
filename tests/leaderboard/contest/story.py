"""An invented contest of 14 days: uploads, answers of models to hidden images, and seconds of
quads.

NumPy makes all of it. Nothing here knows the service.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt

TEAMS, UPLOADS, COPIES, FAILURES, LATE, DAYS = 50, 300, 8, 12, 6, 14
CLASSES = 3
IMAGES = {"public": 48, "private": 72}
QUADS, SEGMENTS = 20, 5
RESCORED, MERGED, DISQUALIFIED, BANNED, FROZEN, WITHDRAWN, SELECTED = (
    timedelta(days=one) for one in (7, 8, 9, 10, 10.5, 11, 13)
)
"""The public board stands still from `FROZEN` to the publication."""
END = timedelta(days=DAYS)
LATE_UNTIL = END + timedelta(hours=12)
FIRST = {"time_weight": 0.5, "k": 20.0, "min_quality": 0.35}
"""The formula of the opening."""
SECOND = {"time_weight": 0.35, "k": 16.0, "min_quality": 0.45}
"""The formula of the rescore."""
SELECTING = tuple(range(0, TEAMS, 3))
"""Teams that select their first two scored submissions."""
WITHDRAWING = 20
"""The team that withdraws its first scored submission, which then stands on the board."""
CALLED = (WITHDRAWING, 9, 47)
"""Teams that have an address called at each new rank and verdict from the freeze on."""
MERGING = (10, 11)
"""The second team joins the first one."""
FINALS = 2

Whole = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """The result of measuring a model: an answer for each image, and the seconds of each quad."""

    answers: dict[str, Whole]
    reference_seconds: Floats
    submission_seconds: Floats


@dataclass(frozen=True)
class Upload:
    """One file that a team sends; `at` counts from the opening."""

    number: int
    team: int
    model: int
    at: timedelta
    fails: bool

    @property
    def is_late(self) -> bool:
        return self.at >= END


def labels(split: str) -> Whole:
    """The classes of a split's images, in the order of the archive."""
    return np.repeat(np.arange(CLASSES), IMAGES[split] // CLASSES)


def segments() -> list[int]:
    return [one * SEGMENTS // QUADS for one in range(QUADS)]


@lru_cache(maxsize=1)
def uploads() -> tuple[Upload, ...]:
    """All uploads in the order of their time. The copies are of an earlier model of another
    team."""
    random = np.random.default_rng(14)
    in_time = UPLOADS - LATE
    # Each team sends six times, at most once in two days.
    each = UPLOADS // TEAMS
    days = np.concatenate([random.permutation(DAYS // 2)[:each] for _ in range(TEAMS)]) * 2.0
    moments = days + random.uniform(0.01, 1.99, UPLOADS)
    late = random.choice(TEAMS, LATE, replace=False) * each
    moments[late] = DAYS + random.uniform(0.01, 0.4, LATE)
    teams = np.repeat(np.arange(TEAMS), each)
    order = np.argsort(moments)
    copied = set(random.choice(np.arange(60, in_time), COPIES, replace=False).tolist())
    chosen = [one for one in range(UPLOADS) if one not in copied]
    failing = set(random.choice(chosen, FAILURES, replace=False).tolist())
    found: list[Upload] = []
    for number, place in enumerate(order.tolist()):
        team = int(teams[place])
        model = number
        if number in copied:
            others = [one for one in found if one.team != team and not one.fails]
            model = others[int(random.integers(len(others)))].model
        at = timedelta(days=float(moments[place]))
        found.append(Upload(number, team, model, at, number in failing))
    return tuple(found)


@lru_cache(maxsize=512)
def model(number: int) -> Model:
    """A model by its number; -1 is the reference."""
    random = np.random.default_rng([2026, number + 1])
    skill, speed = 0.7, 1.0
    if number >= 0:
        team = uploads()[number].team
        skill = float(
            np.clip(0.3 + 0.6 * (team * 7 % TEAMS) / TEAMS + random.normal(0, 0.08), 0.1, 0.95)
        )
        speed = float(np.exp(random.normal(-0.3, 0.5)))
    given = {}
    for split in IMAGES:
        truth = labels(split)
        wrong = random.random(len(truth)) > skill
        given[split] = np.where(wrong, (truth + random.integers(1, CLASSES, len(truth))) % 3, truth)
    weather = np.repeat(random.normal(0, 0.01, SEGMENTS), QUADS // SEGMENTS)
    reference = 0.2 * np.exp(random.normal(0, 0.02, QUADS))
    submission = 0.2 * speed * np.exp(weather + random.normal(0, 0.02, QUADS))
    return Model(given, reference, submission)
