"""What is known of the values of a graph: their shapes, and short lists of integers.

Exporters compute the sizes for Reshape, Expand and Slice in the graph, so lists are followed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from scoring.formats.onnx import tensors
from scoring.formats.onnx.wire import Buffer, Message

Shape = tuple[int, ...]
MOST_NUMBERS = 64
"""Most numbers of a list of integers that is followed."""
MOST = 1 << 62
ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a - b,
    "Mul": lambda a, b: a * b,
    "Div": lambda a, b: a // b,
}


class Unknown(Exception):
    """No rule gives the shape."""


@dataclass
class Shapes:
    """What is known of the values of a graph, by name."""

    data: Buffer
    shapes: dict[str, Shape] = field(default_factory=dict)
    numbers: dict[str, list[int]] = field(default_factory=dict)
    """The values of short lists of integers."""

    def of(self, name: str) -> Shape:
        if name not in self.shapes:
            raise Unknown
        return self.shapes[name]

    def list_of(self, name: str) -> list[int]:
        if name not in self.numbers:
            raise Unknown
        return self.numbers[name]

    def hold(self, name: str, tensor: tensors.Tensor) -> None:
        """Note a constant."""
        self.shapes[name] = tensor.dims
        if tensor.type.name in ("int64", "int32") and tensor.elements <= MOST_NUMBERS:
            self.note(name, [int(one) for one in tensor.numbers(self.data)])

    def note(self, name: str, numbers: list[int]) -> None:
        """Note a short list of integers. A list that grew too long is forgotten."""
        if len(numbers) <= MOST_NUMBERS and all(abs(one) <= MOST for one in numbers):
            self.numbers[name] = numbers


@dataclass(frozen=True)
class Node:
    """A node with its attributes by name."""

    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Message]

    @classmethod
    def of(cls, node: Message) -> Node:
        attributes = {one["name"]: one for one in node.get("attribute", ())}
        return cls(node["op_type"], node.get("input", []), node.get("output", []), attributes)

    def whole(self, name: str, default: int) -> int:
        return int(self.attributes.get(name, {}).get("i", default))

    def wholes(self, name: str, default: list[int] | None = None) -> list[int]:
        found = self.attributes.get(name, {}).get("ints")
        if found is None and default is None:
            raise Unknown
        return list(found if found is not None else default or ())

    def word(self, name: str, default: str) -> str:
        found = self.attributes.get(name, {}).get("s", default)
        return found.decode() if isinstance(found, bytes) else str(found)

    def has(self, place: int) -> bool:
        return len(self.inputs) > place and bool(self.inputs[place])


def follow(node: Node, known: Shapes) -> None:
    """Compute the output of a node that makes a short list of integers."""
    if node.operator == "Constant":
        follow_constant(node, known)
    elif node.operator in FOLLOWED:
        known.note(node.outputs[0], FOLLOWED[node.operator](node, known))
    elif node.operator in ARITHMETIC:
        left, right = (known.list_of(name) for name in node.inputs[:2])
        length = max(len(left), len(right))
        left, right = (part * length if len(part) == 1 else part for part in (left, right))
        pairs = zip(left, right, strict=True)
        known.note(node.outputs[0], [ARITHMETIC[node.operator](a, b) for a, b in pairs])


def follow_constant(node: Node, known: Shapes) -> None:
    name = node.outputs[0]
    if "value" in node.attributes:
        known.hold(name, tensors.checked(node.attributes["value"]["t"], known.data, MOST))
    elif "value_ints" in node.attributes:
        numbers = node.wholes("value_ints")
        known.shapes[name] = (len(numbers),)
        known.note(name, numbers)
    elif "value_floats" in node.attributes:
        known.shapes[name] = (len(node.attributes["value_floats"]["floats"]),)
    else:
        known.shapes[name] = ()
        if "value_int" in node.attributes:
            known.note(name, [node.whole("value_int", 0)])


def numbers_of_shape(node: Node, known: Shapes) -> list[int]:
    shape = known.of(node.inputs[0])
    return list(shape[node.whole("start", 0) : node.whole("end", len(shape))])


def numbers_of_parts(node: Node, known: Shapes) -> list[int]:
    return [number for name in node.inputs for number in known.list_of(name)]


def numbers_at(node: Node, known: Shapes) -> list[int]:
    numbers = known.list_of(node.inputs[0])
    return [numbers[place] for place in known.list_of(node.inputs[1])]


def numbers_between(node: Node, known: Shapes) -> list[int]:
    start, end = (known.list_of(name)[0] for name in node.inputs[1:3])
    step = known.list_of(node.inputs[4])[0] if node.has(4) else 1
    return known.list_of(node.inputs[0])[start:end:step]


FOLLOWED: dict[str, Callable[[Node, Shapes], list[int]]] = {
    "Shape": numbers_of_shape,
    "Concat": numbers_of_parts,
    "Gather": numbers_at,
    "Slice": numbers_between,
    **dict.fromkeys(
        ("Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape"),
        lambda node, known: known.list_of(node.inputs[0]),
    ),
}
