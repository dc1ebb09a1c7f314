"""The static gate: the facts of an ONNX file, found without onnx and without running it.

Standard library only. The file is read by `wire` against `schema`, and then checked by `graph`. The
bytes that were checked are the bytes that run: nothing is written anew.
"""

from __future__ import annotations

import hashlib
import io
import mmap
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO

from scoring.errors import Rejected
from scoring.formats import declarations, structure
from scoring.formats.declarations import DECLARATION
from scoring.formats.onnx import counting, graph, hashing, operators, schema, wire
from scoring.formats.onnx.graph import Graph
from scoring.formats.onnx.wire import Buffer, Message, Reader, Span
from scoring.job import Device, Model
from scoring.sentences import say

NAME = "onnx"
CHUNK_BYTES = 1 << 20
MAX_DECLARATION_BYTES = 64 << 10
NO_WEIGHTS = ("int64", "bool")
"""Number types of shapes, places and masks: no weights are of these types."""
FIRST_TAGS = frozenset((0x12, 0x1A, 0x22, 0x28, 0x32, 0x3A, 0x42, 0x72))
"""Bytes that can follow the IR version: the tags of the other fields of a model."""


def holds(head: bytes) -> bool:
    """Whether a file begins with an IR version and another field of an ONNX model."""
    return len(head) > 3 and head[0] == 0x08 and 2 < head[1] < 128 and head[2] in FIRST_TAGS


def opened(stream: BinaryIO) -> Archive:
    """The file in a stream, which stays open."""
    return Archive(stream, buffer(stream))


def buffer(stream: BinaryIO) -> Buffer:
    """The stream's bytes: mapped if it is a file, else read."""
    stream.seek(0)
    try:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError, AttributeError, io.UnsupportedOperation):
        return stream.read()


@dataclass(frozen=True)
class Archive:
    """One ONNX file: `formats.contract.Archive`."""

    stream: BinaryIO
    data: Buffer

    @cached_property
    def model(self) -> Message:
        """The file's message. Raises `Rejected`."""
        reader = Reader(self.data, schema.SCHEMA, limits=schema.LIMITS)
        found = reader.message("Model", Span(0, len(self.data)))
        if "graph" not in found:
            raise wire.damaged(say("The ONNX file has no graph."))
        return found

    def facts(self, *, max_unpacked_bytes: int = 2 << 30, device: Device = "cpu") -> Model:
        """The static facts. Raises `Rejected` with a code."""
        if device != "cpu":
            raise Rejected(
                "unsupported_feature",
                say(
                    "ONNX models run on the CPU only, and this competition measures on a GPU. "
                    "Upload the model as TorchScript."
                ),
            )
        checked = self.graph(max_unpacked_bytes)
        self.declaration()
        weights = [
            one
            for one in (*checked.weights.values(), *checked.constants)
            if one.type.name not in NO_WEIGHTS
        ]
        rows = {one.dims[0] for one in weights if one.dims}
        rows |= {one.dims[1] for one in weights if len(one.dims) == 2}  # Gemm takes either
        return Model(
            sha256=self.sha256(),
            format=NAME,
            bytes=len(self.data),
            parameters=sum(one.elements for one in weights),
            dtypes=tuple(sorted({one.type.name for one in weights})),
            operators=tuple(sorted({node["op_type"] for node in checked.nodes})),
            rows=tuple(sorted(rows)),
            structure=structure.fingerprint(
                one.dims for one in weights if one.type.name not in structure.NO_WEIGHTS
            ),
            layers=len(operators.layers(checked.nodes)),
            quantized_layers=len(operators.quantized(checked.nodes)),
        )

    def macs(self, images: tuple[int, ...]) -> int | None:
        """Multiplications for one image of a batch (batch, 3, height, width), by the shapes of the
        graph; None where a shape is unknown."""
        return counting.macs(self.graph(), self.data, images)

    def graph(self, max_unpacked_bytes: int = 2 << 30) -> Graph:
        """The checked graph. Raises `Rejected` with a code."""
        operators.refuse_layout(self.model.get("ir_version", 0))
        operators.default_opset(self.opsets())
        return graph.checked(self.model["graph"], self.data, max_unpacked_bytes)

    def opsets(self) -> list[tuple[str, int]]:
        """Domains of operators with their versions, as the file lists them."""
        imports = self.model.get("opset_import", ())
        return [(one.get("domain", ""), one.get("version", 0)) for one in imports]

    def declaration(self) -> dict[str, Any] | None:
        """The JSON object in the metadata's `featherweight.json`, or None. Raises `Rejected`."""
        entries = self.model.get("metadata_props", ())
        keys = [one.get("key", "") for one in entries]
        for key in keys:
            if key != DECLARATION and key.casefold() == DECLARATION:
                raise Rejected(
                    "bad_declaration",
                    say(
                        "The metadata %(own)s must be called featherweight.json.",
                        own=ascii(key)[:60],
                    ),
                )
        if DECLARATION not in keys:
            return None
        if keys.count(DECLARATION) > 1:
            raise Rejected(
                "bad_declaration", say("featherweight.json is twice in the metadata. Keep one.")
            )
        written = entries[keys.index(DECLARATION)].get("value", "").encode()
        if len(written) > MAX_DECLARATION_BYTES:
            raise Rejected("bad_declaration", say("featherweight.json is longer than 64 KB."))
        return declarations.parsed(written)

    def content_hash(self) -> str:
        """SHA-256 of the graph, its weights and the declaration, as hexadecimal digits.

        Names of nodes and values, descriptions and other metadata do not change it.
        """
        opset = operators.default_opset(self.opsets())
        return hashing.content(self.graph(), opset, self.declaration(), self.data)

    def sha256(self) -> str:
        """SHA-256 of the whole file, as hexadecimal digits."""
        digest = hashlib.sha256()
        for start in range(0, len(self.data), CHUNK_BYTES):
            digest.update(self.data[start : start + CHUNK_BYTES])
        return digest.hexdigest()
