"""Small networks, and those of timm."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
DECLARED: list[torch.library.Library] = []
"""Keeps the library objects alive, because their declarations end with them."""


def built(arch: str, classes: int) -> nn.Module:
    """An untrained network for so many classes. Raises `ValueError` for an unknown name."""
    if arch in ARCHITECTURES:
        return ARCHITECTURES[arch](classes)
    timm = import_timm()
    if arch not in timm.list_models():
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"There is no architecture {arch}. Take one of {known}, or a timm name.")
    model: nn.Module = timm.create_model(arch, num_classes=classes, scriptable=True)
    return model


def tiny_cnn(classes: int) -> nn.Module:
    """Three strided convolutions: very fast, of low quality."""
    return nn.Sequential(
        *convolution(3, 16, 2), *convolution(16, 32, 2), *convolution(32, 64, 2), *head(64, classes)
    )


def wide_cnn(classes: int) -> nn.Module:
    """A plain, wide network: slow for its quality."""
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
    """Two convolutions and a shortcut around them."""

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
    """A 3 x 3 convolution with batch norm and ReLU."""
    return (
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def head(features: int, classes: int) -> tuple[nn.Module, ...]:
    """Pooling over the image, and a linear layer."""
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, classes)


def import_timm() -> Any:
    """timm, even if the installed torchvision was built for another torch. Raises `ValueError`.

    PyPI's torchvision beside a CPU-only torch lacks two operators. Classification never calls them,
    so they are declared only, and both can be imported.
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
