"""MACs: from the graph of an ONNX file, from TorchScript by running it. None if that is not
sure."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import torch
from torch import nn

from scoring.formats.onnx import archive, attacks, writing
from scoring.formats.onnx.writing import attribute, node
from scoring.formats.torchscript import counting

IMAGES = (2, 3, 16, 16)
CONV = 8 * 3 * 3 * 3 * 8 * 8  # of a stride of 2
LINEAR = 8 * 6
Nodes = Sequence[bytes]


class Net(nn.Module):
    """A convolution to eight channels, then one linear layer of what `middle` leaves."""

    def __init__(self, middle: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.last = nn.Linear(8, 6)
        self.middle = middle

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.last(self.middle(self.conv(x).relu().mean((2, 3))))
        return found


def traced(network: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    file = io.BytesIO()
    found = torch.jit.trace(network.eval(), torch.zeros(IMAGES), check_trace=False)
    torch.jit.save(found, file)
    loaded: Callable[[torch.Tensor], torch.Tensor] = torch.jit.load(io.BytesIO(file.getvalue()))
    return loaded


def test_torchscript_is_counted_as_it_runs() -> None:
    with torch.inference_mode():
        found = counting.macs(traced(Net(nn.Identity())), torch.zeros(IMAGES))
    assert found == IMAGES[0] * (CONV + LINEAR)


def test_an_operator_without_a_formula_makes_the_sum_unknown() -> None:
    network = Net(lambda x: x * torch.mv(x, torch.ones(8))[:, None])
    with torch.inference_mode():
        assert counting.macs(traced(network), torch.zeros(IMAGES)) is None


def macs(nodes: Nodes, weights: Sequence[bytes] = ()) -> int | None:
    """Multiplications of a graph that ends with y."""
    gives = [writing.value("y", ("n", 2))]
    takes = writing.value("x", ("n", 3, 16, 16))
    file = writing.model(writing.graph(list(nodes), list(weights), takes=takes, gives=gives))
    return archive.opened(io.BytesIO(file)).macs(IMAGES)


def weight(name: str, *dims: int) -> bytes:
    count = 1
    for side in dims:
        count *= side
    return writing.tensor(name, dims, writing.floats(*([0.0] * count)))


CONVOLVED = [
    node("Conv", ["x", "w"], ["c"], attribute("strides", [2, 2]), attribute("pads", [1, 1, 1, 1])),
    node("Relu", ["c"], ["r"]),
]
POOLED = [*CONVOLVED, node("GlobalAveragePool", ["r"], ["g"]), node("Flatten", ["g"], ["f"])]
WEIGHTS = [weight("w", 8, 3, 3, 3), weight("l", 6, 8)]
LAST = node("Gemm", ["f", "l"], ["y"], attribute("transB", 1))


def test_onnx_is_counted_from_its_shapes() -> None:
    assert macs([*POOLED, LAST], WEIGHTS) == CONV + LINEAR
    assert archive.opened(io.BytesIO(attacks.honest())).macs((1, 3, 8, 8)) == 2 * 192


def test_a_product_or_a_shape_without_a_rule_makes_the_sum_unknown() -> None:
    last = node("Gemm", ["h", "l"], ["y"], attribute("transB", 1))
    for middle in (
        [node("Einsum", ["f"], ["e"]), node("Flatten", ["f"], ["h"])],
        [node("TopK", ["f", "k"], ["h", "i"])],
    ):
        assert macs([*POOLED, *middle, last], [*WEIGHTS, weight("k", 1)]) is None


def test_a_graph_that_grows_without_end_is_followed_no_further() -> None:
    """Each node doubles a list, a side or a number."""
    grown = [node("Shape", ["x"], ["s0"]), node("Flatten", ["x"], ["t0"])]
    for at in range(200):
        grown.append(node("Concat", [f"s{at}", f"s{at}"], [f"s{at + 1}"], attribute("axis", 0)))
        grown.append(node("Concat", [f"t{at}", f"t{at}"], [f"t{at + 1}"], attribute("axis", 1)))
        grown.append(node("Mul", [f"s{at}", f"s{at}"], [f"m{at + 1}"]))
    last = node("Gemm", ["t200", "l"], ["y"], attribute("transB", 1))
    assert macs([*grown, last], [weight("l", 6, 8)]) is None
