"""Small ONNX files written by hand: for the sandbox's self-test, its rehearsal and tests.

Standard library only. Nothing is checked, so that files can be written that the gate refuses.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

FLOAT, INT64 = 1, 7
"""Number types of `TensorProto.DataType`."""


def varint(value: int) -> bytes:
    """An integer; a negative one as 64 bits of two's complement."""
    value &= (1 << 64) - 1
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes((*parts, value))


def field(number: int, value: int | str | bytes) -> bytes:
    """One field of a message: an integer, or a text or nested message with its length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def tensor(name: str, dims: Sequence[int], data: bytes, number_type: int = FLOAT) -> bytes:
    """A `TensorProto` with its numbers in `raw_data`."""
    sizes = b"".join(field(1, side) for side in dims)
    return sizes + field(2, number_type) + field(8, name) + field(9, data)


def floats(*values: float) -> bytes:
    """Numbers as float32, the lowest byte first."""
    return struct.pack(f"<{len(values)}f", *values)


def external(name: str, dims: Sequence[int], location: str, offset: int = 0) -> bytes:
    """A `TensorProto` whose numbers stand in another file."""
    sizes = b"".join(field(1, side) for side in dims)
    entries = {"location": location, "offset": str(offset)}
    outside = b"".join(field(13, entry(key, value)) for key, value in entries.items())
    return sizes + field(2, FLOAT) + field(8, name) + outside + field(14, 1)


def entry(key: str, value: str) -> bytes:
    """A `StringStringEntryProto`."""
    return field(1, key) + field(2, value)


def attribute(name: str, value: int | Sequence[int] | bytes) -> bytes:
    """An `AttributeProto`: an integer, integers or a tensor."""
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    if isinstance(value, bytes):
        return field(1, name) + field(5, value) + field(20, 4)
    return field(1, name) + b"".join(field(8, one) for one in value) + field(20, 7)


def node(
    operator: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *attributes: bytes,
    domain: str = "",
) -> bytes:
    """A `NodeProto`. `attributes` are made by `attribute`."""
    edges = [field(1, name) for name in inputs] + [field(2, name) for name in outputs]
    own = [field(5, one) for one in attributes] + ([field(7, domain)] if domain else [])
    return b"".join([*edges, field(4, operator), *own])


def value(name: str, dims: Sequence[int | str], number_type: int = FLOAT) -> bytes:
    """A `ValueInfoProto`; a side that is a text is free."""
    sides = [field(1, field(1 if isinstance(side, int) else 2, side)) for side in dims]
    return field(1, name) + field(2, field(1, field(1, number_type) + field(2, b"".join(sides))))


def graph(
    nodes: Sequence[bytes],
    weights: Sequence[bytes] = (),
    *,
    takes: bytes,
    gives: Sequence[bytes],
    more: bytes = b"",
) -> bytes:
    """A `GraphProto`. `more`: fields that follow the others."""
    parts = [field(1, one) for one in nodes] + [field(2, "graph")]
    parts += [field(5, one) for one in weights] + [field(11, takes)]
    return b"".join(parts + [field(12, one) for one in gives]) + more


def model(graph_: bytes, *, opset: int = 17, ir_version: int = 8, more: bytes = b"") -> bytes:
    """A whole file. `more`: fields that follow the others."""
    head = field(1, ir_version) + field(2, "featherweight") + field(7, graph_)
    return head + field(8, field(1, "") + field(2, opset)) + more
