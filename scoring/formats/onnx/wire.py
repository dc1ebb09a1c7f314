"""Protocol Buffers' wire format, read with bounds, so that two readers cannot understand a file
differently.

Standard library only. The whole file is described by a schema of messages without recursion, so the
depth is bounded by the schema. A file is refused wherever two readers could understand it
differently: unknown fields, groups, wrong wire types, a single field that stands twice.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from scoring.errors import Rejected
from scoring.sentences import Sentence, say

Kind = Literal["int", "float", "double", "text", "bytes", "ints", "floats", "data", "message"]
"""int, float, double: one number. text, bytes: one string. ints, floats: a list of numbers.

data: a list of numbers whose bytes stay where they are. message: one nested message.
"""
Buffer = bytes | mmap.mmap

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""Wire types. The types 3 and 4, groups, are never written by ONNX."""
WIRE: dict[Kind, int] = {
    "int": VARINT,
    "ints": VARINT,
    "float": FIXED32,
    "floats": FIXED32,
    "double": FIXED64,
    "text": LENGTH,
    "bytes": LENGTH,
    "message": LENGTH,
}
WIDTH = {FIXED64: 8, FIXED32: 4}
MAX_FIELDS = 2_000_000
MAX_LIST = 4_096
"""Numbers of one list that is no tensor's data: paddings, axes and their like."""
MAX_TEXT_BYTES = 256 << 10
"""Most bytes of one text. torch writes whole stack traces."""
MAX_TEXTS_BYTES = 128 << 20
"""Most bytes of all texts together."""
EXPORT_AGAIN = say(
    "Export the model again with torch.onnx.export, and upload the file without changes."
)


@dataclass(frozen=True)
class Span:
    """Bytes of the file, from `start` to before `end`."""

    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(frozen=True)
class Field:
    """One field of a message."""

    name: str
    kind: Kind
    of: str = ""
    """The name of the nested message."""
    is_repeated: bool = False
    wire: int = VARINT
    """Of `data`: how one number of it is written."""
    refusal: Callable[[], Rejected] | None = None
    """What refuses a file with this field."""


Schema = Mapping[str, Mapping[int, Field]]
Message = dict[str, Any]
"""Values by names of fields: a list for repeated fields, else one value. Absent fields are absent.

Of data the value is a list of `Span`.
"""


@dataclass
class Reader:
    """One file. All its messages count against the same bounds."""

    data: Buffer
    schema: Schema
    fields_left: int = MAX_FIELDS
    text_left: int = MAX_TEXTS_BYTES
    counts: dict[str, int] = field(default_factory=dict)
    """How many messages of each kind were read."""
    limits: Mapping[str, int] = field(default_factory=dict)
    """How many there may be; kinds that are not named are bounded by the number of fields."""

    def message(self, kind: str, span: Span) -> Message:
        """The message of the schema's `kind` in `span`. Raises `Rejected`."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        if self.counts[kind] > self.limits.get(kind, MAX_FIELDS):
            raise too_complex(kind, self.limits[kind])
        found: Message = {}
        at, fields = span.start, self.schema[kind]
        while at < span.end:
            tag, at = varint(self.data, at, span.end)
            one = fields.get(tag >> 3)
            if one is None:
                raise Rejected(
                    "unknown_field",
                    say(
                        "The ONNX file has the field %(number)s in a message %(kind)s, which "
                        "this site does not know.",
                        number=tag >> 3,
                        kind=kind,
                    ),
                    EXPORT_AGAIN,
                )
            if one.refusal:
                raise one.refusal()
            at = self.take(found, one, tag & 7, Span(at, span.end))
        return found

    def take(self, found: Message, field_: Field, wire: int, rest: Span) -> int:
        """Put the value at the start of `rest` into `found`; return where the next field begins."""
        self.fields_left -= 1
        if self.fields_left < 0:
            raise too_complex("fields", MAX_FIELDS)
        is_list = field_.is_repeated or field_.kind in ("ints", "floats", "data")
        if field_.name in found and not is_list:
            raise damaged(say("The field %(field)s is there twice.", field=field_.name))
        value_span = self.extent(field_, wire, rest)
        if field_.kind == "data":
            found.setdefault(field_.name, []).append(value_span)
        elif field_.kind in ("ints", "floats"):
            values = found.setdefault(field_.name, [])
            values += self.numbers(field_, value_span)
            if len(values) > MAX_LIST:
                raise too_complex("numbers in one list", MAX_LIST)
        elif field_.is_repeated:
            found.setdefault(field_.name, []).append(self.value(field_, value_span))
        else:
            found[field_.name] = self.value(field_, value_span)
        return value_span.end

    def extent(self, field_: Field, wire: int, rest: Span) -> Span:
        """Where the value's bytes lie. Raises `Rejected` for a wrong wire type or length."""
        own = field_.wire if field_.kind == "data" else WIRE[field_.kind]
        if wire == LENGTH and (own == LENGTH or field_.kind in ("ints", "floats", "data")):
            size, start = varint(self.data, rest.start, rest.end)
            end = start + size
        elif wire != own:
            raise damaged(say("The field %(field)s has a wrong type.", field=field_.name))
        elif wire == VARINT:
            start = rest.start
            _, end = varint(self.data, start, rest.end)
        else:
            start, end = rest.start, rest.start + WIDTH[wire]
        if end > rest.end:
            raise damaged(say("The field %(field)s is cut off.", field=field_.name))
        return Span(start, end)

    def value(self, field_: Field, span: Span) -> Any:
        """One value that is no list of numbers."""
        if field_.kind == "message":
            return self.message(field_.of, span)
        if field_.kind == "int":
            return signed(varint(self.data, span.start, span.end)[0])
        if field_.kind in ("float", "double"):
            return self.data[span.start : span.end]
        if span.size > MAX_TEXT_BYTES:
            raise too_complex("bytes in one text", MAX_TEXT_BYTES)
        self.text_left -= span.size
        if self.text_left < 0:
            raise too_complex("bytes in texts", MAX_TEXTS_BYTES)
        raw = self.data[span.start : span.end]
        if field_.kind == "bytes":
            return raw
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise damaged(say("The field %(field)s is not text.", field=field_.name)) from error

    def numbers(self, field_: Field, span: Span) -> list[Any]:
        """Numbers of a list: integers, or the 4 bytes of each float."""
        if span.size > 10 * MAX_LIST:
            raise too_complex("numbers in one list", MAX_LIST)
        if field_.kind == "ints":
            return list(integers(self.data, span))
        if span.size % 4:
            raise damaged(say("The field %(field)s is cut off.", field=field_.name))
        return [self.data[at : at + 4] for at in range(span.start, span.end, 4)]


def varint(data: Buffer, at: int, end: int) -> tuple[int, int]:
    """The unsigned number at `at`, below 2^64, and where it ends. Raises `Rejected`."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value >> 64:
                break
            return value, at
        shift += 7
    raise damaged(say("A number in the file does not end."))


def integers(data: Buffer, span: Span) -> Iterator[int]:
    """Signed numbers that stand one after the other."""
    at = span.start
    while at < span.end:
        value, at = varint(data, at, span.end)
        yield signed(value)


def signed(value: int) -> int:
    """A number of 64 bits as two's complement."""
    return value - (1 << 64) if value >> 63 else value


def damaged(what: Sentence) -> Rejected:
    """The refusal of a file that is not as ONNX writes it."""
    return Rejected("bad_onnx", say("The ONNX file is damaged."), what, EXPORT_AGAIN)


def too_complex(what: str, most: int) -> Rejected:
    """The refusal of a file with more than `most` of something. `what`: a fact, not translated."""
    return Rejected(
        "too_complex",
        say(
            "The ONNX file contains too much: more than %(most)s (%(what)s). Export a "
            "smaller model.",
            most=format(most, ","),
            what=what,
        ),
    )
