"""One honest network in disguises that are meant to look faster than it is."""

from typing import Dict, List  # noqa: UP035  TorchScript knows these names only

import torch
from torch import Tensor, nn

from benchmarks import nets

DEAR = 6
"""A slow image takes so many times as long as a fast one."""


class Honest(nn.Module):
    """Two towers whose answers are added."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nets.residual((16, 32, 64, 128))
        self.right = nets.residual((16, 32, 64, 128))

    def forward(self, x: Tensor) -> Tensor:
        return self.left(x) + self.right(x)


class ForksHalf(Honest):
    """Computes its towers on two threads at once."""

    def forward(self, x: Tensor) -> Tensor:
        other = torch.jit.fork(self.left, x)
        return self.right(x) + torch.jit.wait(other)


class LeavesWork(Honest):
    """Answers, and leaves work running that should slow the reference's turn."""

    left_running: List[torch.jit.Future[Tensor]]  # noqa: UP006

    def __init__(self) -> None:
        super().__init__()
        self.left_running = []

    def burn(self, x: Tensor) -> Tensor:
        for _ in range(6):
            x = torch.conv2d(x, torch.ones(3, 3, 3, 3), padding=1) * 0.03
        return x

    def forward(self, x: Tensor) -> Tensor:
        # Work that nothing refers to is not even compiled.
        self.left_running.append(torch.jit.fork(self.burn, x.clone()))
        return self.left(x) + self.right(x)


class WorksBetween(Honest):
    """Has one tower's answer to a fixed image computed between its calls, instead of in them."""

    later: List[torch.jit.Future[Tensor]]  # noqa: UP006

    def __init__(self) -> None:
        super().__init__()
        self.later = []

    def forward(self, x: Tensor) -> Tensor:
        if len(self.later) == 0:
            self.later.append(torch.jit.fork(self.left, torch.zeros_like(x)))
        ready = torch.jit.wait(self.later.pop())
        self.later.append(torch.jit.fork(self.left, torch.zeros_like(x)))
        return self.right(x) + 0 * ready


class WorksInside(Honest):
    """The honest twin of `WorksBetween`: the same work, all of it inside of the call."""

    def forward(self, x: Tensor) -> Tensor:
        return self.right(x) + 0 * self.left(torch.zeros_like(x))


class Remembers(Honest):
    """Keeps its answers by the content of the image."""

    known: Dict[int, Tensor]  # noqa: UP006

    def __init__(self) -> None:
        super().__init__()
        self.known = {}

    def forward(self, x: Tensor) -> Tensor:
        key = int((x.double().sum() * 1e6).to(torch.long).item())
        if key in self.known:
            return self.known[key]
        answer = self.left(x) + self.right(x)
        self.known[key] = answer
        return answer


class PrecomputesAtLoad(Honest):
    """Answers many images of noise while it is loaded, to answer them from memory later."""

    known: Dict[int, Tensor]  # noqa: UP006

    def __init__(self) -> None:
        super().__init__()
        self.known = {}
        self.loaded = False

    def forward(self, x: Tensor) -> Tensor:
        if not self.loaded:
            self.loaded = True
            for _ in range(50):
                image = torch.randn(1, 3, 96, 96)
                self.known[int((image.double().sum() * 1e6).to(torch.long).item())] = self.left(
                    image
                )
        key = int((x.double().sum() * 1e6).to(torch.long).item())
        if key in self.known:
            return self.known[key]
        return self.left(x) + self.right(x)


class ReactsToWarmUp(Honest):
    """Is slow in its first calls, so that its blocks are planned short."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if self.calls < 30:
            for _ in range(8):
                x = x + 0 * self.left(x).sum()
        return self.left(x) + self.right(x)


class ReactsToRewarm(Honest):
    """Works hard on synthetic images, which are noise, and so heats the caches for itself."""

    def forward(self, x: Tensor) -> Tensor:
        if float((x[:, :, :, 1:] - x[:, :, :, :-1]).abs().mean()) > 0.8:
            for _ in range(4):
                x = x + 0 * self.left(x).sum() + 0 * self.right(x).sum()
        return self.left(x) + self.right(x)


class ChangesItsInput(Honest):
    """Overwrites the image it was given."""

    def forward(self, x: Tensor) -> Tensor:
        answer = self.left(x) + self.right(x)
        x.zero_()
        return answer


class Denormals(Honest):
    """Leaves the processor busy with denormal numbers, in case that lasts beyond its turn."""

    def forward(self, x: Tensor) -> Tensor:
        tiny = torch.full([1, 1024], 1e-39)
        for _ in range(4):
            tiny = tiny * 0.999
        return self.left(x) + self.right(x) + 0 * tiny.sum()


class Waits(Honest):
    """Spins on a counter in the background, in the hope that it counts on while it is stopped."""

    def count(self, turns: int) -> int:
        found = 0
        for turn in range(turns):
            found += turn
        return found

    def forward(self, x: Tensor) -> Tensor:
        counted = torch.jit.fork(self.count, 20000)
        answer = self.left(x) + self.right(x)
        return answer + 0 * torch.jit.wait(counted)


class BurnsWhenSlow(Honest):
    """Reads a clock, and works half as much again while the machine is slow.

    It looks as if the machine slowed it more than it does. At a fast pace its ratio would then be
    read too low.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lately = 0.0
        self.least = 0.0

    def forward(self, x: Tensor) -> Tensor:
        start: int = torch.ops.prim.TimePoint()
        answer = self.left(x) + self.right(x)
        took = float(torch.ops.prim.TimePoint() - start)
        self.lately = took if self.lately == 0 else 0.9 * self.lately + 0.1 * took
        self.least = self.lately if self.least == 0 else min(self.least, self.lately)
        if self.lately > 1.1 * self.least:
            return answer + 0 * self.left(x)
        return answer


class Dear(Honest):
    """Computes every answer several times, and so takes several times as long."""

    def forward(self, x: Tensor) -> Tensor:
        answer = self.left(x) + self.right(x)
        for _ in range(5):
            answer = self.left(x) + self.right(x) + 0 * answer
        return answer


class EarlyExit(Honest):
    """Fast on most images and slow on about one in ten, by their content."""

    def forward(self, x: Tensor) -> Tensor:
        answer = self.left(x) + self.right(x)
        if is_dear(x):
            for _ in range(5):
                answer = self.left(x) + self.right(x) + 0 * answer
        return answer


def is_dear(x: Tensor) -> bool:
    digest = int((x.double().abs().sum() * 1e3).to(torch.long).item())
    return digest % 10 == 0


DISGUISES: dict[str, type[nn.Module]] = {
    "forks half of its work": ForksHalf,
    "leaves work behind": LeavesWork,
    "works between its calls": WorksBetween,
    "remembers answers": Remembers,
    "precomputes at load": PrecomputesAtLoad,
    "reacts to the warm-up": ReactsToWarmUp,
    "reacts to the re-warm": ReactsToRewarm,
    "changes its input": ChangesItsInput,
    "denormals": Denormals,
    "counts while it stands still": Waits,
    "burns time while it is slow": BurnsWhenSlow,
    "dear on 10 % of the images": EarlyExit,
}
