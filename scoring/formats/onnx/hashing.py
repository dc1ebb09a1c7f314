"""One hash for one model: over operators, edges, attributes and weights, not over names."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from scoring.formats.onnx.graph import ATTRIBUTES, Graph, Value
from scoring.formats.onnx.tensors import Tensor, checked
from scoring.formats.onnx.wire import Buffer, Message

NO_LIMIT = 1 << 62
"""The graph was checked before."""


def content(graph: Graph, opset: int, declared: dict[str, Any] | None, data: Buffer) -> str:
    """SHA-256 of a checked graph with its declaration, as hexadecimal digits.

    Values are numbered in the order in which nodes use or make them. A weight is read where its
    first number is given.
    """
    content_ = Content(data)
    content_.add("onnx", opset, json.dumps(declared, sort_keys=True))
    content_.declare(graph.input)
    for node in graph.nodes:
        content_.node(node, graph)
    content_.add("outputs", [content_.number(one.name, graph) for one in graph.outputs])
    content_.add([(one.type.name, one.dims) for one in graph.outputs])
    return content_.digest.hexdigest()


class Content:
    """A digest, and the numbers of the values so far."""

    def __init__(self, data: Buffer) -> None:
        self.data = data
        self.digest = hashlib.sha256()
        self.numbers: dict[str, int] = {"": -1}

    def add(self, *words: object) -> None:
        """Add words to the digest, so that two lists of words never look the same."""
        self.digest.update(repr(words).encode() + b"\n")

    def declare(self, value: Value) -> None:
        """Number the input."""
        self.numbers[value.name] = len(self.numbers)
        self.add("input", value.type.name, value.dims)

    def number(self, name: str, graph: Graph) -> int:
        """The number of a value. A new value gets the next number; if it is a weight, it is
        hashed."""
        if name not in self.numbers:
            self.numbers[name] = len(self.numbers)
            if name in graph.weights:
                self.weight(graph.weights[name])
        return self.numbers[name]

    def weight(self, tensor: Tensor) -> None:
        """Add a tensor's shape and the hash of its bytes."""
        own = hashlib.sha256()
        for chunk in tensor.chunks(self.data):
            own.update(chunk)
        plain = tensor.field in ("raw_data", "float_data", "double_data")
        self.add("weight", tensor.type.name, tensor.dims, plain, own.hexdigest())

    def node(self, node: Message, graph: Graph) -> None:
        """Add one node with its edges and attributes."""
        inputs = [self.number(name, graph) for name in node.get("input", ())]
        outputs = [self.number(name, graph) for name in node.get("output", ())]
        self.add("node", node["op_type"], inputs, outputs)
        for one in sorted(node.get("attribute", ()), key=lambda one: str(one["name"])):
            field = ATTRIBUTES[one["type"]]
            self.add("attribute", one["name"], field)
            if field == "t" and "t" in one:
                self.weight(checked(one["t"], self.data, NO_LIMIT))
            else:
                self.add(one.get(field))
