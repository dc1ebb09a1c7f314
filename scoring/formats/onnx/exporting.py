"""Trained networks written as ONNX files."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn

from scoring.formats import declarations
from scoring.formats.onnx import writing
from scoring.images import albums
from scoring.job import InputSpec

OPSET = 17
"""The newest that torch's exporter writes without the package onnx."""
INPUT = "images"
MOST_IMAGES = 256
"""Most images that int8 is calibrated on."""
METADATA = 14
"""The field of a model that holds its metadata."""


def export(network: nn.Module, spec: InputSpec, target: Path, pixels: Tensor | None = None) -> None:
    """Write a network to `target` with its `featherweight.json`, in the spec's dtype.

    `network` takes float32 images (batch, 3, height, width), normalized by the spec's mean and
    standard deviation. For a uint8 spec the normalization goes into the file. `pixels`: images (N,
    3, height, width), uint8, by which int8 is calibrated; None: no int8. Raises `ValueError` if
    int8 is wanted and the package onnx is missing.
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
            input_names=[INPUT],
            output_names=["logits"],
            dynamic_axes={INPUT: {0: "n"}, "logits": {0: "n"}},
        )
    if pixels is not None:
        quantize(target, albums.normalized(pixels[:MOST_IMAGES].numpy(), spec))
    declared = json.dumps(declarations.written(spec))
    with target.open("ab") as file:  # fields of a message may stand in any order
        file.write(writing.field(METADATA, writing.entry(declarations.DECLARATION, declared)))


def quantize(target: Path, images: npt.NDArray[Any]) -> None:
    """Replace a file by its int8 form: static, per channel. `images`: (N, 3, height, width)."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before the import, as in `runtime`
    try:
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise ValueError("int8 needs the package onnx: pip install onnx") from error
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        prepared = str(Path(folder) / "prepared.onnx")
        quant_pre_process(str(target), prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            str(target),
            Batches(images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


class Batches:
    """Images for the calibration, 8 at a time: what onnxruntime calls a CalibrationDataReader."""

    def __init__(self, images: npt.NDArray[Any]) -> None:
        self.left = iter([images[start : start + 8] for start in range(0, len(images), 8)])

    def get_next(self) -> dict[str, npt.NDArray[Any]] | None:
        """The next batch by the name of the model's input, or None."""
        batch = next(self.left, None)
        return None if batch is None else {INPUT: batch}


class Pixels(nn.Module):
    """A network that takes pixels 0 to 255 of uint8 instead of normalized ones."""

    def __init__(self, network: nn.Module, spec: InputSpec) -> None:
        super().__init__()
        self.network = network
        self.mean = nn.Buffer(torch.tensor(spec.mean).view(1, 3, 1, 1) * 255)
        self.std = nn.Buffer(torch.tensor(spec.std).view(1, 3, 1, 1) * 255)

    def forward(self, x: Tensor) -> Tensor:
        return self.network((x.to(torch.float32) - self.mean) / self.std)  # type: ignore[no-any-return]
