"""Tensors in an ONNX file: number types, sizes by arithmetic, and the bytes that hold them."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from scoring.errors import Rejected
from scoring.formats.onnx import schema
from scoring.formats.onnx.wire import Buffer, Message, Span, damaged, integers, too_complex
from scoring.sentences import say

MAX_DIMENSIONS = 16
MAX_TYPED_BYTES = 64 << 20
"""Most bytes of numbers that are written one by one, as integers of any length."""
CONTINUES = bytes(range(128, 256))
"""Bytes that do not end an integer."""
ENDLESS = re.compile(rb"[\x80-\xff]{10}|[\x80-\xff]{9}[\x02-\x7f]")
"""An integer of more than 64 bits."""


@dataclass(frozen=True)
class NumberType:
    """One of ONNX's number types."""

    name: str
    bits: int
    field: str
    """Where numbers stand that are not in `raw_data`."""


TYPES = {
    1: NumberType("float32", 32, "float_data"),
    2: NumberType("uint8", 8, "int32_data"),
    3: NumberType("int8", 8, "int32_data"),
    4: NumberType("uint16", 16, "int32_data"),
    5: NumberType("int16", 16, "int32_data"),
    6: NumberType("int32", 32, "int32_data"),
    7: NumberType("int64", 64, "int64_data"),
    9: NumberType("bool", 8, "int32_data"),
    10: NumberType("float16", 16, "int32_data"),
    11: NumberType("float64", 64, "double_data"),
    16: NumberType("bfloat16", 16, "int32_data"),
}
"""By `TensorProto.DataType`. Strings, complex numbers, 8-bit floats and 4-bit integers are no part
of the table: no kernel of the CPU gains by them.
"""
FIELDS = ("raw_data", *dict.fromkeys(one.field for one in TYPES.values()), "uint64_data")


@dataclass(frozen=True)
class Tensor:
    """One tensor with data in the file."""

    name: str
    type: NumberType
    dims: tuple[int, ...]
    field: str
    """Which field holds the numbers."""
    spans: tuple[Span, ...]

    @property
    def elements(self) -> int:
        return math.prod(self.dims)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return self.elements * self.type.bits // 8

    def chunks(self, data: Buffer, size: int = 1 << 20) -> Iterator[bytes]:
        """The bytes that hold the numbers, piece by piece."""
        for span in self.spans:
            for start in range(span.start, span.end, size):
                yield data[start : min(start + size, span.end)]

    def numbers(self, data: Buffer) -> list[float]:
        """The values of a short tensor; empty for number types that never hold sizes."""
        if self.field == "raw_data":
            letter = {"int64": "q", "int32": "i", "float32": "f"}.get(self.type.name)
            if letter is None:
                return []
            return list(struct.unpack(f"<{self.elements}{letter}", b"".join(self.chunks(data))))
        if self.field == "float_data":
            return list(struct.unpack(f"<{self.elements}f", b"".join(self.chunks(data))))
        if self.field in ("int32_data", "int64_data"):
            return [value for span in self.spans for value in integers(data, span)]
        return []


def number_type(code: object) -> NumberType:
    """The number type of ONNX's code. Raises `Rejected`."""
    if isinstance(code, int) and code in TYPES:
        return TYPES[code]
    raise Rejected(
        "unsupported_feature",
        say(
            "The ONNX file uses the number type %(code)s, which is not accepted. Use one of "
            "%(types)s.",
            code=str(code),
            types=", ".join(one.name for one in TYPES.values()),
        ),
    )


def checked(message: Message, data: Buffer, limit: int) -> Tensor:
    """A tensor whose bytes are as long as its shape says. Raises `Rejected`.

    `limit`: bytes that it may take in memory.
    """
    name = message.get("name", "")
    if location := message.get("data_location", 0):
        raise schema.external() if location == 1 else damaged(say("A weight is missing."))
    type_ = number_type(message.get("data_type"))
    dims = tuple(message.get("dims", ()))
    refuse_size(ascii(name)[:60], dims, type_, limit)
    fields = [field for field in FIELDS if field in message]
    if len(fields) > 1 or (fields and fields[0] not in ("raw_data", type_.field)):
        raise damaged(say("The weight %(name)s has two kinds of numbers.", name=ascii(name)[:60]))
    field = fields[0] if fields else type_.field
    tensor = Tensor(name, type_, dims, field, tuple(message.get(field, ())))
    if held(tensor, data) != tensor.elements * (type_.bits // 8 if field == "raw_data" else 1):
        raise Rejected(
            "storage_mismatch",
            say(
                "The weight %(name)s has the shape %(shape)s of %(dtype)s, but its bytes are "
                "more or fewer. Export and upload the model again.",
                name=ascii(name)[:60],
                shape=shown(dims),
                dtype=type_.name,
            ),
        )
    return tensor


def held(tensor: Tensor, data: Buffer) -> int:
    """Bytes of raw data, or the count of numbers in another field. Raises `Rejected`."""
    size = sum(span.size for span in tensor.spans)
    if tensor.field == "raw_data":
        if len(tensor.spans) > 1:
            raise damaged(say("The field %(field)s is there twice.", field=tensor.field))
        return size
    if tensor.field in ("float_data", "double_data"):
        width = 4 if tensor.field == "float_data" else 8
        if any(span.size % width for span in tensor.spans):
            raise damaged(say("The field %(field)s is cut off.", field=tensor.field))
        return size // width
    if size > MAX_TYPED_BYTES:
        raise too_complex("bytes of numbers outside of raw_data", MAX_TYPED_BYTES)
    count = 0
    for span in tensor.spans:
        written = data[span.start : span.end]
        if written and written[-1] > 127:
            raise damaged(say("A number in the file does not end."))
        if ENDLESS.search(written):
            raise damaged(say("A number in the file does not end."))
        count += len(written.translate(None, CONTINUES))
    return count


def refuse_size(name: str, dims: tuple[int, ...], type_: NumberType, limit: int) -> None:
    """Raises `Rejected` (bad_shape) for a shape that no tensor has or that takes too much."""
    if len(dims) > MAX_DIMENSIONS or any(side < 0 for side in dims):
        raise Rejected(
            "bad_shape",
            say(
                "The value %(name)s has the shape %(shape)s, which is not possible for a "
                "tensor. Export the model again.",
                name=name,
                shape=shown(dims),
            ),
        )
    # A product of sizes that are not 0 must fit, too: kernels multiply them one by one.
    if math.prod(side for side in dims if side) * type_.bits // 8 > limit:
        raise Rejected(
            "bad_shape",
            say(
                "The value %(name)s has the shape %(shape)s of %(dtype)s, which takes more than "
                "%(limit)s bytes. Use smaller tensors.",
                name=name,
                shape=shown(dims),
                dtype=type_.name,
                limit=format(limit, ","),
            ),
        )


def shown(dims: tuple[int, ...]) -> str:
    """The first sizes of a shape, for a message."""
    more = ", …" if len(dims) > 8 else ""
    return f"({', '.join(map(str, dims[:8]))}{more})"
