"""The graph of an ONNX model: one input, one answer, no cycle, sizes that fit memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from scoring.errors import Rejected
from scoring.formats.onnx import operators, schema, tensors
from scoring.formats.onnx.tensors import Tensor
from scoring.formats.onnx.wire import Buffer, Message, damaged, too_complex
from scoring.sentences import say

MAX_NAME = 2_000
"""Most characters in the name of a value or a node."""
MAX_EDGES = 4_096
"""Most inputs, and most outputs, of one node."""
MAX_OUTPUTS = 64
MAX_SIDE = 1 << 31
"""The largest size, count or place in an attribute of integers."""
MAX_PAD = 1 << 16
"""The largest padding, stride, dilation or side of a kernel."""
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
            raise made_twice(tensor.name)
        weights[tensor.name] = tensor
    nodes = message.get("node", [])
    constants = [tensor for node in nodes for tensor in constants_of(node, data, limit)]
    total = sum(one.size for one in (*weights.values(), *constants))
    if total > limit:
        raise Rejected(
            "too_large_unpacked",
            say(
                "The model's weights take %(total)s bytes. At most %(limit)s are allowed.",
                total=format(total, ","),
                limit=format(limit, ","),
            ),
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
            say(
                "The model has %(count)s inputs. It must have one, a batch of images. Export "
                "a model whose forward takes one tensor.",
                count=len(free),
            ),
        )
    one = free[0]
    if one.type.name not in INPUT_TYPES:
        raise Rejected(
            "bad_signature",
            say(
                "The model expects %(dtype)s. Images are %(dtypes)s. Export it with an "
                "example of one of these dtypes.",
                dtype=one.type.name,
                dtypes=", ".join(INPUT_TYPES),
            ),
        )
    if one.dims is not None and (len(one.dims) != 4 or one.dims[1] not in (3, None)):
        raise Rejected(
            "bad_signature",
            say(
                "The model expects the shape %(shape)s. Images have the shape (batch, 3, "
                "height, width). Export it with an example of that shape.",
                shape=said(one.dims),
            ),
        )
    return one


def refuse_outputs(outputs: tuple[Value, ...]) -> None:
    """Raises `Rejected` unless the first output can be logits."""
    if not outputs or len(outputs) > MAX_OUTPUTS:
        raise Rejected(
            "bad_signature",
            say(
                "The model has %(count)s outputs. It must have 1 to %(most)s, and the first "
                "one must be the logits.",
                count=len(outputs),
                most=MAX_OUTPUTS,
            ),
        )
    first = outputs[0]
    if first.type.name not in FLOATS or (first.dims is not None and len(first.dims) != 2):
        raise Rejected(
            "bad_signature",
            say(
                "The model's first output, %(name)s, is %(dtype)s of the shape %(shape)s. The "
                "first output must be the logits, floats of the shape (batch, classes). Return the "
                "logits first, before any argmax.",
                name=ascii(first.name)[:60],
                dtype=first.type.name,
                shape=said(first.dims),
            ),
        )


def said(dims: tuple[int | None, ...] | None) -> str:
    """A shape for a message, `?` for a free side."""
    return "?" if dims is None else f"({', '.join(str(side or '?') for side in dims[:8])})"


def value(message: Message, limit: int) -> Value:
    """A declared value. Raises `Rejected`, also for a shape that takes more than `limit` bytes."""
    name, type_ = message.get("name", ""), message.get("type", {}).get("tensor_type")
    refuse_name(name)
    if not name or type_ is None:
        raise damaged(say("The value %(name)s has no name or no type.", name=ascii(name)[:60]))
    number_type = tensors.number_type(type_.get("elem_type"))
    if "shape" not in type_:
        return Value(name, number_type, None)
    dims = tuple(side(one) for one in type_["shape"].get("dim", ()))
    known = tuple(one for one in dims if one is not None)
    tensors.refuse_size(ascii(name)[:60], known, number_type, limit)
    if len(dims) > tensors.MAX_DIMENSIONS:
        raise too_complex("dimensions of one value", tensors.MAX_DIMENSIONS)
    return Value(name, number_type, dims)


def side(message: Message) -> int | None:
    """A side of a shape, None for a free one. Raises `Rejected`."""
    if "dim_value" in message and "dim_param" in message:
        raise damaged(say("A side of a shape is both fixed and variable."))
    found = message.get("dim_value")
    return found if found is None or isinstance(found, int) else None


def refuse_name(name: str) -> None:
    """Raises `Rejected` for a name that is too long."""
    if len(name) > MAX_NAME:
        raise too_complex("characters in a name", MAX_NAME)


def constants_of(node: Message, data: Buffer, limit: int) -> Iterator[Tensor]:
    """Tensors in a node's attributes. Raises `Rejected` for an attribute that is not clear."""
    names = set()
    for one in node.get("attribute", ()):
        name = one.get("name", "")
        refuse_name(name)
        if not name or name in names:
            raise damaged(say("The attribute %(name)s is there twice.", name=ascii(name)[:60]))
        names.add(name)
        field = ATTRIBUTES.get(one.get("type", 0))
        if field is None or (ALL_FIELDS & set(one)) - {field}:
            raise damaged(say("The attribute %(name)s has a wrong type.", name=ascii(name)[:60]))
        if name == "training_mode" and one.get("i"):
            raise schema.TRAINING()
        if name in ("value_string", "value_strings", "sparse_value"):
            raise schema.NO_TENSOR()
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
            say(
                "The attribute %(name)s holds a number above %(most)s. Export the model again.",
                name=ascii(name)[:60],
                most=format(most, ","),
            ),
        )


def refuse_edges(graph: Graph) -> None:
    """Raises `Rejected` unless each value is made once and before it is used."""
    known = {graph.input.name, *graph.weights}
    for node in graph.nodes:
        operator = node.get("op_type", "")
        operators.refuse_unless_allowed(operator, node.get("domain", ""))
        if node.get("overload"):
            raise schema.FUNCTIONS()
        inputs, outputs = node.get("input", []), node.get("output", [])
        if len(inputs) > MAX_EDGES or len(outputs) > MAX_EDGES:
            raise too_complex("inputs or outputs of one node", MAX_EDGES)
        for name in (*inputs, *outputs, node.get("name", "")):
            refuse_name(name)
        if missing := [name for name in inputs if name and name not in known]:
            raise unmade(missing[0])
        for name in outputs:
            if name and name in known:
                raise made_twice(name)
            known.add(name)
    for one in graph.outputs:
        if one.name not in known:
            raise unmade(one.name)
    if len({one.name for one in graph.outputs}) < len(graph.outputs):
        raise made_twice(graph.outputs[0].name)


def made_twice(name: str) -> Rejected:
    """The refusal of a name that stands for two values."""
    return damaged(say("The value %(name)s is made twice.", name=ascii(name)[:60]))


def unmade(name: str) -> Rejected:
    """The refusal of a name that stands for no value."""
    return damaged(
        say("The value %(name)s is used before anything makes it.", name=ascii(name)[:60])
    )


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
        position = SHAPE_INPUTS.get(operator)
        if position is None or len(inputs) <= position:
            continue
        sizes = fixed.get(inputs[position])
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
            say(
                "%(operator)s asks for sizes that take more than %(limit)s bytes. Use smaller "
                "tensors.",
                operator=operator,
                limit=format(limit, ","),
            ),
        )
