"""Trained networks written as TorchScript archives."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import Tensor, nn

from scoring.formats import declarations
from scoring.formats.contract import Export
from scoring.job import InputSpec


def export(network: nn.Module, spec: InputSpec, target: Path, how: Export = "script") -> None:
    """Write a network to `target` with its `featherweight.json`, in the spec's dtype.

    `network` takes float32 images (batch, 3, height, width), normalized by the spec's mean and
    standard deviation. For a uint8 spec the normalization goes into the archive.
    """
    dtype: torch.dtype = getattr(torch, spec.dtype)
    network = normalizing(network, spec) if spec.dtype == "uint8" else network.to(dtype)
    network.eval()
    example = torch.zeros(spec.batch_size, 3, spec.height, spec.width, dtype=dtype)
    with torch.no_grad():
        scripted = (
            torch.jit.script(network) if how == "script" else torch.jit.trace(network, example)  # type: ignore[no-untyped-call]
        )
    files = {declarations.DECLARATION: json.dumps(declarations.written(spec), indent=1)}
    scripted.save(str(target), _extra_files=files)


def normalizing(network: nn.Module, spec: InputSpec) -> nn.Module:
    """A network that takes pixels 0 to 255 instead of normalized ones."""
    norm = nn.BatchNorm2d(3, eps=0.0, affine=False)
    norm.running_mean = torch.tensor(spec.mean) * 255
    norm.running_var = (torch.tensor(spec.std) * 255) ** 2
    return nn.Sequential(Floating(), norm, network)


class Floating(nn.Module):
    """uint8 pixels to float32: a batch norm takes no integers."""

    def forward(self, x: Tensor) -> Tensor:
        return x.to(torch.float32)
