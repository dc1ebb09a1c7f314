"""Train small classifiers and export them: references, entries for a demo, first steps.

The learning rate follows the clock, so a training fits any budget on any machine; with `epochs`
instead of seconds it is a function of the seed.
"""

from __future__ import annotations

import copy
import io
import math
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image as Pillow
from torch import Tensor, nn

from scoring.formats import FORMATS
from scoring.formats.contract import Export
from scoring.images import albums, kinship, sets
from scoring.job import InputSpec
from scoring.quality import metrics

Flip = Literal["none", "horizontal", "both"]

BATCH = 32
PEAK_RATE = 4e-3
SMOOTHING = 0.1
WARM_SHARE = 0.2
"""Share of the training in which the rate rises."""
COARSE_SHARE = 0.5
"""Share of the training that sees smaller images, which costs less and hurts little."""


@dataclass(frozen=True)
class Trained:
    """How a training went; `f1` is macro-F1 on the images held out, None where none were."""

    epochs: float
    seconds: float
    images: int
    parameters: int
    f1: float | None


def train(
    arch: str,
    data: Path,
    target: Path,
    *,
    spec: InputSpec,
    seconds: float = 60.0,
    epochs: int | None = None,
    hold_out: float = 0.0,
    seed: int = 0,
    threads: int | None = None,
    flip: Flip = "horizontal",
    export_as: Export = "script",
    tell: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Train `arch` on class folders and export it to `target` with its `featherweight.json`.

    `arch` is one of `ARCHITECTURES` or a timm name. Of data in splits only the sample is used.
    Trains for `seconds`, or exactly `epochs`; `threads` None: as many as pay. Raises `BadDataset`,
    and `ValueError` for an unknown `arch`.
    """
    torch.manual_seed(seed)
    found = sets.catalogue(data, verify=True)
    usable = found.of("sample") or found.images
    parts = {"train": tuple(usable)}
    if hold_out:
        together = kinship.of(usable).groups()
        parts = sets.share(usable, {"train": 1 - hold_out, "test": hold_out}, seed, together)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="featherweight-") as cache:
        prepared = {
            name: pixels(data, part, found.classes, spec, cache) for name, part in parts.items()
        }
    model = built(arch, len(found.classes))
    torch.set_num_threads(
        threads or threads_that_pay(model, normal(prepared["train"][0][:BATCH], spec))
    )
    done = fit(model, *prepared["train"], spec, Clock(seconds, epochs), seed, flip, tell)
    f1 = None
    if hold_out:
        answers = answered(model, prepared["test"][0], spec)
        f1 = metrics.quality(prepared["test"][1].numpy(), answers, found.classes).quality
    FORMATS[0].export(model, spec, target, export_as)
    return Trained(
        epochs=done,
        seconds=time.monotonic() - start,
        images=len(prepared["train"][1]),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        f1=f1,
    )


def write_digits(target: Path, size: int = 32) -> Path:
    """Write scikit-learn's 1,797 handwritten digits as a zip of class-per-folder PNG images."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for number, (values, label) in enumerate(zip(digits.images, digits.target, strict=True)):
            image = Pillow.fromarray((values * 255 / 16).astype(np.uint8))
            data = io.BytesIO()
            image.resize((size, size), Pillow.Resampling.BICUBIC).save(data, "PNG")
            name = zipfile.ZipInfo(f"{label}/{number:04d}.png", sets.EPOCH)
            archive.writestr(name, data.getvalue())
    return target


def built(arch: str, classes: int) -> nn.Module:
    """An untrained network. Raises `ValueError` for an unknown name."""
    if arch in ARCHITECTURES:
        return ARCHITECTURES[arch](classes)
    timm = import_timm()
    if arch not in timm.list_models():
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"There is no architecture {arch}. Take one of {known}, or a timm name.")
    model: nn.Module = timm.create_model(arch, num_classes=classes, scriptable=True)
    return model


def tiny_cnn(classes: int) -> nn.Module:
    """Three strided convolutions: very fast, not very clever."""
    return nn.Sequential(
        *convolution(3, 16, 2), *convolution(16, 32, 2), *convolution(32, 64, 2), *head(64, classes)
    )


def wide_cnn(classes: int) -> nn.Module:
    """A plain, wide network: slow for what it knows."""
    return nn.Sequential(
        *convolution(3, 48, 2),
        *convolution(48, 96),
        *convolution(96, 192, 2),
        *convolution(192, 192),
        *convolution(192, 256, 2),
        *head(256, classes),
    )


def small_resnet(classes: int) -> nn.Module:
    """A residual network of eleven convolutions."""
    return nn.Sequential(
        *convolution(3, 32, 2),
        nn.MaxPool2d(2),
        Residual(32, 32),
        Residual(32, 64, 2),
        Residual(64, 128, 2),
        Residual(128, 256, 2),
        *head(256, classes),
    )


ARCHITECTURES: dict[str, Callable[[int], nn.Module]] = {
    "tiny_cnn": tiny_cnn,
    "wide_cnn": wide_cnn,
    "small_resnet": small_resnet,
}


class Residual(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *convolution(inputs, outputs, stride), *convolution(outputs, outputs)[:2]
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True),
                nn.Conv2d(inputs, outputs, 1, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


def convolution(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def head(features: int, classes: int) -> tuple[nn.Module, ...]:
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, classes)


@dataclass(frozen=True)
class Clock:
    """How far a training is: by epochs where they are given, else by seconds."""

    seconds: float
    epochs: int | None

    def share(self, started: float, epochs: float) -> float:
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
    """Train in place; the epochs done. `pixels` (N, 3, H, W) uint8, `labels` (N,)."""
    dice = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, weight_decay=0.05)
    counts = torch.bincount(labels).float().clamp(min=1)
    weight = (counts.mean() / counts).sqrt()  # macro-F1 asks for small classes as much as for large
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
    """All cores or one, whichever is faster: beside a busy neighbour threads wait at barriers."""
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
    """One cycle: a linear rise, then half a cosine down to nothing."""
    if share < WARM_SHARE:
        return max(0.02, share / WARM_SHARE)
    fall = min(1.0, (share - WARM_SHARE) / (1 - WARM_SHARE))
    return max(1e-3, (1 + math.cos(math.pi * fall)) / 2)


def augmented(inputs: Tensor, size: tuple[int, int], flip: Flip, dice: torch.Generator) -> Tensor:
    """Images moved, scaled, turned, mirrored, lit and washed out at random, at `size`."""
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


def answered(model: nn.Module, pixels: Tensor, spec: InputSpec) -> metrics.Labels:
    """Labels (N,) a trained model gives."""
    model.eval()
    with torch.inference_mode():
        parts = [model(normal(part, spec)).argmax(1) for part in torch.split(pixels, 64)]
    result: metrics.Labels = torch.cat(parts).numpy()
    return result


def normal(pixels: Tensor, spec: InputSpec) -> Tensor:
    """Pixels (N, 3, H, W) as float32 input."""
    mean = torch.tensor(spec.mean).view(3, 1, 1)
    std = torch.tensor(spec.std).view(3, 1, 1)
    return (pixels.float() / 255 - mean) / std


def pixels(
    source: Path,
    chosen: tuple[sets.Image, ...],
    classes: tuple[str, ...],
    spec: InputSpec,
    cache: str,
) -> tuple[Tensor, Tensor]:
    """Chosen images as (N, 3, H, W) uint8 in memory, and labels (N,)."""
    labels = np.array([classes.index(image.label) for image in chosen], dtype=np.int64)
    names = tuple(image.name for image in chosen)
    decoded = albums.pixels(albums.Labelled(source, names, labels), spec, Path(cache))
    return torch.from_numpy(np.array(decoded)), torch.from_numpy(labels)


def import_timm() -> Any:
    """timm, also where the installed torchvision was built for another torch. Raises `ValueError`.

    PyPI's torchvision beside a CPU-only torch misses two operators that classification never calls;
    declared, they let both be imported.
    """
    try:
        try:
            import timm
        except RuntimeError:
            library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
            for operator in ("nms", "qnms"):
                library.define(operator + NMS)  # type: ignore[no-untyped-call]
            DECLARED.append(library)
            for name in [n for n in sys.modules if n.split(".")[0] in ("timm", "torchvision")]:
                del sys.modules[name]
            import timm
    except ImportError as error:
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"Other architectures than {known} need timm: the zoo extra.") from error
    return timm


NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
DECLARED: list[torch.library.Library] = []
"""Declarations live as long as their library object does."""
