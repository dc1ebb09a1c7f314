"""ONNX files that want to hurt, learn or gain, and how the gate and the sandbox must end them.

`code` is the gate's; None for a file that the gate lets pass. `alone` are the endings that are
allowed where there is no gate: an answer is allowed only if the file gains nothing by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scoring.formats.onnx import writing
from scoring.formats.onnx.writing import (
    attribute,
    entry,
    field,
    floats,
    node,
    tensor,
    value,
    varint,
)
from tests.hostile.making import CLASSES, SIZE, Place

FEATURES, COUNT = 3 * SIZE * SIZE, len(CLASSES)
IMAGES = value("x", ("n", 3, SIZE, SIZE))
LOGITS = value("y", ("n", COUNT))
FLAT = node("Flatten", ["x"], ["f"])
GEMM = node("Gemm", ["f", "w", "b"], ["y"], attribute("transB", 1))
LINEAR = [
    tensor("w", (COUNT, FEATURES), floats(*([0.01] * FEATURES * COUNT))),
    tensor("b", (COUNT,), floats(*range(COUNT))),
]
INT32, STRING = 6, 8
HUGE = (1 << 62) - 1
ENDS = ("load_failed", "wrong_input", "wrong_output", "crashed", "out_of_memory")
"""Codes that a file may end with which no runtime understands."""
HARMLESS = ("answered", *ENDS)


@dataclass(frozen=True)
class OnnxFile:
    """One file."""

    write: Callable[[Place], bytes]
    code: str | None
    alone: tuple[str, ...] = ENDS


def model(
    nodes: Sequence[bytes] = (FLAT, GEMM),
    weights: Sequence[bytes] = (),
    *,
    takes: bytes = IMAGES,
    gives: Sequence[bytes] = (LOGITS,),
    in_graph: bytes = b"",
    in_model: bytes = b"",
    opset: int = 17,
    ir_version: int = 8,
) -> bytes:
    """The honest model, changed."""
    graph = writing.graph(nodes, [*LINEAR, *weights], takes=takes, gives=gives, more=in_graph)
    return writing.model(graph, opset=opset, ir_version=ir_version, more=in_model)


def always(data: bytes) -> Callable[[Place], bytes]:
    return lambda place: data


def before(*nodes: bytes, weights: Sequence[bytes] = (), opset: int = 17) -> bytes:
    """The honest model behind nodes that compute `f` from `x`."""
    return model([*nodes, GEMM], weights, opset=opset)


def refused(code: str, data: bytes, *alone: str) -> OnnxFile:
    return OnnxFile(always(data), code, alone or ENDS)


def harmless(code: str, data: bytes) -> OnnxFile:
    """A file that the gate refuses, and that may answer without a gate: onnxruntime ignores or
    allows it."""
    return OnnxFile(always(data), code, HARMLESS)


def reading(location: Callable[[Place], str], offset: int = 0) -> OnnxFile:
    """A model whose rows of logits are a file's bytes."""

    def write(place: Place) -> bytes:
        outside = writing.external("s", (16, COUNT), location(place), offset)
        return model(rows_of("s"), [outside])

    return OnnxFile(write, "external_data")


def rows_of(name: str) -> list[bytes]:
    """Nodes that answer with rows of a value that the input chooses."""
    first = attribute("axis", 1), attribute("keepdims", 0)
    return [FLAT, node("ArgMax", ["f"], ["i"], *first), node("Gather", [name, "i"], ["y"])]


def constant_reading(place: Place) -> bytes:
    held = writing.external("h", (16, COUNT), str(place.secret).lstrip("/"))
    return model([node("Constant", [], ["s"], attribute("value", held)), *rows_of("s")])


def of_graph(name: str, body: bytes, type_: int = 5) -> bytes:
    """An attribute that holds a graph."""
    return field(1, name) + field(6, body) + field(20, type_)


def branch(location: str | None = None) -> bytes:
    weights = [writing.external("s", (COUNT,), location)] if location else []
    own = node("Identity", ["s" if location else "b"], ["o"])
    parts = [field(1, own), field(2, "branch"), *(field(5, one) for one in weights)]
    return b"".join([*parts, field(12, value("o", (COUNT,)))])


def branching(place: Place) -> bytes:
    location = str(place.secret).lstrip("/")
    arms = (of_graph("then_branch", branch(location)), of_graph("else_branch", branch(location)))
    return model([FLAT, node("If", ["yes"], ["c"], *arms), GEMM], [tensor("yes", (), b"\1", 9)])


def looping() -> bytes:
    """A loop of 2^62 turns."""
    body = b"".join(
        [
            *(field(1, one) for one in (node("Identity", ["go"], ["on"]),)),
            field(2, "body"),
            field(11, value("turn", (), writing.INT64)),
            field(11, value("go", (), 9)),
            field(12, value("on", (), 9)),
        ]
    )
    held = [tensor("turns", (), HUGE.to_bytes(8, "little"), 7), tensor("yes", (), b"\1", 9)]
    return model([FLAT, node("Loop", ["turns", "yes"], [], of_graph("body", body)), GEMM], held)


def nested(depth: int) -> bytes:
    """Graphs within graphs."""
    body = branch()
    for _ in range(depth):
        own = node(
            "If", ["yes"], ["o"], of_graph("then_branch", body), of_graph("else_branch", b"")
        )
        body = field(1, own) + field(2, "deep") + field(12, value("o", (COUNT,)))
    return model([FLAT, node("If", ["yes"], ["c"], of_graph("then_branch", body)), GEMM])


def sizes(*numbers: int) -> bytes:
    return tensor(
        "sizes",
        (len(numbers),),
        b"".join(one.to_bytes(8, "little", signed=True) for one in numbers),
        7,
    )


def summed(operator: str, inputs: Sequence[str], *attributes: bytes) -> list[bytes]:
    """A node whose whole output is summed into the logits."""
    axes = attribute("keepdims", 0)
    return [
        FLAT,
        node(operator, inputs, ["big"], *attributes),
        node("ReduceSum", ["big"], ["sum"], axes),
        node("Gemm", ["f", "w", "b"], ["g"], attribute("transB", 1)),
        node("Add", ["g", "sum"], ["y"]),
    ]


def function() -> bytes:
    """A local function, and a node that calls it."""
    body = b"".join(
        [
            field(1, "Own"),
            *(field(4, "a"), field(5, "c"), field(7, node("Identity", ["a"], ["c"]))),
            field(9, field(1, "") + field(2, 17)),
            field(10, "own"),
        ]
    )
    imports = field(8, field(1, "own") + field(2, 1))
    nodes = [node("Own", ["x"], ["z"], domain="own"), node("Flatten", ["z"], ["f"]), GEMM]
    return model(nodes, in_model=imports + field(25, body))


def many(count: int) -> bytes:
    chain = [node("Neg", [f"n{i}"], [f"n{i + 1}"]) for i in range(count)]
    return model(
        [node("Flatten", ["x"], ["n0"]), *chain, node("Identity", [f"n{count}"], ["f"]), GEMM]
    )


def raw(dims: Sequence[int], data: bytes, number_type: int = 1, more: bytes = b"") -> bytes:
    return tensor("s", dims, data, number_type) + more


EXTERNAL = {
    "external data": reading(lambda place: str(place.secret).lstrip("/")),
    "external data by an absolute path": reading(lambda place: str(place.secret)),
    "external data by parent folders": reading(lambda place: "../" * 20 + str(place.secret)[1:]),
    "external data by a doubled path": reading(lambda place: f"././/{str(place.secret)[1:]}"),
    "external data through /proc": reading(lambda place: "proc/self/root" + str(place.secret)),
    "external data of a FIFO": reading(lambda place: str(place.fifo).lstrip("/")),
    "external data of its memory": reading(lambda place: "proc/self/mem", 1 << 30),
    "external data of its environment": reading(lambda place: "proc/self/environ"),
    "external data of a descriptor": reading(lambda place: "proc/self/fd/3"),
    "external data of a device": reading(lambda place: "dev/zero"),
    "external data at an address": reading(lambda place: "*/_ORT_MEM_ADDR_/*", 1 << 20),
    "external data at another address": reading(lambda place: "*/_ORT_MEM_ADDR_/*", 4096),
    "external data with a negative offset": reading(lambda place: "etc/passwd", -8),
    "external data in a constant": OnnxFile(constant_reading, "external_data"),
    "external data in a branch": OnnxFile(branching, "forbidden_operator"),
    "external data without a place": refused(
        "external_data", model(weights=[raw((1,), floats(1), more=field(14, 1))]), *HARMLESS
    ),
    "external data that is also here": harmless(
        "external_data",
        model(weights=[raw((1,), floats(1), more=field(13, entry("location", "etc/passwd")))]),
    ),
    "external data that stands nowhere": harmless(
        "bad_onnx", model(weights=[raw((1,), floats(1), more=field(14, 9))])
    ),
    "external data in a sparse weight": refused(
        "unsupported_feature",
        model(
            in_graph=field(
                15,
                field(1, writing.external("s", (1,), "etc/passwd"))
                + field(2, writing.external("t", (1,), "etc/passwd"))
                + field(3, 8),
            )
        ),
    ),
}

OPERATORS = {
    "a loop of 2^62 turns": refused("forbidden_operator", looping(), *ENDS, "first_call_timeout"),
    "graphs 90 deep": refused("forbidden_operator", nested(90)),
    "graphs 5,000 deep": refused("forbidden_operator", nested(5_000)),
    "a function": harmless("unsupported_feature", function()),
    "an operator of another domain": refused(
        "forbidden_operator",
        model([FLAT, node("Gelu", ["f"], ["g"], domain="com.microsoft"), GEMM]),
        *HARMLESS,
    ),
    "compiled code in a context": refused(
        "forbidden_operator",
        model(
            [
                node("EPContext", ["x"], ["f"], attribute("embed_mode", 0), domain="com.microsoft"),
                GEMM,
            ]
        ),
    ),
    "an operator that nobody knows": refused(
        "forbidden_operator", before(node("Own", ["x"], ["f"]))
    ),
    "an operator without a name": refused("forbidden_operator", before(node("", ["x"], ["f"]))),
    "random numbers": harmless(
        "forbidden_operator",
        model(
            [
                FLAT,
                node("RandomNormalLike", ["f"], ["r"]),
                node("Add", ["f", "r"], ["g"]),
                node("Gemm", ["g", "w", "b"], ["y"], attribute("transB", 1)),
            ]
        ),
    ),
    "MaxUnpool out of bounds": refused(
        "forbidden_operator",
        before(
            node("MaxUnpool", ["x", "places"], ["u"], attribute("kernel_shape", [1, 1])),
            node("Flatten", ["u"], ["f"]),
            weights=[
                tensor("places", (1, 3, SIZE, SIZE), (1 << 40).to_bytes(8, "little") * FEATURES, 7)
            ],
        ),
    ),
    "ScatterND out of bounds": refused(
        "forbidden_operator",
        before(
            FLAT.replace(b"f", b"q"),
            node("ScatterND", ["q", "at", "v"], ["f"]),
            weights=[
                tensor("at", (1, 2), (1 << 40).to_bytes(8, "little") * 2, 7),
                tensor("v", (1,), floats(1)),
            ],
        ),
        *HARMLESS,
    ),
    "training": harmless("unsupported_feature", model(in_model=field(20, b""))),
    "a text as a weight": harmless(
        "unsupported_feature",
        model(weights=[field(1, 1) + field(2, STRING) + field(6, "text") + field(8, "s")]),
    ),
    "a cast to text": refused(
        "unsupported_feature",
        before(node("Cast", ["x"], ["t"], attribute("to", STRING)), node("Flatten", ["t"], ["f"])),
    ),
    "a sequence": refused(
        "forbidden_operator",
        before(node("SequenceConstruct", ["x"], ["t"]), node("Flatten", ["t"], ["f"])),
    ),
    "an opset of the future": refused("unsupported_opset", model(opset=99), *HARMLESS),
    "an opset of the past": refused("unsupported_opset", model(opset=7), *HARMLESS),
    "two opsets": harmless("unsupported_opset", model(in_model=field(8, field(2, 12)))),
    "a layout of the future": refused("unsupported_opset", model(ir_version=99)),
}

SHAPES = {
    "a weight of 2^62 numbers": refused("bad_shape", model(weights=[raw((HUGE,), b"")]), *HARMLESS),
    "sizes that overflow to 0": refused(
        "bad_shape", model(weights=[raw((1 << 32, 1 << 32), b"")]), *HARMLESS
    ),
    "sizes that overflow to 4": refused(
        "bad_shape", model(weights=[raw((1 << 33, (1 << 31) + 1), floats(1))]), *HARMLESS
    ),
    "a negative size": refused("bad_shape", model(weights=[raw((-3, -768), floats(1))]), *HARMLESS),
    "an empty size beside huge ones": refused(
        "bad_shape", model(weights=[raw((0, HUGE, HUGE), b"")]), *HARMLESS
    ),
    "a hundred dimensions": refused(
        "bad_shape", model(weights=[raw([1] * 100, floats(1))]), *HARMLESS
    ),
    "fewer bytes than its shape": refused(
        "storage_mismatch", model(rows_of("s"), [raw((1 << 20, COUNT), floats(1, 2, 3))])
    ),
    "more bytes than its shape": refused(
        "storage_mismatch", model(rows_of("s"), [raw((1, COUNT), floats(*[1] * 99))]), *HARMLESS
    ),
    "fewer numbers than its shape": refused(
        "storage_mismatch",
        model(
            rows_of("s"),
            [field(1, 999) + field(1, COUNT) + field(2, 1) + field(8, "s") + field(4, floats(1))],
        ),
    ),
    "a constant of 2^40 numbers": refused(
        "bad_shape", model(summed("ConstantOfShape", ["sizes"]), [sizes(1 << 20, 1 << 20)])
    ),
    "an expansion to 2^40 numbers": refused(
        "bad_shape", model(summed("Expand", ["b", "sizes"]), [sizes(1 << 38, COUNT)])
    ),
    "a tiling to 2^40 numbers": refused(
        "bad_shape", model(summed("Tile", ["f", "sizes"]), [sizes(1 << 20, 1 << 20)])
    ),
    "a scaling to 2^40 numbers": refused(
        "bad_shape",
        model(
            summed("Resize", ["x", "", "scales"]),
            [tensor("scales", (4,), floats(1, 1, 1 << 20, 1 << 20))],
        ),
    ),
    "a scaling to infinity": refused(
        "bad_shape",
        model(
            summed("Resize", ["x", "", "scales"]),
            [tensor("scales", (4,), floats(1, 1, float("inf"), float("nan")))],
        ),
    ),
    "a padding of 2^40": refused(
        "bad_shape", model(summed("Pad", ["f", "sizes"]), [sizes(0, 1 << 40, 0, 1 << 40)])
    ),
    "a padding that overflows": refused(
        "bad_shape",
        before(
            node(
                "AveragePool",
                ["x"],
                ["p"],
                attribute("kernel_shape", [1, 1]),
                attribute("pads", [HUGE, HUGE, HUGE, HUGE]),
            ),
            node("Flatten", ["p"], ["f"]),
        ),
    ),
    "a kernel of 2^31": refused(
        "bad_shape",
        before(
            node("MaxPool", ["x"], ["p"], attribute("kernel_shape", [1 << 31, 1 << 31])),
            node("Flatten", ["p"], ["f"]),
        ),
    ),
    "an axis out of bounds": refused(
        "bad_shape", before(node("Flatten", ["x"], ["f"], attribute("axis", HUGE)))
    ),
    "an input of 2^60 pixels": refused(
        "bad_shape", model(takes=value("x", ("n", 3, 1 << 30, 1 << 30)))
    ),
}

PROTOBUF = {
    "an unknown field": harmless("unknown_field", model(in_model=field(99, "hidden"))),
    "an unknown field in the graph": harmless("unknown_field", model(in_graph=field(99, b""))),
    "a second graph": refused(
        "bad_onnx", model(in_model=field(7, field(1, node("Identity", ["y"], ["z"])))), *HARMLESS
    ),
    "a group": refused(
        "bad_onnx", model(in_model=varint(1 << 3 | 3) + varint(1 << 3 | 4)), *HARMLESS
    ),
    "a field of another type": harmless("bad_onnx", model(in_model=varint(1 << 3 | 5) + b"abcd")),
    "a length beyond the end": refused("bad_onnx", model() + varint(2 << 3 | 2) + varint(1 << 40)),
    "a number without an end": refused("bad_onnx", model() + b"\x28" + b"\xff" * 20),
    "two weights of one name": refused("bad_onnx", model(weights=[LINEAR[0]]), *HARMLESS),
    "a weight made twice": refused(
        "bad_onnx", model([FLAT, node("Identity", ["x"], ["w"]), GEMM]), *HARMLESS
    ),
    "a cycle": refused(
        "bad_onnx",
        model([node("Add", ["q", "f"], ["f"]), node("Identity", ["f"], ["q"]), GEMM]),
    ),
    "a value that nothing makes": refused("bad_onnx", model([GEMM])),
    "an output that nothing makes": refused("bad_onnx", model(gives=[value("q", ("n", COUNT))])),
    "an attribute twice": refused(
        "bad_onnx",
        before(node("Flatten", ["x"], ["f"], attribute("axis", 1), attribute("axis", 3))),
        *HARMLESS,
    ),
    "an attribute of two types": refused(
        "bad_onnx",
        before(node("Flatten", ["x"], ["f"], attribute("axis", 1) + field(4, "text"))),
        *HARMLESS,
    ),
    "30,000 operators": refused("too_complex", many(30_000), *HARMLESS, "load_timeout"),
    "a name of a megabyte": refused(
        "too_complex", before(node("Flatten", ["x"], ["f"]) + field(3, "n" * (1 << 20))), *HARMLESS
    ),
    "two inputs": refused("bad_signature", model(in_graph=field(11, value("z", ("n", 3)))), *ENDS),
    "labels instead of logits": refused(
        "bad_signature",
        model([FLAT, GEMM, node("ArgMax", ["y"], ["l"])], gives=[value("l", ("n",), 7)]),
    ),
    "no graph": refused("bad_onnx", b"\x08\x08\x12\x02no"),
    "a file of onnxruntime's own format": refused(
        "unknown_field", b"\x08\x08\x12\x00ORTM" + bytes(100)
    ),
}

PASSING = {
    "memory by a shape that it computes": OnnxFile(
        always(
            model(
                [
                    *(
                        FLAT,
                        node(
                            "ArgMax", ["f"], ["i"], attribute("axis", 1), attribute("keepdims", 0)
                        ),
                    ),
                    node("Mul", ["i", "nought"], ["j"]),
                    node("Add", ["j", "sizes"], ["k"]),
                    node("ConstantOfShape", ["k"], ["big"]),
                    node("ReduceSum", ["big"], ["sum"], attribute("keepdims", 0)),
                    node("Gemm", ["f", "w", "b"], ["g"], attribute("transB", 1)),
                    node("Add", ["g", "sum"], ["y"]),
                ],
                [sizes(1 << 40), tensor("nought", (1,), bytes(8), 7)],
            )
        ),
        None,
        ("out_of_memory", "wrong_input", "crashed"),
    ),
    "time by many products": OnnxFile(
        always(
            model(
                [
                    *(FLAT, node("Constant", [], ["sizes"], attribute("value_ints", [3000, 3000]))),
                    node("ConstantOfShape", ["sizes"], ["m0"]),
                    node("ReduceMean", ["f"], ["mean"], attribute("keepdims", 0)),
                    node("Add", ["m0", "mean"], ["m1"]),
                    *(node("MatMul", [f"m{i}", "m1"], [f"m{i + 1}"]) for i in range(1, 200)),
                    node("ReduceMean", ["m200"], ["sum"], attribute("keepdims", 0)),
                    node("Gemm", ["f", "w", "b"], ["g"], attribute("transB", 1)),
                    node("Min", ["g", "sum"], ["y"]),
                ]
            )
        ),
        None,
        ("first_call_timeout", "out_of_memory", "total_timeout"),
    ),
    "places out of bounds": OnnxFile(
        always(
            model(
                [
                    FLAT,
                    node("Gather", ["w", "at"], ["z"], attribute("axis", 0)),
                    node("Gemm", ["f", "z", "b"], ["y"], attribute("transB", 1)),
                ],
                [tensor("at", (3,), (1 << 40).to_bytes(8, "little") * 3, 7)],
            )
        ),
        None,
        ENDS,
    ),
    "negative places out of bounds": OnnxFile(
        always(
            model(
                [
                    FLAT,
                    node("GatherElements", ["w", "at"], ["z"]),
                    node("Gemm", ["f", "z", "b"], ["y"], attribute("transB", 1)),
                ],
                [
                    tensor(
                        "at",
                        (3, FEATURES),
                        (-(1 << 40)).to_bytes(8, "little", signed=True) * 3 * FEATURES,
                        7,
                    )
                ],
            )
        ),
        None,
        ENDS,
    ),
    "an answer of three images": OnnxFile(
        always(
            model(
                [
                    FLAT,
                    node("Gemm", ["f", "w", "b"], ["g"], attribute("transB", 1)),
                    node("Concat", ["g", "g", "g"], ["y"], attribute("axis", 0)),
                ]
            )
        ),
        None,
        ("wrong_output",),
    ),
    "a broadcast that does not fit": OnnxFile(
        always(
            before(
                node("Flatten", ["x"], ["e"]),
                node("Add", ["e", "o"], ["f"]),
                weights=[tensor("o", (5,), floats(1, 2, 3, 4, 5))],
            )
        ),
        None,
        ENDS,
    ),
}

FILES: dict[str, OnnxFile] = {**EXTERNAL, **OPERATORS, **SHAPES, **PROTOBUF, **PASSING}
