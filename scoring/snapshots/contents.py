"""What a snapshot holds. Only the private board holds figures of the private split."""

from __future__ import annotations

import base64
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scoring.dataclass_json import Json, names_of
from scoring.snapshots.versions import Stretch, Version
from scoring.specs import Formula
from scoring.timing.host import BETWEEN_RUNS_SD
from scoring.timings import Pace, Quad

FORMAT = 1
"""Raised when a field changes its meaning."""
QUAD_COLUMNS = names_of(Quad)
BOARDS = ("public", "private")
QUALITY_SLACK = 5.1e-5
"""A quality in four decimals is off by 5e-5 at most."""
ONE_BYTE = 256
"""Most classes whose numbers fit into one byte."""


@dataclass(frozen=True)
class Row(Json):
    """A team's line on a board, in the board's order."""

    rank: int | None
    """None below the gate."""
    team: str
    submission: int
    evaluation: int
    score: float
    """In six decimals. Lower is better."""
    score_half_width: float
    quality: float
    """On the split of the board."""
    time_ratio: float
    uploaded_at: str
    is_tied: bool
    """Whether the clock cannot tell the row from the row above."""
    likely_first: int | None = None
    """The first and the last rank of the range, on the public board."""
    likely_last: int | None = None
    public_rank: int | None = None
    """On the private board."""
    verification: str = ""
    """On the private board: the state of the team's verification, if one was asked for."""
    tracks: tuple[str, ...] = ()
    """The slugs of the tracks on whose board the team stands, too."""

    @property
    def is_out(self) -> bool:
        """Whether the verification took the rank. The row stays on the board."""
        return self.verification in ("refused", "missed", "withdrawn")


@dataclass(frozen=True)
class Measured(Json):
    """An evaluation that a row names, or the calibration: model, machine and time."""

    evaluation: int
    file_sha256: str
    content_sha256: str
    """The hash of all that decides the answers; empty for the reference."""
    format: str
    number_type: str
    time_ratio: float
    """As published: four decimals, two digits below 0.01."""
    half_width: float
    """Of its 95 % interval, two digits, rounded up."""
    finished_at: str | None
    structure: str = ""
    """The fingerprint of its network, if that is the reference's and a track asks for it."""
    since: int = 1
    """The version of the scores by whose data, reference and machine it was measured: the last
    rescore that measured again; else 1."""
    estimator: str = ""
    """Which ratio is published: plain or corrected. Empty without quads."""
    between_runs_sd: float = BETWEEN_RUNS_SD
    """Standard deviation of log ratios between evaluations, on the host that measured it."""
    answers: str | None = None
    """The key of its answers in `Answers.models`."""
    machine: int | None = None
    """The place of its machine in `Contents.machines`."""
    versions: dict[str, str] = field(default_factory=dict)
    quads: tuple[tuple[float, ...], ...] = ()
    """All quads that are pooled in the time, each in the order of `Contents.quad_columns`."""


@dataclass(frozen=True)
class Split(Json):
    """A hidden split: the hash of its archive, and its number of images."""

    sha256: str
    images: int


@dataclass(frozen=True)
class Data(Json):
    name: str
    sha256: str
    """Of the three splits together."""
    splits: dict[str, Split]


@dataclass(frozen=True)
class Landed(Json):
    """How many teams have their private rank within the range of their public rank."""

    inside: int
    teams: int


@dataclass(frozen=True)
class Answers(Json):
    """Numbers of classes as base 64, in the order of the images in the archive of the split.

    One byte for each image; above 256 classes two bytes, the low one first.
    """

    labels: dict[str, str]
    """By split."""
    models: dict[str, dict[str, str]]
    """By `Measured.answers`, then by split. A split is left out if the model is not on its
    board."""


@dataclass(frozen=True)
class Track(Json):
    """A track and its conditions. Its boards are `public.SLUG` and `private.SLUG`."""

    slug: str
    title: str
    formats: tuple[str, ...]
    """Empty: all formats. The same holds for `number_types`."""
    number_types: tuple[str, ...]
    max_parameters: int | None
    max_bytes: int | None
    """Of the model file."""
    declared: bool
    """Whether a team declares that it belongs here."""
    reference_network: bool = False
    """Whether only the reference's network belongs here, with whatever weights."""


@dataclass(frozen=True)
class About(Json):
    """The competition."""

    slug: str
    title: str
    address: str
    state: str
    published_at: str | None
    final_selections: int
    only_real_gains: bool
    rules_sha256: str
    tracks: tuple[Track, ...] = ()
    last_counts: bool = False
    """Whether a team's last submission counts on the public board, not its best."""


@dataclass(frozen=True)
class Contents(Json):
    """All that a result was made of."""

    format: int
    competition: About
    made_at: str
    is_final: bool
    """Whether the private board was published. If not, this is a draft for organizers, or
    provisional."""
    formula: Formula
    classes: tuple[str, ...]
    data: Data
    profile: dict[str, Any]
    """The kind of machine, and its plan of the measuring."""
    reference: Measured
    """The calibration: the reference model against itself."""
    pace: Pace | None
    """Of the calibration. All corrected ratios are read at it."""
    boards: dict[str, tuple[Row, ...]]
    """By name: `BOARDS`, and two boards of each track."""
    evaluations: tuple[Measured, ...]
    machines: tuple[dict[str, Any], ...]
    history: tuple[Version, ...] = ()
    """The rescores, the first one first."""
    steps: tuple[Stretch, ...] = ()
    """For each version of the scores: what a public board of its time is made of."""
    landed: Landed | None = None
    answers: Answers | None = None
    """None if the organizers do not release them."""
    quad_columns: tuple[str, ...] = QUAD_COLUMNS
    service: str = ""
    """Version of the service that made the snapshot."""
    is_provisional: bool = False
    """Whether the snapshot is for everybody before the publication. Then it holds the public board
    alone, qualities in four decimals, no quads and no answers."""

    @property
    def quality_slack(self) -> float:
        """How far rounding may move a quality."""
        return QUALITY_SLACK if self.is_provisional else 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all boards: first the two whole ones, then those of tracks."""
        return *BOARDS, *sorted(set(self.boards) - set(BOARDS))

    @property
    def since(self) -> int:
        """The version from which on the present data, reference and machine measure."""
        return self.measured_since(len(self.history) + 1)

    def measured_since(self, version: int) -> int:
        """The latest version, up to the given one, whose rescore measured again; else 1.

        What counts at `version` was measured by the data, reference and machine of this one.
        """
        known = (one.version for one in self.history if one.terms_after)
        return max((one for one in known if one <= version), default=1)

    @property
    def measured(self) -> Mapping[int, Measured]:
        return {one.evaluation: one for one in self.evaluations}


def split_of(board: str) -> str:
    """The split of a board. It is also the name of the whole board of that split."""
    return board.partition(".")[0]


def packed(classes: Sequence[int], count: int) -> str:
    """Numbers of classes as text. `count`: how many classes there are."""
    if count <= ONE_BYTE:
        return text_of(bytes(classes))
    return text_of(b"".join(one.to_bytes(2, "little") for one in classes))


def text_of(data: bytes) -> str:
    """Bytes as base 64."""
    return base64.b64encode(data).decode()


def unpacked(text: str, count: int) -> Sequence[int]:
    """The inverse of `packed`. Raises `ValueError` for text that is no base 64."""
    data = base64.b64decode(text, validate=True)
    if count <= ONE_BYTE:
        return data
    numbers = array("H", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def row_of(quad: Quad) -> tuple[Any, ...]:
    """The values of a quad in the order of `QUAD_COLUMNS`."""
    return tuple(getattr(quad, name) for name in QUAD_COLUMNS)


def quads_of(measured: Measured, columns: Sequence[str]) -> tuple[Quad, ...]:
    """The quads of an evaluation. Raises `ValueError` for a column that a quad does not have."""
    return tuple(
        Quad.from_json(dict(zip(columns, values, strict=True))) for values in measured.quads
    )


def landed(boards: Mapping[str, Sequence[Row]]) -> Landed | None:
    """How many private ranks are within the range of the public rank; None if no team has a
    range."""
    ranges = {
        row.team: (row.likely_first, row.likely_last)
        for row in boards["public"]
        if row.likely_first is not None and row.likely_last is not None
    }
    held = [
        first <= row.rank <= last
        for row in boards["private"]
        if row.rank is not None
        for first, last in [ranges.get(row.team, (None, None))]
        if first is not None and last is not None
    ]
    return Landed(sum(held), len(held)) if held else None
