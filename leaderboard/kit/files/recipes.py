"""Recipes: a trained network becomes a file of a format, or a smaller network.

Each recipe takes a network for float32 images (N, 3, height, width), a batch of such images, and
the path of the file to write.
"""

from __future__ import annotations

import copy
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional


def torchscript(network: nn.Module, images: Tensor, path: Path) -> None:
    """TorchScript in float32."""
    traced = torch.jit.trace(network.eval(), images[:1])
    torch.jit.freeze(traced).save(str(path))


class Bfloat16(nn.Module):
    """Computes in bfloat16; input and logits stay as they are."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).bfloat16()

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x.bfloat16()).float()


def torchscript_bfloat16(network: nn.Module, images: Tensor, path: Path) -> None:
    """TorchScript in bfloat16. It pays on processors with AVX512-BF16 or AMX."""
    torchscript(Bfloat16(network), images, path)


def torchscript_int8(network: nn.Module, images: Tensor, path: Path) -> None:
    """TorchScript in int8, calibrated on the images. torch will drop this part of its library."""
    from torch.ao.quantization import get_default_qconfig_mapping
    from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

    mapping = get_default_qconfig_mapping("x86")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prepared = prepare_fx(copy.deepcopy(network).eval(), mapping, (images[:1],))
        with torch.inference_mode():
            prepared(images)
        torchscript(convert_fx(prepared), images, path)


def onnx(network: nn.Module, images: Tensor, path: Path) -> None:
    """ONNX in float32, for any size of a batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no other package is an old one
        torch.onnx.export(
            network.eval(),
            (images[:1],),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=["images"],
            dynamic_axes={"images": {0: "n"}},
        )


class Batches:
    """Images for a calibration, 10 at a time."""

    def __init__(self, images: Tensor) -> None:
        self.left = iter(images.split(10))

    def get_next(self) -> dict[str, object] | None:
        batch = next(self.left, None)
        return None if batch is None else {"images": batch.numpy()}


def onnx_int8(network: nn.Module, images: Tensor, path: Path, reduce_range: bool = False) -> None:
    """ONNX in int8, calibrated on the images. Without VNNI it needs `reduce_range`."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        exported, prepared = Path(folder, "float.onnx"), Path(folder, "prepared.onnx")
        onnx(network, images, exported)
        quant_pre_process(str(exported), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(path),
            Batches(images),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=reduce_range,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )


def narrowed(network: nn.Sequential, share: float = 0.5) -> nn.Sequential:
    """Structured pruning: a copy with the strongest channels of each convolution, in eights.

    For a plain chain of convolutions, batch norms and one linear layer. Train it again afterwards.
    """
    network, kept = copy.deepcopy(network), None
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            weight = layer.weight if kept is None else layer.weight[:, kept]
            count = max(8, round(share * len(weight) / 8) * 8)
            chosen = weight.abs().sum((1, 2, 3)).topk(min(count, len(weight))).indices
            layer.weight = nn.Parameter(weight[chosen].detach())
            if layer.bias is not None:
                layer.bias = nn.Parameter(layer.bias[chosen].detach())
            layer.in_channels, layer.out_channels = weight.shape[1], len(chosen)
            kept = chosen
        elif isinstance(layer, nn.BatchNorm2d) and kept is not None:
            for name in ("weight", "bias", "running_mean", "running_var"):
                getattr(layer, name).data = getattr(layer, name).data[kept]
            layer.num_features = len(kept)
        elif isinstance(layer, nn.Linear) and kept is not None:
            layer.weight = nn.Parameter(layer.weight[:, kept].detach())
            layer.in_features = len(kept)
    return network


def taught(teacher: nn.Module, temperature: float = 3.0) -> Callable[..., Tensor]:
    """Distillation: a loss that teaches a network the logits of another one, CE + T² KL."""

    def loss(logits: Tensor, labels: Tensor, images: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = functional.softmax(teacher.eval()(images) / temperature, 1)
        own = functional.log_softmax(logits / temperature, 1)
        soft = functional.kl_div(own, wanted, reduction="batchmean") * temperature**2
        return functional.cross_entropy(logits, labels) + soft

    return loss


RECIPES = {
    "torchscript": {
        "torchscript.pt": torchscript,
        "torchscript-bfloat16.pt": torchscript_bfloat16,
        "torchscript-int8.pt": torchscript_int8,
    },
    "onnx": {"onnx.onnx": onnx, "onnx-int8.onnx": onnx_int8},
}
"""By format: the files to write, and how."""
