"""Networks of different character, with random weights, and images for them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from scoring.formats.onnx import exporting
from scoring.job import InputSpec
from scoring.training.networks import Residual, convolution, head

CLASSES = ("0", "1", "2", "3", "4", "5")


def residual(widths: tuple[int, ...] = (32, 64, 128, 256), blocks: int = 1) -> nn.Module:
    """A residual network, by default the reference; widths and blocks set its cost."""
    layers: list[nn.Module] = [*convolution(3, widths[0], 2), nn.MaxPool2d(2)]
    inputs = widths[0]
    for stage, outputs in enumerate(widths):
        for block in range(blocks):
            layers.append(Residual(inputs, outputs, 2 if stage and not block else 1))
            inputs = outputs
    return nn.Sequential(*layers, *head(inputs, len(CLASSES)))


def shallow(width: int = 24) -> nn.Module:
    """Few layers at a high resolution: memory rather than arithmetic."""
    return nn.Sequential(
        *convolution(3, width, 2),
        *convolution(width, width),
        *convolution(width, 2 * width, 2),
        *head(2 * width, len(CLASSES)),
    )


def wide(width: int = 96) -> nn.Module:
    """A plain and wide network: arithmetic rather than memory."""
    return nn.Sequential(
        *convolution(3, width, 4),
        *convolution(width, 2 * width),
        *convolution(2 * width, 2 * width),
        *convolution(2 * width, 2 * width, 2),
        *head(2 * width, len(CLASSES)),
    )


def minute() -> nn.Module:
    """A network of about 50 microseconds for each call, on images of 64 pixels."""
    return nn.Sequential(
        nn.AvgPool2d(4),
        nn.Flatten(),
        nn.Linear(3 * 16 * 16, 128),
        nn.ReLU(),
        nn.Linear(128, len(CLASSES)),
    )


def saved(make: Callable[[], nn.Module], path: Path, images: Tensor | None = None) -> Path:
    """The network as a file of the format that the path's ending names. Its weights are random, and
    the same each time.

    `images`: (N, 3, H, W) uint8, by which ONNX becomes int8.
    """
    torch.manual_seed(0)
    module = make().eval()
    if path.suffix == ".onnx":
        exporting.export(module, InputSpec(), path, images)
    else:
        torch.jit.script(module).save(str(path))  # type: ignore[no-untyped-call]
    return path


def pictures(target: Path, count: int, sides: tuple[int, ...] = (96,), seed: int = 0) -> Path:
    """A zip of class folders with generated JPEGs, of one size or of several in turn."""
    random = np.random.default_rng(seed)
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(count):
            width, height = sides[number % len(sides)], sides[(number // 2) % len(sides)]
            coarse = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            data = io.BytesIO()
            Image.fromarray(coarse).resize((width, height)).save(data, "JPEG", quality=85)
            name = f"{CLASSES[number % len(CLASSES)]}/{number:05}.jpg"
            archive.writestr(name, data.getvalue())
    return target
