"""Damaged ONNX files for `benchmarks.fuzz --format onnx`: fields changed at any depth.

A file is taken apart by the gate's own schema, changed, and written again, so that lengths fit and
the change reaches the graph. Some files are damaged as bytes, too.
"""

from __future__ import annotations

import contextlib
import io
import random
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.damage import Mutation, cut_file, flip_file, flipped
from scoring.formats.onnx.operators import ALLOWED
from scoring.formats.onnx.schema import SCHEMA
from scoring.formats.onnx.wire import FIXED32, FIXED64, LENGTH, VARINT, varint
from scoring.formats.onnx.writing import varint as written_varint

OPSETS = (11, 13, 17, 20)
OPERATORS = (
    *sorted(ALLOWED),
    *("Loop", "If", "Scan", "NonMaxSuppression", "RoiAlign", "MaxUnpool", "ScatterND", "OneHot"),
    *("Unique", "Compress", "LSTM", "GRU", "Col2Im", "GridSample", "SequenceInsert", "Own", ""),
)
ODD_NUMBERS: tuple[int, ...] = (
    *(-(1 << 63), -(1 << 31), -1, 0, 1, 2, 3, 7, 8, 255, 1 << 16, 1 << 31, 1 << 40),
    *((1 << 62) + 1, (1 << 63) - 1),
)


@dataclass
class Node:
    """One field: its number, its wire type, and its bytes or nested fields."""

    number: int
    wire: int
    body: Any
    """An integer, bytes, or a list of nodes."""
    kind: str
    """Of the message that holds the field."""
    name: str


def parsed(data: bytes, kind: str = "Model") -> list[Node]:
    """The fields of a message of the schema's `kind`."""
    found, at = [], 0
    while at < len(data):
        tag, at = varint(data, at, len(data))
        number, wire = tag >> 3, tag & 7
        field = SCHEMA[kind][number]
        body: Any
        if wire == VARINT:
            body, at = varint(data, at, len(data))
        else:
            size = {FIXED64: 8, FIXED32: 4}.get(wire)
            if size is None:
                size, at = varint(data, at, len(data))
            body, at = data[at : at + size], at + size
            if field.kind == "message":
                body = parsed(body, field.of)
        found.append(Node(number, wire, body, kind, field.name))
    return found


def written(nodes: list[Node]) -> bytes:
    """The inverse of `parsed`."""
    parts = []
    for node in nodes:
        parts.append(written_varint(node.number << 3 | node.wire))
        if node.wire == VARINT:
            parts.append(written_varint(node.body))
            continue
        body = written(node.body) if isinstance(node.body, list) else node.body
        parts += [written_varint(len(body)), body] if node.wire == LENGTH else [body]
    return b"".join(parts)


def places(nodes: list[Node]) -> Iterator[tuple[list[Node], int]]:
    """Every field at every depth: the list that holds it, and its index there."""
    for at, node in enumerate(nodes):
        yield nodes, at
        if isinstance(node.body, list):
            yield from places(node.body)


def changed(
    change: Callable[[random.Random, list[Node], int, list[bytes]], None],
    chosen: Callable[[Node], bool] = lambda node: True,
) -> Mutation:
    """A mutation of one to four fields, of those that are chosen."""

    def mutate(chance: random.Random, data: bytes, bases: list[bytes]) -> bytes:
        tree = parsed(data)
        for _ in range(chance.choice((1, 1, 2, 4))):
            if found := [(held, at) for held, at in places(tree) if chosen(held[at])]:
                change(chance, *chance.choice(found), bases)
        return written(tree)

    return mutate


def leave_out(chance: random.Random, held: list[Node], at: int, bases: list[bytes]) -> None:
    del held[at]


def double(chance: random.Random, held: list[Node], at: int, bases: list[bytes]) -> None:
    held.insert(chance.randrange(len(held) + 1), held[at])


def exchange(chance: random.Random, held: list[Node], at: int, bases: list[bytes]) -> None:
    other = chance.randrange(len(held))
    held[at], held[other] = held[other], held[at]


def splice(chance: random.Random, held: list[Node], at: int, bases: list[bytes]) -> None:
    """A field of the same kind from another model."""
    wanted = (held[at].kind, held[at].number)
    others = [
        row[index]
        for row, index in places(parsed(chance.choice(bases)))
        if (row[index].kind, row[index].number) == wanted
    ]
    if others:
        held[at] = chance.choice(others)


def renumber(chance: random.Random, held: list[Node], at: int, bases: list[bytes]) -> None:
    """The field under the number of another field, known or not."""
    number = chance.choice((*SCHEMA[held[at].kind], 12, 27, 99))
    body = held[at].body
    own = Node(number, held[at].wire, body, held[at].kind, "?")
    held[at] = own


def odd_number(chance: random.Random, held: list[Node], at: int, bases: list[bytes]) -> None:
    held[at].body = chance.choice((*ODD_NUMBERS, chance.randrange(64)))


def odd_bytes(chance: random.Random, held: list[Node], at: int, bases: list[bytes]) -> None:
    """Bytes cut, filled or drawn at random: weights and texts."""
    body = held[at].body
    held[at].body = chance.choice(
        (
            body[: len(body) // 2],
            body + b"\0",
            b"\xff" * len(body),
            chance.randbytes(len(body)),
            b"",
        )
    )


def odd_sizes(chance: random.Random, held: list[Node], at: int, bases: list[bytes]) -> None:
    """int64 weights, which hold sizes and places, replaced number by number."""
    count = len(held[at].body) // 8
    numbers = [chance.choice(ODD_NUMBERS) for _ in range(count)]
    held[at].body = np.array(numbers, np.int64).tobytes()


def odd_operator(chance: random.Random, held: list[Node], at: int, bases: list[bytes]) -> None:
    held[at].body = chance.choice(OPERATORS).encode()


def odd_name(chance: random.Random, held: list[Node], at: int, bases: list[bytes]) -> None:
    """The name of another value."""
    names = [
        node.body
        for base in bases[:1]
        for row, index in places(parsed(base))
        if (node := row[index]).kind == "Node" and node.name in ("input", "output")
    ]
    own = [one.body for one in held if one.name in ("input", "output")]
    held[at].body = chance.choice([*names, *own, b"", b"x"])


def flip_start(chance: random.Random, data: bytes, bases: list[bytes]) -> bytes:
    """Bits of the first kilobytes, where the graph's operators stand."""
    return flipped(chance, data[:3000]) + data[3000:]


def is_sizes(node: Node) -> bool:
    return node.name == "raw_data" and len(node.body) % 8 == 0 and 0 < len(node.body) <= 64


def is_text(node: Node) -> bool:
    return isinstance(node.body, bytes) and node.wire == LENGTH


MUTATIONS: dict[str, Mutation] = {
    "bits of the file": flip_file,
    "bits of the operators": flip_start,
    "file cut off": cut_file,
    "field left out": changed(leave_out),
    "field doubled": changed(double),
    "fields exchanged": changed(exchange),
    "field of another model": changed(splice),
    "field under another number": changed(renumber),
    "numbers": changed(odd_number, lambda node: node.wire == VARINT),
    "attributes": changed(
        odd_number, lambda node: node.kind == "Attribute" and node.wire == VARINT
    ),
    "shapes": changed(odd_number, lambda node: node.name in ("dims", "dim_value")),
    "weights and texts": changed(odd_bytes, is_text),
    "sizes and places": changed(odd_sizes, is_sizes),
    "operators": changed(odd_operator, lambda node: node.name == "op_type"),
    "edges": changed(
        odd_name, lambda node: node.kind == "Node" and node.name in ("input", "output")
    ),
}


def honest_files(networks: list[nn.Module], size: int) -> list[bytes]:
    """The networks as ONNX files of several opsets, and the last one in int8."""
    torch.manual_seed(0)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for index, network in enumerate(networks):
            target = Path(folder) / f"{index}.onnx"
            export(network.eval(), target, size, OPSETS[index % len(OPSETS)])
            found.append(target.read_bytes())
        quantized(target, Path(folder) / "int8.onnx", size)
        found.append((Path(folder) / "int8.onnx").read_bytes())
    return found


def export(network: nn.Module, target: Path, size: int, opset: int) -> None:
    """One file, with a free batch."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(1, 3, size, size),),
            str(target),
            dynamo=False,
            opset_version=opset,
            input_names=["x"],
            dynamic_axes={"x": {0: "n"}},
        )


def quantized(source: Path, target: Path, size: int) -> None:
    """The model in int8, calibrated on noise."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    class Noise:
        left = 4

        def get_next(self) -> dict[str, Any] | None:
            self.left -= 1
            shape = (1, 3, size, size)
            chance = np.random.default_rng(self.left + 8)
            return {"x": chance.normal(size=shape).astype(np.float32)} if self.left else None

    quantize_static(
        str(source),
        str(target),
        Noise(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
