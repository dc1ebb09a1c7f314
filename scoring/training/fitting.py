"""The training loop: one cycle of the learning rate over a clock, with augmented images."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from scoring.job import InputSpec

Flip = Literal["none", "horizontal", "both"]

BATCH = 32
"""Images of one step."""
PEAK_RATE = 4e-3
"""The largest learning rate, for AdamW."""
SMOOTHING = 0.1
"""Smoothing of the labels in the loss."""
WARM_SHARE = 0.2
"""The share of the training in which the learning rate rises."""
COARSE_SHARE = 0.5
"""The share of the training with smaller images, which is faster and costs little quality."""


@dataclass(frozen=True)
class Clock:
    """How far a training is: by epochs if they are given, else by seconds."""

    seconds: float
    epochs: int | None

    def share(self, started: float, epochs: float) -> float:
        """The finished share after so many epochs of a training that `started` then."""
        if self.epochs is not None:
            return epochs / self.epochs
        return (time.monotonic() - started) / self.seconds


def fit(
    model: nn.Module,
    pixels: Tensor,
    labels: Tensor,
    spec: InputSpec,
    clock: Clock,
    seed: int,
    flip: Flip,
    tell: Callable[[str], None],
) -> float:
    """Train in place, and return the epochs done. `pixels`: (N, 3, H, W) uint8; `labels`: (N,)."""
    dice = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.05)
    counts = torch.bincount(labels).float().clamp(min=1)
    weight = (counts.mean() / counts).sqrt()  # macro-F1 counts small classes like large ones
    loss_of = nn.CrossEntropyLoss(weight=weight, label_smoothing=SMOOTHING)
    batches = max(1, len(labels) // BATCH)
    model.train()
    started, step, losses = time.monotonic(), 0, 0.0
    while True:
        order = torch.randperm(len(labels), generator=dice)
        for batch in range(batches):
            share = clock.share(started, step / batches)
            if share >= 1 and step:
                return step / batches
            optimizer.param_groups[0]["lr"] = PEAK_RATE * rate(share)
            chosen = order[batch * BATCH : (batch + 1) * BATCH]
            size = (spec.height, spec.width)
            if share < COARSE_SHARE and min(size) >= 64:
                size = (size[0] * 2 // 3, size[1] * 2 // 3)
            inputs = augmented(normal(pixels[chosen], spec), size, flip, dice)
            loss = loss_of(model(inputs), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += loss.item()
            step += 1
        tell(f"epoch {step // batches}, {min(1.0, share):4.0%} done, loss {losses / batches:.3f}")
        losses = 0.0


def threads_that_pay(model: nn.Module, inputs: Tensor) -> int:
    """All cores or one, whichever is faster here.

    Beside other busy programs threads wait for each other. `inputs`: (batch, 3, H, W).
    """
    rehearsal = copy.deepcopy(model).train()
    seconds = {}
    for threads in {1, len(os.sched_getaffinity(0))}:
        torch.set_num_threads(threads)
        rehearsal(inputs).sum().backward()
        start = time.monotonic()
        for _ in range(3):
            rehearsal(inputs).sum().backward()
        seconds[threads] = time.monotonic() - start
    return min(seconds, key=lambda threads: seconds[threads])


def rate(share: float) -> float:
    """The share of the peak rate: a linear rise, then half a cosine down to 0.001."""
    if share < WARM_SHARE:
        return max(0.02, share / WARM_SHARE)
    fall = min(1.0, (share - WARM_SHARE) / (1 - WARM_SHARE))
    return max(1e-3, (1 + math.cos(math.pi * fall)) / 2)


def augmented(inputs: Tensor, size: tuple[int, int], flip: Flip, dice: torch.Generator) -> Tensor:
    """Images at `size` (height, width): moved, scaled, turned, mirrored, lit at random.

    Each image changes in its own way. `inputs`: (N, 3, H, W).
    """
    count = len(inputs)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=dice) * (high - low) + low

    def sign(wanted: bool) -> Tensor:
        return torch.where(torch.rand(count, generator=dice) < 0.5 * wanted, -1.0, 1.0)

    zoom, angle = uniform(0.75, 1.1), uniform(-0.2, 0.2)
    across, down = sign(flip != "none"), sign(flip == "both")
    theta = torch.stack(
        [
            torch.stack(
                [zoom * angle.cos() * across, -zoom * angle.sin(), uniform(-0.15, 0.15)], 1
            ),
            torch.stack(
                [zoom * angle.sin() * across, zoom * angle.cos() * down, uniform(-0.15, 0.15)], 1
            ),
        ],
        1,
    )
    grid = nn.functional.affine_grid(theta, [count, 3, *size], align_corners=False)
    moved = nn.functional.grid_sample(inputs, grid, padding_mode="reflection", align_corners=False)
    contrast, light = uniform(0.8, 1.2), uniform(-0.2, 0.2)
    return moved * contrast.view(-1, 1, 1, 1) + light.view(-1, 1, 1, 1)


def normal(pixels: Tensor, spec: InputSpec) -> Tensor:
    """Pixels (N, 3, H, W) normalized by the spec, as float32."""
    mean = torch.tensor(spec.mean).view(3, 1, 1)
    std = torch.tensor(spec.std).view(3, 1, 1)
    return (pixels.float() / 255 - mean) / std
