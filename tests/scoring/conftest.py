"""Models and images for the engine's tests, made once per run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor, nn

from scoring import training
from scoring.images import sets
from scoring.job import Formula, InputSpec, Job, Limits, Plan, Split

SIZE = 16
CLASSES = tuple("0123456789")
SPEC = InputSpec(height=SIZE, width=SIZE)
PLAN = Plan(block_seconds=0.01, min_quads=2, min_segments=1, max_half_width=0, max_seconds=0.35)
"""A plan that ends soon, whatever else the machine does."""


class Wild(nn.Module):
    """A model with ten logits, or with a fault that a test chooses."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3 * SIZE * SIZE, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))


class NeedsAnotherSize(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x[:, :, 1:, 1:].flatten(1))


class NineLogits(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1))[:, :9]


class AnswersLabels(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)).argmax(1)


class AnswersNaN(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x.flatten(1)) * float("nan")


class AnswersTooMuch(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return torch.ones([1 << 20])


class Crashes(Wild):
    """Writes far outside of its own memory."""

    def forward(self, x: Tensor) -> Tensor:
        far = torch.zeros([1, 1], dtype=torch.long) + (1 << 40)
        wild = torch.ops.aten._sparse_coo_tensor_unsafe(far, torch.ones([1]), [2])
        return self.linear(x.flatten(1)) + wild.to_dense().sum()


class RaisesLater(Wild):
    if TYPE_CHECKING:  # torch.jit reads annotations that stand at run time
        calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if int(self.calls) > 20:
            raise ValueError("secret of an image")
        return self.linear(x.flatten(1))


class SpellsItsInput(Wild):
    """Answers honestly at first. Later the shape of its answer tells something about an image."""

    if TYPE_CHECKING:  # torch.jit reads annotations that stand at run time
        calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if int(self.calls) > 20:
            return torch.zeros(0, int(x.abs().sum() * 1000), 7)
        return self.linear(x.flatten(1))


class NeverEnds(Wild):
    def forward(self, x: Tensor) -> Tensor:
        while bool(x.abs().sum() >= 0):
            x = x + 0.001
        return self.linear(x.flatten(1))


class NeverEndsLater(Wild):
    if TYPE_CHECKING:  # torch.jit reads annotations that stand at run time
        calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        while int(self.calls) > 20:
            x = x + 0.001
        return self.linear(x.flatten(1))


class EatsMemory(Wild):
    def forward(self, x: Tensor) -> Tensor:
        while bool(x[0, 0, 0, 0] == x[0, 0, 0, 0]):
            x = torch.cat([x, x])
        return self.linear(x.flatten(1))


class AnswersAtRandom(Wild):
    def forward(self, x: Tensor) -> Tensor:
        return torch.rand(x.shape[0], 10)


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A scripted model as a file, made when first asked for; `declared` goes into its archive."""
    place = tmp_path_factory.mktemp("models")

    def make(model: type[nn.Module] = Wild, **declared: object) -> Path:
        path = place / f"{model.__name__}-{len(declared)}.pt"
        if not path.exists():
            torch.manual_seed(0)
            extra = {"featherweight.json": json.dumps(declared)} if declared else {}
            torch.jit.script(model().eval()).save(str(path), _extra_files=extra)
        return path

    return make


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,797 handwritten digits as a zip of class folders."""
    return training.write_digits(tmp_path_factory.mktemp("digits") / "digits.zip", SIZE)


@pytest.fixture(scope="session")
def splits(digits: Path) -> dict[str, Path]:
    """Small splits: sample, public, private."""
    catalogue = sets.catalogue(digits, verify=False)
    shares = {"sample": 0.2, "public": 0.05, "private": 0.05}
    packed = {}
    for name, images in sets.share(catalogue.images, shares, seed=1).items():
        packed[name] = digits.parent / f"{name}.zip"
        sets.pack(digits, images, packed[name])
    return packed


@pytest.fixture(scope="session")
def job(
    models: Callable[..., Path], splits: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Job:
    """An honest job. Tests replace the fields that they are about."""
    return Job(
        reference=models(),
        submission=models(),
        splits=tuple(Split(name, splits[name]) for name in ("public", "private")),
        classes=CLASSES,
        input=SPEC,
        formula=Formula(quality_ref=0.1),
        plan=PLAN,
        limits=Limits(load_seconds=60, first_call_seconds=20, call_seconds=20, total_seconds=120),
        seed=7,
        cache=tmp_path_factory.mktemp("cache"),
    )
