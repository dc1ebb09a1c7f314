"""TorchScript on CPU and CUDA."""

from __future__ import annotations

import io
import warnings

import torch

from scoring.runtimes import Model


class Cpu:
    name = "torchscript-cpu"
    device = "cpu"

    def load(self, data: bytes) -> Model:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated, and still what teams send
            return torch.jit.load(io.BytesIO(data), map_location=self.device)  # type: ignore[no-untyped-call,no-any-return]

    def prepare(self, model: Model, example: torch.Tensor) -> tuple[Model, bool]:
        """Frozen and optimized for inference; as it came where that fails."""
        try:
            if hasattr(model, "training"):  # a frozen archive has no mode left to set
                model.eval()  # type: ignore[attr-defined]
            ready: Model = torch.jit.optimize_for_inference(model)  # type: ignore[arg-type]
            for _ in range(2):  # the second call runs what the first has compiled
                self.bound(ready)(example.clone())
        except Exception:  # every pass of the optimizer fails in its own way
            return self.bound(model), False
        return self.bound(ready), True

    def bound(self, model: Model) -> Model:
        """The model as a function from host memory to wherever it answers."""
        return model

    def finish(self) -> None:
        pass


class Cuda(Cpu):
    name = "torchscript-cuda"
    device = "cuda"

    def bound(self, model: Model) -> Model:
        return lambda batch: model(batch.to(self.device))

    def finish(self) -> None:
        torch.cuda.synchronize()
