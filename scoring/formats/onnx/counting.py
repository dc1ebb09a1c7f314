"""How many numbers a graph multiplies for one image, in convolutions and matrix products."""

from __future__ import annotations

import math

from scoring.formats.onnx import operators, shapes
from scoring.formats.onnx.graph import Graph
from scoring.formats.onnx.values import Node, Shape, Shapes, Unknown
from scoring.formats.onnx.wire import Buffer

MOST = (1 << 63) - 1
"""The largest number that a database keeps."""
NOT_COUNTED = frozenset(("Einsum",))
"""Products whose formula is a text."""


def macs(graph: Graph, data: Buffer, images: Shape) -> int | None:
    """Multiplications with additions, of one image of a batch (batch, 3, height, width).

    None where the shape of a layer is unknown. A batch that the file fixes counts.
    """
    if any(node["op_type"] in NOT_COUNTED for node in graph.nodes):
        return None
    fixed = graph.input.dims[0] if graph.input.dims else None
    images = (fixed or images[0], *images[1:])
    known = shapes.of(graph, data, images)
    try:
        total = sum(multiplied(Node.of(node), known) for node in operators.layers(graph.nodes))
    except (Unknown, LookupError):
        return None
    found = total // images[0]
    return found if found <= MOST else None


def multiplied(node: Node, known: Shapes) -> int:
    """Multiplications of one layer. Raises `Unknown` for an unknown shape."""
    made = known.of(node.outputs[0])
    if node.operator == "Gemm":
        left = known.of(node.inputs[0])
        return math.prod(made) * (left[0] if node.whole("transA", 0) else left[1])
    if node.operator in ("MatMul", "MatMulInteger", "QLinearMatMul"):
        return math.prod(made) * shapes.factors(node, known)[0][-1]
    weight = known.of(node.inputs[3 if node.operator == "QLinearConv" else 1])
    taken = known.of(node.inputs[0]) if node.operator == "ConvTranspose" else made
    return math.prod(taken) * math.prod(weight[1:])
