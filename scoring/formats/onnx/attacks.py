"""ONNX files that try to break out of the sandbox, made by hand.

Standard library only. The static gate refuses external data: these files test the sandbox alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from scoring.formats.contract import Attempt
from scoring.formats.onnx import writing
from scoring.formats.onnx.writing import node
from scoring.sentences import say

IMAGES = writing.value("x", ("n", 3, 8, 8))
ANSWER = writing.value("y", ("n", 2))


def honest() -> bytes:
    """A model that answers two numbers of its input and tries nothing."""
    weights = [
        writing.tensor("w", (2, 192), writing.floats(*([0.01] * 384))),
        writing.tensor("b", (2,), writing.floats(0, 1)),
    ]
    gemm = node("Gemm", ["f", "w", "b"], ["y"], writing.attribute("transB", 1))
    flat = node("Flatten", ["x"], ["f"])
    return writing.model(writing.graph([flat, gemm], weights, takes=IMAGES, gives=[ANSWER]))


def attempts(secret: Path, *, is_gpu: bool) -> Iterator[Attempt]:
    """The attempts: the doors by which onnxruntime opens a file that a model names.

    Its sessions refuse absolute paths, and ONNX has no operator that writes files or starts
    threads. On a GPU a model may read programs, because the GPU's driver does.
    """
    machines = Path("/etc/passwd") if is_gpu else Path(sys.executable).resolve()
    gains = (
        (secret, say("A model can read the worker's files.")),
        (machines, say("A model can read the machine's files.")),
    )
    for path, gain in gains:
        below_root = str(path).lstrip("/")  # the sandbox works in /
        for location in (below_root, "../" * 16 + below_root):
            yield Attempt(gain, reading(location))
        yield Attempt(gain, constant_reading(below_root))


def reading(location: str) -> bytes:
    """A model whose weight is the start of a file."""
    return graph_with([writing.external("s", (8, 2), location)], [])


def constant_reading(location: str) -> bytes:
    """A model with a constant that is the start of a file."""
    held = writing.external("held", (8, 2), location)
    constant = node("Constant", [], ["s"], writing.attribute("value", held))
    return graph_with([], [constant])


def graph_with(weights: list[bytes], before: list[bytes]) -> bytes:
    """A graph that answers with rows of the value `s`, made finite.

    The input chooses the rows, so that onnxruntime cannot compute the answer while it loads.
    """
    scalars = [
        writing.tensor(name, (), writing.floats(number))
        for name, number in (("zero", 0), ("one", 1), ("low", -1), ("high", 1))
    ]
    nodes = [
        *before,
        node("Flatten", ["x"], ["f"]),
        node("Mul", ["f", "zero"], ["g"]),
        node(
            "ArgMax", ["g"], ["i"], writing.attribute("axis", 1), writing.attribute("keepdims", 0)
        ),
        node("Gather", ["s", "i"], ["z"]),
        node("IsNaN", ["z"], ["n"]),
        node("Where", ["n", "one", "z"], ["t"]),
        node("Clip", ["t", "low", "high"], ["y"]),
    ]
    return writing.model(writing.graph(nodes, [*weights, *scalars], takes=IMAGES, gives=[ANSWER]))
