"""The rows of a competition for programs of organizers, with private figures: as CSV, JSON or
Parquet.

Rows are read in parts and sent in parts, so that any number of them takes the same memory.
"""

from __future__ import annotations

import importlib.util
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db import models
from django.db.models.functions import RowNumber
from django.utils.translation import gettext

from leaderboard import spreadsheets
from leaderboard.errors import Conflict, NotFound
from leaderboard.models import Competition, Entry, Evaluation, Submission, Team, User
from leaderboard.services import audit, organizers, rankings, tracks

Row = tuple[Any, ...]
CHUNK = 1000
"""Rows that are read together, and rows of a group in Parquet."""
PIECE = 100
"""Rows that are sent together."""


@dataclass(frozen=True)
class Kind:
    """One kind of export: the names of its columns, and the fields that they are read from."""

    name: str
    model: type[models.Model]
    columns: dict[str, str | models.Expression]
    order: tuple[str, ...] = ("pk",)

    def rows(self, competition: Competition) -> Iterator[Row]:
        found = self.model._default_manager.filter(competition=competition).order_by(*self.order)
        if self.model is Entry and not competition.is_published:
            # The private board may be half prepared. The page of the result shows it.
            found = found.filter(board__in=tracks.boards(competition, Entry.Board.PUBLIC))
        # The names of computed columns may be those of fields.
        computed = {
            f"column_{name}": one for name, one in self.columns.items() if not isinstance(one, str)
        }
        read = [
            one if isinstance(one, str) else f"column_{name}" for name, one in self.columns.items()
        ]
        rows: Iterator[Row] = (
            found.annotate(**computed).values_list(*read).iterator(chunk_size=CHUNK)
        )
        return rows


class Joined(models.Aggregate):
    """An aggregate: the texts of a group in one cell."""

    function = "STRING_AGG"
    template = "%(function)s(%(expressions)s, ', ' ORDER BY %(expressions)s)"
    output_field = models.TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "%(function)s(%(expressions)s, ', ')"
        return self.as_sql(compiler, connection, function="GROUP_CONCAT", template=template, **more)


PLACE = models.Window(
    RowNumber(),
    partition_by=["board"],
    order_by=[models.F("is_ranked").desc(), *rankings.ORDER],
)
RANK = models.Case(
    models.When(is_ranked=True, then=PLACE), output_field=models.IntegerField(null=True)
)
KINDS = {
    one.name: one
    for one in (
        Kind(
            "submissions",
            Submission,
            {
                "submission": "pk",
                "team_id": "team_id",
                "team": "team__name",
                "uploaded_by": "uploaded_by__username",
                "uploaded_at": "uploaded_at",
                "door": "door",
                "file_name": "file_name",
                "size_bytes": "size_bytes",
                "sha256": "sha256",
                "content_sha256": "content_sha256",
                "format": "format",
                "number_type": "number_type",
                "parameters": "parameters",
                "note": "note",
                "branch": "branch",
                "selected_at": "selected_at",
                "withdrawn_at": "withdrawn_at",
                "disqualified_at": "disqualified_at",
                "disqualified_reason": "disqualified_reason",
                "reinstated_reason": "reinstated_reason",
            },
        ),
        Kind(
            "teams",
            Team,
            {
                "team_id": "pk",
                "team": "name",
                "created_at": "created_at",
                "members": Joined("memberships__user__username"),
                "submissions": "sent",
                "last_sent_at": "last_sent_at",
            },
        ),
        Kind(
            "boards",
            Entry,
            {
                "board": "board",
                "team_id": "team_id",
                "team": "team__name",
                "rank": RANK,
                "is_ranked": "is_ranked",
                "verification": "team__verification__state",
                "score": "score",
                "score_half_width": "score_half_width",
                "quality": "quality",
                "time_ratio": "time_ratio",
                "submission": "submission_id",
                "evaluation": "evaluation_id",
                "uploaded_at": "uploaded_at",
                "public_rank": "public_rank",
            },
            ("board", "-is_ranked", *rankings.ORDER),
        ),
        Kind(
            "measurements",
            Evaluation,
            {
                "evaluation": "pk",
                "kind": "kind",
                "submission": "submission_id",
                "team_id": "team_id",
                "state": "state",
                "why": "why",
                "counts": "counts",
                "attempt": "attempt",
                "worker": "worker__name",
                "queued_at": "queued_at",
                "claimed_at": "claimed_at",
                "finished_at": "finished_at",
                "quality_public": "quality_public",
                "quality_private": "quality_private",
                "time_ratio": "time_ratio",
                "half_width": "half_width",
                "submission_seconds": "submission_seconds",
                "reference_seconds": "reference_seconds",
                "score_public": "score_public",
                "score_private": "score_private",
                "measurements": "measurements",
                "failure_code": "failure_code",
                "error_code": "error_code",
            },
        ),
    )
}
"""By the name in addresses and commands."""
FORMS = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
}
"""The kinds of files, with their media types."""


@dataclass(frozen=True)
class Export:
    """A file in parts."""

    file_name: str
    media_type: str
    parts: Iterator[bytes]


def export(*, competition: Competition, kind: str, form: str, by: User | None) -> Export:
    """Rows of a competition as a file; `by` None is the operator at the console.

    Raises `NotAllowed`, `NotFound`, `Conflict` (no_parquet).
    """
    if by is not None:
        organizers.check_organizer(by, competition)
    if kind not in KINDS or form not in FORMS:
        facts = {"kinds": ", ".join(KINDS), "forms": ", ".join(FORMS)}
        sentence = gettext("There are exports of %(kinds)s, each as one of %(forms)s.")
        raise NotFound(sentence % facts, code="unknown_export")
    if form == "parquet" and importlib.util.find_spec("pyarrow") is None:
        sentence = gettext(
            "Parquet needs pyarrow, which is not installed here. Use CSV or JSON, or ask the "
            'operator to install "featherweight[parquet]".'
        )
        raise Conflict(sentence, code="no_parquet")
    rows = {"rows": f"{kind}.{form}"}
    audit.record(audit.Act.ROWS_EXPORTED, competition, by=by or audit.CONSOLE, after=rows)
    one = KINDS[kind]
    parts = {"csv": as_csv, "json": as_json, "parquet": as_parquet}[form]
    made = parts(one, one.rows(competition))
    return Export(f"{competition.slug}-{kind}.{form}", FORMS[form], made)


def as_csv(kind: Kind, rows: Iterable[Row]) -> Iterator[bytes]:
    """CSV that is safe to open in a spreadsheet: no cell is read as a formula."""
    lines = spreadsheets.lines(kind.columns, ([plain(one) for one in row] for row in rows))
    while some := "".join(islice(lines, PIECE)):
        yield some.encode()


def as_json(kind: Kind, rows: Iterable[Row]) -> Iterator[bytes]:
    """A JSON list of objects, one on each line."""
    mark = "[\n"
    rows = iter(rows)
    while some := list(islice(rows, PIECE)):
        told = [
            json.dumps(dict(zip(kind.columns, map(plain, row), strict=True)), ensure_ascii=False)
            for row in some
        ]
        yield (mark + ",\n".join(told)).encode()
        mark = ",\n"
    yield b"[]\n" if mark == "[\n" else b"\n]\n"


def as_parquet(kind: Kind, rows: Iterable[Row]) -> Iterator[bytes]:
    """One Parquet file with a group of rows for each `CHUNK`. Nothing is sent before it is
    whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, arrow_type(kind, name)) for name in kind.columns])
    rows = iter(rows)
    with tempfile.TemporaryFile(prefix="featherweight-") as target:
        with pq.ParquetWriter(target, schema) as writer:
            while some := list(islice(rows, CHUNK)):
                columns = [list(map(number, column)) for column in zip(*some, strict=True)]
                writer.write_table(pa.table(columns, schema=schema))
        target.seek(0)
        while part := target.read(1 << 16):
            yield part


def arrow_type(kind: Kind, name: str) -> Any:
    """The type of a column in Parquet, from that of its field."""
    import pyarrow as pa

    field: Any = None
    model: Any = kind.model
    column = kind.columns[name]
    for part in column.split("__") if isinstance(column, str) else ():
        field = model._meta.pk if part == "pk" else model._meta.get_field(part)
        model = field.related_model
    if not isinstance(column, str):
        field = column.output_field
    if isinstance(field, models.BooleanField):
        return pa.bool_()
    if isinstance(field, models.DateTimeField):
        return pa.timestamp("us", tz="UTC")
    if isinstance(field, models.FloatField | models.DecimalField):
        return pa.float64()
    if isinstance(field, models.IntegerField | models.ForeignKey):
        return pa.int64()
    return pa.string()


def plain(value: Any) -> Any:
    """A value as text and JSON have it."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return number(value)


def number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
