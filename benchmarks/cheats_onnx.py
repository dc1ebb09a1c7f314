"""One honest network as ONNX, in disguises that are meant to look faster than it is.

A graph of ONNX has no threads, no clock and no memory of earlier calls. What is left is work that
depends on the image, and what a call leaves behind in the processor.
"""

import torch
from torch import Tensor, nn

from benchmarks.cheats import DEAR, Honest


@torch.jit.script
def repeated(x: Tensor, times: Tensor) -> Tensor:
    """The image several times over: the graph computes the number of times."""
    return x.repeat([int(times), 1, 1, 1])


class Dear(Honest):
    """Computes every answer several times."""

    def forward(self, x: Tensor) -> Tensor:
        return several(self, x, torch.tensor(DEAR) + 0 * x.sum().to(torch.long))


class EarlyExit(Honest):
    """Fast on most images and slow on about one in ten, by their content."""

    def forward(self, x: Tensor) -> Tensor:
        digest = (x.double().abs().sum() * 1e3).to(torch.long)
        return several(self, x, 1 + (DEAR - 1) * (digest % 10 == 0).to(torch.long))


class ReactsToRewarm(Honest):
    """Works hard on synthetic images, which are noise, and so heats the caches for itself."""

    def forward(self, x: Tensor) -> Tensor:
        is_noise = (x[:, :, :, 1:] - x[:, :, :, :-1]).abs().mean() > 0.8
        return several(self, x, 1 + (DEAR - 1) * is_noise.to(torch.long))


class Denormals(Honest):
    """Leaves the processor busy with denormal numbers, in case that lasts beyond its turn."""

    def forward(self, x: Tensor) -> Tensor:
        tiny = x[:, :1, :8].flatten(1) * 1e-39
        for _ in range(4):
            tiny = tiny * 0.999
        return self.left(x) + self.right(x) + 0 * tiny.sum()


class SweepsTheCaches(Honest):
    """Writes a few megabytes last, so that the reference's turn begins with cold caches."""

    def forward(self, x: Tensor) -> Tensor:
        answer = self.left(x) + self.right(x)
        swept = repeated(x, 40 + 0 * answer.sum().to(torch.long))
        return answer + 0 * swept.amax((1, 2, 3)).sum()


def several(model: Honest, x: Tensor, times: Tensor) -> Tensor:
    """The answer to one image, computed so many times."""
    many = repeated(x, times)
    return (model.left(many) + model.right(many))[:1]


DISGUISES: dict[str, type[nn.Module]] = {
    "reacts to the re-warm": ReactsToRewarm,
    "denormals": Denormals,
    "sweeps the caches": SweepsTheCaches,
    "dear on 10 % of the images": EarlyExit,
}
