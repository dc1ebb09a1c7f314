"""The shapes of a graph's values for one size of images, by arithmetic, without onnxruntime.

A shape that no rule gives is unknown, and so are those that depend on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress

from scoring.formats.onnx import tensors
from scoring.formats.onnx.graph import Graph
from scoring.formats.onnx.values import MOST, Node, Shape, Shapes, Unknown, follow
from scoring.formats.onnx.wire import Buffer

STRANGE = (ArithmeticError, LookupError, TypeError, ValueError)
"""What a rule raises for a node that the runtime would refuse."""
BROADCASTING = (
    "Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or PRelu "
    "Pow Sub Sum Where Xor"
)
REDUCING = (
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd "
    "ReduceSum ReduceSumSquare"
)
KEEPING = (
    "Abs BatchNormalization Cast CastLike Ceil Celu Clip Cos CumSum DequantizeLinear Dropout "
    "DynamicQuantizeLinear Elu Erf Exp Floor Gelu GroupNormalization HardSigmoid HardSwish "
    "Identity InstanceNormalization IsInf IsNaN LRN LayerNormalization LeakyRelu Log LogSoftmax "
    "LpNormalization MeanVarianceNormalization Mish Neg Not QuantizeLinear RMSNormalization "
    "Reciprocal Relu Round Selu Sigmoid Sign Sin Softmax Softplus Softsign Sqrt Swish Tanh "
    "ThresholdedRelu Trilu"
)
"""Operators whose first output has the shape of the first input."""


def of(graph: Graph, data: Buffer, images: Shape) -> Shapes:
    """The shapes for a batch of images of this shape, (batch, 3, height, width)."""
    known = Shapes(data)
    for name, tensor in graph.weights.items():
        known.hold(name, tensor)
    known.shapes[graph.input.name] = images
    for node in map(Node.of, graph.nodes):
        with suppress(Unknown, *STRANGE):
            follow(node, known)
        with suppress(Unknown, *STRANGE):
            found = zip(node.outputs, shapes(node, known), strict=False)
            known.shapes |= {name: shape for name, shape in found if name and is_sane(shape)}
    return known


def is_sane(shape: Shape) -> bool:
    """Whether a tensor can have this shape. A graph may be made so that shapes grow without end."""
    return len(shape) <= tensors.MAX_DIMENSIONS and all(0 <= side <= MOST for side in shape)


def shapes(node: Node, known: Shapes) -> list[Shape]:
    """The shapes of a node's outputs. Raises `Unknown`, or another error for a strange node."""
    if node.operator not in RULES:
        raise Unknown
    return RULES[node.operator](node, known)


def kept(node: Node, known: Shapes) -> list[Shape]:
    return [known.of(node.inputs[0])]


def combined(node: Node, known: Shapes) -> list[Shape]:
    return [broadcast(*(known.of(name) for name in node.inputs if name))]


def broadcast(*some: Shape) -> Shape:
    sides = max(len(shape) for shape in some)
    padded = [(1,) * (sides - len(shape)) + shape for shape in some]
    found = []
    for column in zip(*padded, strict=True):
        wide = {side for side in column if side != 1}
        if len(wide) > 1:
            raise Unknown
        found.append(wide.pop() if wide else 1)
    return tuple(found)


def reduced(node: Node, known: Shapes) -> list[Shape]:
    shape = known.of(node.inputs[0])
    axes = known.list_of(node.inputs[1]) if node.has(1) else node.wholes("axes", [])
    gone = {axis % len(shape) for axis in axes} or set(range(len(shape)))
    if node.whole("keepdims", 1):
        return [tuple(1 if place in gone else side for place, side in enumerate(shape))]
    return [tuple(side for place, side in enumerate(shape) if place not in gone)]


def windowed(node: Node, shape: Shape, kernel: list[int]) -> Shape:
    """Height and width of the output when a window slides over images (..., height, width)."""
    sides = len(kernel)
    strides = node.wholes("strides", [1] * sides)
    dilations = node.wholes("dilations", [1] * sides)
    pads = node.wholes("pads", [0] * 2 * sides)
    auto = node.word("auto_pad", "NOTSET")
    found = []
    for place, (side, size) in enumerate(zip(shape[-sides:], kernel, strict=True)):
        if auto.startswith("SAME"):
            found.append(-(-side // strides[place]))
            continue
        around = 0 if auto == "VALID" else pads[place] + pads[place + sides]
        room = side + around - dilations[place] * (size - 1) - 1
        if node.whole("ceil_mode", 0):
            room += strides[place] - 1
        found.append(room // strides[place] + 1)
    return tuple(found)


def convolved(node: Node, known: Shapes) -> list[Shape]:
    weight = known.of(node.inputs[3 if node.operator == "QLinearConv" else 1])
    shape = known.of(node.inputs[0])
    return [(shape[0], weight[0], *windowed(node, shape, list(weight[2:])))]


def widened(node: Node, known: Shapes) -> list[Shape]:
    """The shape that a ConvTranspose gives. Raises `Unknown` unless its pads are written out."""
    shape, weight = known.of(node.inputs[0]), known.of(node.inputs[1])
    sides = len(weight) - 2
    if node.word("auto_pad", "NOTSET") != "NOTSET" or "output_shape" in node.attributes:
        raise Unknown
    strides, pads = node.wholes("strides", [1] * sides), node.wholes("pads", [0] * 2 * sides)
    dilations = node.wholes("dilations", [1] * sides)
    more = node.wholes("output_padding", [0] * sides)
    found = (
        strides[i] * (shape[2 + i] - 1)
        + more[i]
        + dilations[i] * (weight[2 + i] - 1)
        + 1
        - pads[i]
        - pads[i + sides]
        for i in range(sides)
    )
    return [(shape[0], weight[1] * node.whole("group", 1), *found)]


def pooled(node: Node, known: Shapes) -> list[Shape]:
    shape = known.of(node.inputs[0])
    return [(*shape[:2], *windowed(node, shape, node.wholes("kernel_shape")))]


def global_(node: Node, known: Shapes) -> list[Shape]:
    shape = known.of(node.inputs[0])
    return [(*shape[:2], *(1 for _ in shape[2:]))]


def gemm(node: Node, known: Shapes) -> list[Shape]:
    left, right = known.of(node.inputs[0]), known.of(node.inputs[1])
    rows = left[1] if node.whole("transA", 0) else left[0]
    return [(rows, right[0] if node.whole("transB", 0) else right[1])]


def matmul(node: Node, known: Shapes) -> list[Shape]:
    left, right = factors(node, known)
    return [(*broadcast(left[:-2], right[:-2]), left[-2], right[-1])]


def factors(node: Node, known: Shapes) -> tuple[Shape, Shape]:
    """The shapes of the two factors of a matrix product. Raises `Unknown` below two dimensions."""
    left = known.of(node.inputs[0])
    right = known.of(node.inputs[3 if node.operator == "QLinearMatMul" else 1])
    if min(len(left), len(right)) < 2:
        raise Unknown
    return left, right


def flattened(node: Node, known: Shapes) -> list[Shape]:
    shape, axis = known.of(node.inputs[0]), node.whole("axis", 1)
    return [(math.prod(shape[:axis]), math.prod(shape[axis:]))]


def reshaped(node: Node, known: Shapes) -> list[Shape]:
    shape, wanted = known.of(node.inputs[0]), known.list_of(node.inputs[1])
    if not node.whole("allowzero", 0):
        wanted = [shape[place] if side == 0 else side for place, side in enumerate(wanted)]
    rest = math.prod(side for side in wanted if side != -1)
    found = tuple(math.prod(shape) // rest if side == -1 else side for side in wanted)
    if math.prod(found) != math.prod(shape):
        raise Unknown
    return [found]


def transposed(node: Node, known: Shapes) -> list[Shape]:
    shape = known.of(node.inputs[0])
    return [tuple(shape[axis] for axis in node.wholes("perm", list(range(len(shape)))[::-1]))]


def squeezed(node: Node, known: Shapes) -> list[Shape]:
    shape = known.of(node.inputs[0])
    axes = known.list_of(node.inputs[1]) if node.has(1) else node.wholes("axes", [])
    gone = {axis % len(shape) for axis in axes} or {
        place for place, side in enumerate(shape) if side == 1
    }
    return [tuple(side for place, side in enumerate(shape) if place not in gone)]


def unsqueezed(node: Node, known: Shapes) -> list[Shape]:
    shape = known.of(node.inputs[0])
    axes = known.list_of(node.inputs[1]) if node.has(1) else node.wholes("axes")
    sides = len(shape) + len(axes)
    new, old = {axis % sides for axis in axes}, iter(shape)
    return [tuple(1 if place in new else next(old) for place in range(sides))]


def concatenated(node: Node, known: Shapes) -> list[Shape]:
    some = [known.of(name) for name in node.inputs]
    axis = node.whole("axis", 0) % len(some[0])
    side = sum(shape[axis] for shape in some)
    return [(*some[0][:axis], side, *some[0][axis + 1 :])]


def split(node: Node, known: Shapes) -> list[Shape]:
    shape = known.of(node.inputs[0])
    axis = node.whole("axis", 0) % len(shape)
    count = len(node.outputs)
    each = -(-shape[axis] // count)
    equal = [each] * (count - 1) + [shape[axis] - each * (count - 1)]
    sizes = known.list_of(node.inputs[1]) if node.has(1) else node.wholes("split", equal)
    return [(*shape[:axis], size, *shape[axis + 1 :]) for size in sizes]


def sliced(node: Node, known: Shapes) -> list[Shape]:
    shape = list(known.of(node.inputs[0]))
    starts, ends = (known.list_of(name) for name in node.inputs[1:3])
    axes = known.list_of(node.inputs[3]) if node.has(3) else list(range(len(starts)))
    steps = known.list_of(node.inputs[4]) if node.has(4) else [1] * len(starts)
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        shape[axis] = len(range(*slice(start, end, step).indices(shape[axis])))
    return [tuple(shape)]


def gathered(node: Node, known: Shapes) -> list[Shape]:
    shape, places = known.of(node.inputs[0]), known.of(node.inputs[1])
    axis = node.whole("axis", 0) % len(shape)
    return [(*shape[:axis], *places, *shape[axis + 1 :])]


def padded(node: Node, known: Shapes) -> list[Shape]:
    shape, pads = known.of(node.inputs[0]), known.list_of(node.inputs[1])
    if node.has(3) or len(pads) != 2 * len(shape):
        raise Unknown
    half = len(shape)
    return [tuple(side + pads[i] + pads[i + half] for i, side in enumerate(shape))]


def expanded(node: Node, known: Shapes) -> list[Shape]:
    return [broadcast(known.of(node.inputs[0]), tuple(known.list_of(node.inputs[1])))]


def filled(node: Node, known: Shapes) -> list[Shape]:
    return [tuple(known.list_of(node.inputs[0]))]


def shape_of(node: Node, known: Shapes) -> list[Shape]:
    return [(len(known.list_of(node.outputs[0])),)]


Rule = Callable[[Node, Shapes], list[Shape]]
RULES: dict[str, Rule] = {
    **dict.fromkeys(BROADCASTING.split(), combined),
    **dict.fromkeys(REDUCING.split(), reduced),
    **dict.fromkeys(KEEPING.split(), kept),
    **dict.fromkeys(("Conv", "ConvInteger", "QLinearConv"), convolved),
    **dict.fromkeys(("AveragePool", "LpPool", "MaxPool"), pooled),
    **dict.fromkeys(("GlobalAveragePool", "GlobalLpPool", "GlobalMaxPool"), global_),
    **dict.fromkeys(("MatMul", "MatMulInteger", "QLinearMatMul"), matmul),
    "ConvTranspose": widened,
    "Concat": concatenated,
    "ConstantOfShape": filled,
    "Expand": expanded,
    "Flatten": flattened,
    "Gather": gathered,
    "Gemm": gemm,
    "Pad": padded,
    "Reshape": reshaped,
    "Shape": shape_of,
    "Slice": sliced,
    "Split": split,
    "Squeeze": squeezed,
    "Transpose": transposed,
    "Unsqueeze": unsqueezed,
}
