"""TorchScript on CPU and CUDA."""

from __future__ import annotations

import io
import warnings
from contextlib import suppress

import torch

from scoring.formats.runtimes import Model


class Cpu:
    name = "torchscript-cpu"
    device = "cpu"

    def load(self, data: bytes) -> Model:
        """The module in evaluation mode; a frozen one has no mode left to set."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated, and still what teams send
            module = torch.jit.load(io.BytesIO(data), map_location=self.device)  # type: ignore[no-untyped-call]
        with suppress(Exception):
            module.eval()
        return module  # type: ignore[no-any-return]

    def prepare(self, model: Model, example: torch.Tensor) -> tuple[Model, bool]:
        """Frozen and optimized for inference; as it came where that fails."""
        try:
            ready: Model = torch.jit.optimize_for_inference(model)  # type: ignore[arg-type]
            for _ in range(2):  # the second call runs what the first has compiled
                self.answer(ready, example.clone())
        except Exception:  # every pass of the optimizer fails in its own way
            return model, False
        return ready, True

    def answer(self, model: Model, batch: torch.Tensor) -> torch.Tensor:
        """What the model says, on whatever device it says it."""
        return model(batch)

    def finish(self) -> None:
        pass


class Cuda(Cpu):
    name = "torchscript-cuda"
    device = "cuda"

    def load(self, data: bytes) -> Model:
        """The module, under settings that are the same for everybody."""
        torch.backends.cudnn.benchmark = False  # it would choose by a race, a new one each time
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cuda.matmul.allow_tf32 = True
        return super().load(data)

    def answer(self, model: Model, batch: torch.Tensor) -> torch.Tensor:
        return model(batch.to(self.device))

    def finish(self) -> None:
        torch.cuda.synchronize()
