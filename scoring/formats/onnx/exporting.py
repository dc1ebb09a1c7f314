"""Trained networks written as ONNX files."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from scoring.formats import declarations
from scoring.formats.onnx import writing
from scoring.job import InputSpec

OPSET = 17
"""The newest that torch's exporter writes without the package onnx."""
METADATA = 14
"""The field of a model that holds its metadata."""


def export(network: nn.Module, spec: InputSpec, target: Path) -> None:
    """Write a network to `target` with its `featherweight.json`, in the spec's dtype.

    `network` takes float32 images (batch, 3, height, width), normalized by the spec's mean and
    standard deviation. For a uint8 spec the normalization goes into the file.
    """
    dtype: torch.dtype = getattr(torch, spec.dtype)
    network = Pixels(network, spec) if spec.dtype == "uint8" else network.to(dtype)
    example = torch.zeros(spec.batch_size, 3, spec.height, spec.width, dtype=dtype)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no other package is an old one
        torch.onnx.export(
            network.eval(),
            (example,),
            str(target),
            dynamo=False,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["logits"],
            dynamic_axes={"images": {0: "n"}, "logits": {0: "n"}},
        )
    declared = json.dumps(declarations.written(spec))
    with target.open("ab") as file:  # fields of a message may stand in any order
        file.write(writing.field(METADATA, writing.entry(declarations.DECLARATION, declared)))


class Pixels(nn.Module):
    """A network that takes pixels 0 to 255 of uint8 instead of normalized ones."""

    def __init__(self, network: nn.Module, spec: InputSpec) -> None:
        super().__init__()
        self.network = network
        self.mean = nn.Buffer(torch.tensor(spec.mean).view(1, 3, 1, 1) * 255)
        self.std = nn.Buffer(torch.tensor(spec.std).view(1, 3, 1, 1) * 255)

    def forward(self, x: Tensor) -> Tensor:
        return self.network((x.to(torch.float32) - self.mean) / self.std)  # type: ignore[no-any-return]
