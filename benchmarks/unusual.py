"""Plain networks written in unusual ways, as honest authors do.

Together they use most of what TorchScript can express: attributes of all types, classes, enums,
interfaces, exported methods, loops, complex numbers, autocast. Imports are not postponed, because
TorchScript reads annotations as they are.
"""

import enum
from typing import NamedTuple

import torch
from torch import Tensor, nn

from benchmarks import nets
from scoring.training import networks

SIDE = 64
"""Side of the images of these networks, in pixels."""


class Converting(nn.Module):
    """Computes in another dtype, and answers in float32."""

    def __init__(self, model: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.model = model
        self.dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.model(x.to(self.dtype)).float()
        return y


class Autocast(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):
            y: Tensor = self.model(x)
        return y.float()


class ScriptedAutocast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.model = nets.minute()

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(device_type="cpu", dtype=torch.bfloat16):
            y = self.model(x)
        return y.float()


class NormalizingInPlace(nn.Module):
    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.model(x.sub_(self.mean).div_(self.std))
        return y


class Ensemble(nn.Module):
    def __init__(self, *models: nn.Module) -> None:
        super().__init__()
        self.models = nn.ModuleList(models)

    def forward(self, x: Tensor) -> Tensor:
        answers = [model(x) for model in self.models]
        return torch.stack(answers).softmax(2).mean(0).log()


class Block(nn.Module):
    """A part of `Grown`, under a name that is made at run time."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        for number, layer in enumerate(networks.convolution(inputs, outputs, 2)):
            setattr(self, f"layer{number}", layer)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer2(self.layer1(self.layer0(x)))
        return y


class Grown(nn.Module):
    """Submodules with computed names, read by getattr, from a dictionary and from a list."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module("stem", Block(3, 8))
        self.stages = nn.ModuleDict({"first": Block(8, 16), "second": Block(16, 16)})
        self.rest = nn.ModuleList([nn.Identity(), *networks.head(16, len(nets.CLASSES))])

    def forward(self, x: Tensor) -> Tensor:
        x = getattr(self, "stem")(x)  # noqa: B009  what this is about
        for stage in self.stages.values():
            x = stage(x)
        x = self.stages["second"].layer2(x)
        for layer in self.rest:
            x = layer(x)
        return x


class Exporting(nn.Module):
    """Further methods besides forward, and parts that were scripted or traced by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.body = torch.jit.trace(nets.minute().eval(), torch.zeros(1, 3, SIDE, SIDE))  # type: ignore[no-untyped-call]
        self.last = torch.jit.script(nn.Linear(len(nets.CLASSES), len(nets.CLASSES)))  # type: ignore[no-untyped-call]
        self.calls = 0

    @torch.jit.export
    def probabilities(self, x: Tensor) -> Tensor:
        return self.forward(x).softmax(1)

    @torch.jit.export
    def features(self, x: Tensor, depth: int = 1) -> list[Tensor]:
        return [self.body(x)] * depth

    @torch.jit.ignore  # type: ignore[untyped-decorator]
    def report(self) -> str:
        return "never called in a script"

    @torch.jit.unused  # type: ignore[untyped-decorator]
    def unused(self, x: Tensor) -> Tensor:
        return x

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.body(x))
        return y


class Pooling(enum.Enum):
    MEAN = 1
    MAX = 2


class Sizes(NamedTuple):
    height: int
    width: int


class Answer(NamedTuple):
    logits: Tensor
    sizes: Sizes


@torch.jit.interface  # type: ignore[untyped-decorator]
class Head(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        pass


@torch.jit.script  # type: ignore[untyped-decorator]
class Affine:
    """A class of the author's own."""

    def __init__(self, factor: float, shift: float):
        self.factor = factor
        self.shift = shift

    def apply(self, x: Tensor) -> Tensor:
        return x * self.factor + self.shift


class Attributed(nn.Module):
    """Attributes of every type that TorchScript can keep, and messages of an author."""

    names: dict[int, str]
    weights: dict[str, Tensor]
    scales: list[float]
    steps: list[int]
    flags: list[bool]
    tensors: list[Tensor]
    pair: tuple[int, float]
    nothing: Tensor | None
    head: Head
    texts: list[str]

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.names = {0: "cat", 1: "dog"}
        self.weights = {"a": torch.ones(1), "b": torch.zeros(1, dtype=torch.float64)}
        self.scales, self.steps, self.flags = [1.0, 0.5], [2, 3], [True]
        self.tensors = [torch.ones(2, 3), torch.ones(2, dtype=torch.int64)]
        self.texts = ["os.system('id')", "ops.os.system(", "((((((((((", "C:\\models\\one"]
        self.pair = (1, 0.5)
        self.nothing = None
        self.pooling = Pooling.MEAN
        self.sizes = Sizes(SIDE, SIDE)
        self.device = torch.device("cpu")
        self.dtype = torch.float32
        self.layout = torch.strided
        self.turn = 1j
        self.head = Lazy()
        self.register_buffer("mask", torch.ones(3, dtype=torch.bool))
        self.register_buffer("phases", torch.ones(3, dtype=torch.complex64))
        self.register_buffer("steps_seen", torch.zeros((), dtype=torch.int64))
        self.register_buffer("empty", torch.zeros(0, 3))
        self.register_buffer("tied", self.mask.view(3, 1))
        self.register_buffer("temporary", torch.ones(2), persistent=False)

    def answer(self, x: Tensor) -> Answer:
        assert x.size(0) > 0, f"no image: {x.shape}"
        affine = Affine(self.scales[0], 0.0)
        y = affine.apply(self.head.forward(x.to(device=self.device, dtype=self.dtype)))
        if self.pooling == Pooling.MAX:
            y = y * abs(self.turn)
        for name, weight in self.weights.items():
            if name == "a":
                y = y * weight
        return Answer(y, Sizes(self.sizes[0], self.sizes[1]))

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 4:
            raise ValueError(f"images have four dimensions, not {x.dim()} ({self.texts[0]})")
        logits, sizes = self.answer(x)
        nothing = self.nothing
        if nothing is not None:
            logits = logits + nothing
        steps = [step * 2 for step in self.steps]
        try_all = torch.tensor(steps, dtype=torch.float32).sum() * 0
        return logits + try_all + self.pair[0] * 0 + sizes.height * 0 + self.tensors[0].sum() * 0


class Recurrent(nn.Module):
    """Reads the image row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.LSTM(3 * SIDE, 32, num_layers=2, bidirectional=True, batch_first=True)
        self.again = nn.GRU(64, 32, batch_first=True)
        self.head = nn.Linear(32, len(nets.CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.rows(x.permute(0, 2, 3, 1).flatten(2))
        y = self.again(y)[0]
        return self.head(y[:, -1])


class Attending(nn.Module):
    """torch's own transformer layers over patches."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 32, 8, 8)
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2)
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)
        self.head = nn.Linear(32, len(nets.CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        y = self.layers(self.patches(x).flatten(2).transpose(1, 2))
        y = y + self.attention(y, y, y)[0]
        y = nn.functional.scaled_dot_product_attention(y, y, y)
        return self.head(y.mean(1))


class Spectral(nn.Module):
    """Complex numbers, FFT, sampling, sorting, linear algebra: operators that are rarely seen."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filter", torch.randn(3, SIDE, SIDE // 2 + 1, dtype=torch.complex64))
        self.register_buffer("theta", torch.tensor([[[1.0, 0.1, 0.0], [-0.1, 1.0, 0.0]]]))
        self.embedding = nn.EmbeddingBag(16, 4, mode="mean")
        self.head = nn.Linear(3 * 4 + 3 + 4 + 3, len(nets.CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.fft.irfft2(torch.fft.rfft2(x) * self.filter, s=x.shape[2:])
        theta = self.theta.expand(x.size(0), -1, -1)
        grid = nn.functional.affine_grid(theta, list(y.shape), align_corners=False)
        y = nn.functional.grid_sample(y, grid, align_corners=False)
        y = nn.functional.interpolate(y, scale_factor=0.5, mode="bicubic", align_corners=False)
        top = y.flatten(2).topk(4, dim=2).values.flatten(1)
        spread = torch.linalg.svdvals(y.float())[:, :, 0]
        words = y.flatten(1)[:, :8].abs().mul(3).long().clamp(0, 15)
        count = torch.einsum("bchw,bchw->bc", y, y).sort(1).values.cumsum(1)
        return self.head(torch.cat([top, spread, self.embedding(words), count], 1))


class Lazy(nn.Module):
    """Loops, branches on data, an early exit, shapes computed as it goes."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nets.minute()
        self.second = nets.minute()

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        step = 0
        while bool(y.softmax(1).max() < 0.9) and step < 3:
            y = y + self.second(torch.flip(x, [3]))
            step += 1
            if step == 2:
                continue
        return y


class Weighted(nn.Module):
    """Parametrizations that torch wraps around weights."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 8, 8, 8))
        self.tail = nn.Sequential(*networks.head(8, len(nets.CLASSES)))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.tail(self.conv(x).relu())
        return y
