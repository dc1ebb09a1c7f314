"""The graph of an ONNX model: one input, one answer, no cycle, sizes that fit memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from scoring.errors import Rejected
from scoring.formats.onnx import operators, tensors
from scoring.formats.onnx.tensors import Tensor
from scoring.formats.onnx.wire import Buffer, Message, damaged, too_complex

MAX_NAME = 2_000
"""Characters of a value's or node's name."""
MAX_EDGES = 4_096
"""Inputs or outputs of one node."""
MAX_OUTPUTS = 64
MAX_SIDE = 1 << 31
"""Of any size, count or place in an attribute of integers."""
MAX_PAD = 1 << 16
"""Of a padding, stride, dilation or kernel side."""
SHAPE_INPUTS = {"ConstantOfShape": 0, "Expand": 1, "Reshape": 1, "Tile": 1, "Resize": 3, "Pad": 1}
"""By operator: the input that holds sizes. A wrong size makes a small file ask for much memory."""
FLOATS = ("float32", "float16", "bfloat16", "float64")
INPUT_TYPES = ("float32", "float16", "uint8")
ATTRIBUTES = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}
"""Fields of an attribute's value by `AttributeProto.AttributeType`."""
ALL_FIELDS = frozenset(ATTRIBUTES.values())


@dataclass(frozen=True)
class Value:
    """A declared input or output; `dims` is None if the file does not tell the shape."""

    name: str
    type: tensors.NumberType
    dims: tuple[int | None, ...] | None
    """None for a side that is free."""


@dataclass(frozen=True)
class Graph:
    """A graph that was checked."""

    input: Value
    outputs: tuple[Value, ...]
    nodes: list[Message]
    weights: dict[str, Tensor]
    """Initializers by name."""
    constants: list[Tensor]
    """Tensors in attributes."""


def checked(message: Message, data: Buffer, limit: int) -> Graph:
    """The checked graph. Raises `Rejected`. `limit`: bytes that all weights may take together."""
    weights: dict[str, Tensor] = {}
    for one in message.get("initializer", ()):
        tensor = tensors.checked(one, data, limit)
        refuse_name(tensor.name)
        if tensor.name in weights:
            raise damaged(f"two weights have the name {tensor.name!a:.60}")
        weights[tensor.name] = tensor
    nodes = message.get("node", [])
    constants = [tensor for node in nodes for tensor in constants_of(node, data, limit)]
    total = sum(one.size for one in (*weights.values(), *constants))
    if total > limit:
        raise Rejected(
            "too_large_unpacked",
            f"The model's weights take {total:,} bytes; at most {limit:,} are allowed.",
        )
    inputs = [value(one, limit) for one in message.get("input", ())]
    outputs = tuple(value(one, limit) for one in message.get("output", ()))
    for one in message.get("value_info", ()):
        value(one, limit)
    found = Graph(images(inputs, weights), outputs, nodes, weights, constants)
    refuse_edges(found)
    refuse_outputs(outputs)
    refuse_sizes(found, data, limit)
    return found


def images(inputs: list[Value], weights: dict[str, Tensor]) -> Value:
    """The one input that takes images. Raises `Rejected`. Old exporters list weights, too."""
    free = [one for one in inputs if one.name not in weights]
    if len(free) != 1:
        raise Rejected(
            "bad_signature",
            f"The model takes {len(free)} inputs; it must take one, a batch of images. Export a "
            "model whose forward takes one tensor.",
        )
    one = free[0]
    if one.type.name not in INPUT_TYPES:
        raise Rejected(
            "bad_signature",
            f"The model takes {one.type.name}; images come as {', '.join(INPUT_TYPES)}. Export it "
            "with an example of one of these dtypes.",
        )
    if one.dims is not None and (len(one.dims) != 4 or one.dims[1] not in (3, None)):
        raise Rejected(
            "bad_signature",
            f"The model takes the shape {said(one.dims)}; images come as (batch, 3, height, "
            "width). Export it with an example of that shape.",
        )
    return one


def refuse_outputs(outputs: tuple[Value, ...]) -> None:
    """Raises `Rejected` unless the first output can be logits."""
    if not outputs or len(outputs) > MAX_OUTPUTS:
        raise Rejected(
            "bad_signature",
            f"The model has {len(outputs)} outputs; it must have 1 to {MAX_OUTPUTS}, the logits "
            "first.",
        )
    first = outputs[0]
    if first.type.name not in FLOATS or (first.dims is not None and len(first.dims) != 2):
        raise Rejected(
            "bad_signature",
            f"The model's first output, {first.name!a:.60}, is {first.type.name} of shape "
            f"{said(first.dims)}. The first output must be the logits, floats of shape (batch, "
            "classes). Return the logits first, before any argmax.",
        )


def said(dims: tuple[int | None, ...] | None) -> str:
    """A shape for a message, `?` for a free side."""
    return "unknown" if dims is None else f"({', '.join(str(side or '?') for side in dims[:8])})"


def value(message: Message, limit: int) -> Value:
    """A declared value. Raises `Rejected`, also for a shape that takes more than `limit` bytes."""
    name, type_ = message.get("name", ""), message.get("type", {}).get("tensor_type")
    refuse_name(name)
    if not name or type_ is None:
        raise damaged(f"the value {name!a:.60} has no name or no type")
    number_type = tensors.number_type(type_.get("elem_type"))
    if "shape" not in type_:
        return Value(name, number_type, None)
    dims = tuple(side(one) for one in type_["shape"].get("dim", ()))
    known = tuple(one for one in dims if one is not None)
    tensors.refuse_size(f"The value {name!a:.60}", known, number_type, limit)
    if len(dims) > tensors.MAX_DIMENSIONS:
        raise Rejected(
            "bad_shape", f"The value {name!a:.60} has {len(dims)} dimensions; use at most 16."
        )
    return Value(name, number_type, dims)


def side(message: Message) -> int | None:
    """A side of a shape, None for a free one. Raises `Rejected`."""
    if "dim_value" in message and "dim_param" in message:
        raise damaged("a side of a shape is both fixed and free")
    found = message.get("dim_value")
    return found if found is None or isinstance(found, int) else None


def refuse_name(name: str) -> None:
    """Raises `Rejected` for a name that is too long."""
    if len(name) > MAX_NAME:
        raise too_complex(f"a name of more than {MAX_NAME:,} characters")


def constants_of(node: Message, data: Buffer, limit: int) -> Iterator[Tensor]:
    """Tensors in a node's attributes. Raises `Rejected` for an attribute that is not clear."""
    names = set()
    for one in node.get("attribute", ()):
        name = one.get("name", "")
        refuse_name(name)
        if not name or name in names:
            raise damaged(f"the attribute {name!a:.60} stands twice in one node, or has no name")
        names.add(name)
        field = ATTRIBUTES.get(one.get("type", 0))
        if field is None or (ALL_FIELDS & set(one)) - {field}:
            raise damaged(f"the attribute {name!a:.60} has a value of another type")
        if name == "training_mode" and one.get("i"):
            raise Rejected(
                "unsupported_feature",
                "The model was exported in training mode. Call model.eval() before "
                "torch.onnx.export.",
            )
        if name in ("value_string", "value_strings", "sparse_value"):
            raise damaged("a constant is a text")
        if name in ("to", "dtype", "output_dtype"):
            tensors.number_type(one.get("i"))
        refuse_numbers(name, [one.get("i", 0), *one.get("ints", ())])
        if "t" in one:
            yield tensors.checked(one["t"], data, limit)


def refuse_numbers(name: str, numbers: list[int]) -> None:
    """Raises `Rejected` (bad_shape) for integers that overflow sizes in kernels."""
    most = MAX_PAD if name in ("pads", "strides", "dilations", "kernel_shape") else MAX_SIDE
    if any(abs(number) > most for number in numbers):
        raise Rejected(
            "bad_shape",
            f"The attribute {name!a:.60} holds a number above {most:,}. Export the model again.",
        )


def refuse_edges(graph: Graph) -> None:
    """Raises `Rejected` unless each value is made once and before it is used."""
    known = {graph.input.name, *graph.weights}
    for node in graph.nodes:
        operator = node.get("op_type", "")
        operators.refuse_unless_allowed(operator, node.get("domain", ""))
        if node.get("overload"):
            raise damaged("an operator has an overload")
        inputs, outputs = node.get("input", []), node.get("output", [])
        if len(inputs) > MAX_EDGES or len(outputs) > MAX_EDGES:
            raise too_complex(f"a node with more than {MAX_EDGES:,} inputs or outputs")
        for name in (*inputs, *outputs, node.get("name", "")):
            refuse_name(name)
        if missing := [name for name in inputs if name and name not in known]:
            raise damaged(f"{operator} uses {missing[0]!a:.60}, which nothing before it makes")
        for name in outputs:
            if name and name in known:
                raise damaged(f"the value {name!a:.60} is made twice")
            known.add(name)
    for one in graph.outputs:
        if one.name not in known:
            raise damaged(f"nothing makes the output {one.name!a:.60}")
    if len({one.name for one in graph.outputs}) < len(graph.outputs):
        raise damaged("two outputs have one name")


def refuse_sizes(graph: Graph, data: Buffer, limit: int) -> None:
    """Raises `Rejected` (bad_shape) for constant sizes that ask for more than `limit` bytes."""
    fixed = dict(graph.weights)
    for node in graph.nodes:
        operator, inputs = node["op_type"], node.get("input", [])
        if operator == "Constant":
            refuse_list(node, limit)
            for one in node.get("attribute", ()):
                if "t" in one and node.get("output"):
                    fixed[node["output"][0]] = tensors.checked(one["t"], data, limit)
        place = SHAPE_INPUTS.get(operator)
        if place is None or len(inputs) <= place:
            continue
        sizes = fixed.get(inputs[place])
        if sizes is not None and sizes.elements <= tensors.MAX_DIMENSIONS * 2:
            refuse_product(operator, sizes.numbers(data), limit)
    for node in graph.nodes:
        scales = node.get("input", ["", "", ""])[2:3] if node["op_type"] == "Resize" else []
        if scales and scales[0] in fixed and fixed[scales[0]].elements <= tensors.MAX_DIMENSIONS:
            refuse_product("Resize", fixed[scales[0]].numbers(data), limit)


def refuse_list(node: Message, limit: int) -> None:
    """Raises `Rejected` (bad_shape) for a constant list of integers that no shape can be."""
    for one in node.get("attribute", ()):
        if one.get("name") == "value_ints":
            refuse_product("Constant", [float(number) for number in one.get("ints", ())], limit)


def refuse_product(operator: str, numbers: list[float], limit: int) -> None:
    """Raises `Rejected` (bad_shape) if sizes multiply to more than `limit` bytes of float32."""
    sizes = [abs(number) for number in numbers if number not in (0, -1)]
    if operator == "Pad":  # borders are added, not multiplied
        sizes = [limit for size in sizes if size > MAX_PAD]
    if any(math.isnan(size) for size in sizes) or math.prod(sizes) * 4 > limit:
        raise Rejected(
            "bad_shape",
            f"{operator} asks for sizes that take more than {limit:,} bytes. Use smaller tensors.",
        )
