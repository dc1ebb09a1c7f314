"""TorchScript on CPU and CUDA. Only the sandbox's child loads this module."""

from __future__ import annotations

import io
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

import torch

from scoring.formats.torchscript import counting

if TYPE_CHECKING:
    from scoring.formats.contract import Network


class Cpu:
    """`formats.contract.Runtime` in host memory."""

    device = "cpu"

    def load(self, data: bytes) -> Network:
        """The module in evaluation mode; a frozen one has no mode left to set."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated, and still what teams send
            module = torch.jit.load(io.BytesIO(data), map_location=self.device)  # type: ignore[no-untyped-call]
        with suppress(Exception):
            module.eval()
        return module  # type: ignore[no-any-return]

    def prepare(self, network: Network, example: torch.Tensor) -> tuple[Network, bool]:
        """The network frozen and optimized for inference; unchanged if that fails."""
        try:
            ready: Network = torch.jit.optimize_for_inference(network)  # type: ignore[arg-type]
            for _ in range(2):  # the second call runs what the first has compiled
                self.answer(ready, example.clone())
        except Exception:  # every pass of the optimizer fails in its own way
            return network, False
        return ready, True

    def answer(self, network: Network, batch: torch.Tensor) -> torch.Tensor:
        return network(batch)

    def count(self, network: Network, batch: torch.Tensor) -> int | None:
        return counting.macs(network, batch.to(self.device))

    def finish(self) -> None:
        """Nothing: a CPU answers before it returns."""

    def start_threads(self, count: int) -> None:
        """Have torch start its threads, which it does at the first large operation."""
        torch.set_num_threads(count)
        torch.ones(1 << 22).add_(1).sum()

    def rehearse(self) -> None:
        """Trace, save, load, prepare and call a small network."""
        network = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU()
        )
        example = torch.zeros(1, 3, 16, 16)
        archive = io.BytesIO()
        # Checking the trace imports a library for symbols for a second, which no child needs.
        traced = torch.jit.trace(network.eval(), example, check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(traced, archive)
        with torch.inference_mode():
            loaded = self.load(archive.getvalue())
            self.count(loaded, example)
            ready, _ = self.prepare(loaded, example)
            ready(example)


class Cuda(Cpu):
    """`formats.contract.Runtime` on a GPU."""

    device = "cuda"

    def load(self, data: bytes) -> Network:
        """The module, under settings that are the same for every model."""
        torch.backends.cudnn.benchmark = False  # else each process may choose other kernels
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cuda.matmul.allow_tf32 = True
        return super().load(data)

    def answer(self, network: Network, batch: torch.Tensor) -> torch.Tensor:
        return network(batch.to(self.device))

    def finish(self) -> None:
        """Wait for the GPU."""
        torch.cuda.synchronize()
