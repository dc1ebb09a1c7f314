"""Ways to run a model file inside the sandbox child. To add one: a module like `torchscript`, a
line here.

Imported by the child only; nothing else in this package loads an upload.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch

Model = Callable[[torch.Tensor], torch.Tensor]


class Runtime(Protocol):
    name: str

    def load(self, data: bytes) -> Model:
        """The model of an archive. Raises whatever the format's loader raises."""

    def prepare(self, model: Model, example: torch.Tensor) -> tuple[Model, bool]:
        """The model made faster, the same way for everybody, and whether that worked."""

    def answer(self, model: Model, batch: torch.Tensor) -> torch.Tensor:
        """What the model says to a batch in host memory, on whatever device."""

    def finish(self) -> None:
        """Wait until everything that was asked for is done."""


def named(device: str) -> Runtime:
    """The runtime for TorchScript on `device`, cpu or cuda."""
    from scoring.formats.torchscript import runtime

    return runtime.Cuda() if device == "cuda" else runtime.Cpu()
