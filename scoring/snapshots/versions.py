"""The versions of the scores: what each rescore changed, and the boards before and after it.

Between two rescores the steps of teams make the board of each moment.
"""

from __future__ import annotations

from dataclasses import dataclass

from scoring.dataclass_json import Json

MOST = 200
"""Most rows that are kept of a board before or after a rescore: the first ones."""
SIDES = ("before", "after")


@dataclass(frozen=True)
class Constants(Json):
    """The numbers of a formula."""

    time_weight: float
    k: float
    quality_ref: float
    min_quality: float
    only_real_gains: bool


@dataclass(frozen=True)
class Terms(Json):
    """The data, the reference and the machine of measurements."""

    data: str
    """SHA-256 of the dataset, as `Data.sha256`."""
    reference: str
    """SHA-256 of the reference's file."""
    profile: str
    """Slug of the kind of machine."""


@dataclass(frozen=True)
class Stood(Json):
    """A team's row on the public board just before a rescore, or just after it."""

    rank: int | None
    """None below the gate."""
    team: str
    submission: int
    score: float
    uploaded_at: str


@dataclass(frozen=True)
class Version(Json):
    """A rescore that was applied."""

    version: int
    """2 for the first rescore: the opening made version 1."""
    at: str
    why: str
    kind: str
    """`formula`: only the formula changed. `measured`: submissions were measured again."""
    before: Constants
    after: Constants
    terms_before: Terms | None
    """None if only the formula changed."""
    terms_after: Terms | None
    teams: int
    """Teams on the board."""
    boards: dict[str, tuple[Stood, ...]]
    """The first `MOST` rows before and after, by `SIDES`, in the order of the board."""


@dataclass(frozen=True)
class Step(Json):
    """A submission that became its team's counting one at its upload.

    It was better than all earlier submissions of its team. If the last submission counts, each
    scored one is a step.
    """

    team: str
    submission: int
    at: str
    """When it was uploaded."""
    score: float
    quality: float
    """In four decimals, as the board showed it."""
    time_ratio: float
    since: int
    """The version since which it was measured, as `Measured.since`."""


@dataclass(frozen=True)
class Stretch(Json):
    """The time between two rescores, which has one version of the scores.

    Its steps have the figures that counted at its end.
    """

    version: int
    begin: str | None
    """When the rescore was applied; None for the first version."""
    formula: Constants
    steps: tuple[Step, ...]
    """For each team in the order of uploads."""
