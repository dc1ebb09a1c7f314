"""The versions of the scores: what each rescore changed, the board on both sides of it, and the
steps of teams between rescores."""

from __future__ import annotations

from dataclasses import dataclass

from scoring.dataclass_json import Json

MOST = 200
"""First rows of a board that are kept of each side of a rescore."""
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
    """What was measured by."""

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
    """formula, or measured: what counts was measured again."""
    before: Constants
    after: Constants
    terms_before: Terms | None
    """None where only the formula changed."""
    terms_after: Terms | None
    teams: int
    """Teams on the board."""
    boards: dict[str, tuple[Stood, ...]]
    """By side: the first `MOST` rows, in the order of the board."""


@dataclass(frozen=True)
class Step(Json):
    """A submission that stood on the public board from its upload on: it was better than all of
    its team before it, or the last one where the last one counts."""

    team: str
    submission: int
    at: str
    """Its upload."""
    score: float
    quality: float
    """In four decimals, as the board showed it."""
    time_ratio: float
    since: int
    """The version since which it was measured, as `Measured.since`."""


@dataclass(frozen=True)
class Stretch(Json):
    """The time of one version of the scores, with the figures that counted at its end."""

    version: int
    begin: str | None
    """When a rescore began it; None for the first version."""
    formula: Constants
    steps: tuple[Step, ...]
    """In upload order of each team."""
