"""Honest ONNX files of small networks, by both exporters of torch and by quantization."""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import torch
from onnx.inliner import inline_local_functions
from torch import Tensor, nn

from scoring.job import InputSpec
from scoring.training import networks

SIZE, CLASSES, BATCH = 32, 10, 4
SPEC = InputSpec(height=SIZE, width=SIZE, batch_size=BATCH)


class Attention(nn.Module):
    """Patches, one layer of a transformer, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 8, 8)
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, activation="gelu")
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(self.patch(x).flatten(2).transpose(1, 2)).mean(1))


class Mobile(nn.Module):
    """Depthwise convolutions with squeeze and excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.Hardswish())
        self.depth = nn.Conv2d(16, 16, 3, 1, 1, groups=16)
        self.squeeze = nn.Sequential(nn.Conv2d(16, 4, 1), nn.ReLU6(), nn.Conv2d(4, 16, 1))
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.depth(self.stem(x))
        x = x * nn.functional.hardsigmoid(self.squeeze(x.mean((2, 3), keepdim=True)))
        return self.head(x.mean((2, 3)))


class Convnext(nn.Module):
    """A block with layer norm over channels."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 4, 4)
        self.norm = nn.LayerNorm(16)
        self.wide, self.narrow = nn.Linear(16, 64), nn.Linear(64, 16)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).permute(0, 2, 3, 1)
        x = x + self.narrow(nn.functional.gelu(self.wide(self.norm(x))))
        return self.head(x.mean((1, 2)))


class Upscaling(nn.Module):
    """Upsampling, transposed and grouped normalization, concatenation, padding."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, 2, 1)
        self.up = nn.ConvTranspose2d(8, 8, 2, 2)
        self.norm = nn.GroupNorm(2, 16)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        y = nn.functional.pad(self.down(x), (1, 1, 1, 1))
        z = nn.functional.interpolate(y, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
        both = torch.cat([self.up(y)[:, :, :SIZE, :SIZE], z], 1)
        return self.head(nn.functional.silu(self.norm(both)).amax((2, 3)))


class SeveralOutputs(nn.Module):
    """The logits come first, then other outputs of the network."""

    def __init__(self) -> None:
        super().__init__()
        self.body = networks.tiny_cnn(CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits = self.body(x)
        return logits, logits.softmax(1), x.mean((2, 3))


class Pixels(nn.Module):
    """Takes uint8."""

    def __init__(self) -> None:
        super().__init__()
        self.body = networks.tiny_cnn(CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.body((x.float() - 120) / 60)


@dataclass(frozen=True)
class Export:
    """How one file is made."""

    network: Callable[[], nn.Module]
    opset: int = 17
    is_dynamo: bool = False
    has_free_batch: bool = True
    dtype: Literal["uint8", "float32", "float16"] = "float32"
    then: Callable[[Path, Path], None] | None = None
    """What makes the final file of the exported one."""
    options: dict[str, Any] = field(default_factory=dict)


def written(export: Export, folder: Path) -> bytes:
    """The file's bytes."""
    torch.manual_seed(0)
    target = folder / "model.onnx"
    network = export.network().eval()
    example = torch.zeros(BATCH, 3, SIZE, SIZE).to(getattr(torch, export.dtype))
    batch: dict[str, Any] = {}
    if export.has_free_batch and export.is_dynamo:
        batch = {"dynamic_shapes": ({0: torch.export.Dim("n", max=1024)},)}
    elif export.has_free_batch:
        batch = {"input_names": ["x"], "dynamic_axes": {"x": {0: "n"}}}
    if export.is_dynamo:
        batch |= {"external_data": False, "verbose": False}
    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (example,),
            str(target),
            dynamo=export.is_dynamo,
            opset_version=export.opset,
            **batch,
            **export.options,
        )
        if export.then:
            export.then(target, folder / "final.onnx")
            target = folder / "final.onnx"
    return target.read_bytes()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hides what exporters print."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


class Sample:
    """Images for a calibration of quantization."""

    def __init__(self, name: str) -> None:
        chance = np.random.default_rng(1)
        shape = (BATCH, 3, SIZE, SIZE)
        self.left = [{name: chance.normal(size=shape).astype(np.float32)} for _ in range(8)]

    def get_next(self) -> dict[str, Any] | None:
        return self.left.pop() if self.left else None


def static(source: Path, target: Path, as_operators: bool = False) -> None:
    """int8 by static quantization, per channel."""
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    name = onnx.load(source).graph.input[0].name
    quant_pre_process(str(source), str(source))
    quantize_static(
        str(source),
        str(target),
        Sample(name),
        quant_format=QuantFormat.QOperator if as_operators else QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["Conv"] if as_operators else None,
    )


def static_operators(source: Path, target: Path) -> None:
    static(source, target, as_operators=True)


def dynamic(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(str(source), str(target), weight_type=QuantType.QUInt8)


def half(source: Path, target: Path) -> None:
    """float16 weights between casts, as converters write them."""
    model = onnx.load(source)
    for weight in list(model.graph.initializer):
        if weight.data_type == onnx.TensorProto.FLOAT:
            values = onnx.numpy_helper.to_array(weight).astype(np.float16)
            short = onnx.numpy_helper.from_array(values, weight.name + "_half")
            cast = onnx.helper.make_node("Cast", [short.name], [weight.name], to=1)
            model.graph.initializer.remove(weight)
            model.graph.initializer.append(short)
            model.graph.node.insert(0, cast)
    onnx.save(model, target)


def typed(source: Path, target: Path) -> None:
    """Weights as lists of numbers instead of raw bytes."""
    model = onnx.load(source)
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if weight.data_type == onnx.TensorProto.FLOAT:
            weight.ClearField("raw_data")
            weight.float_data.extend(values.flatten().tolist())
        elif weight.data_type == onnx.TensorProto.INT64:
            weight.ClearField("raw_data")
            weight.int64_data.extend(values.flatten().tolist())
    onnx.save(inline_local_functions(model), target)


def tiny() -> nn.Module:
    return networks.tiny_cnn(CLASSES)


def residual() -> nn.Module:
    return networks.small_resnet(CLASSES)


def of_timm(name: str) -> Callable[[], nn.Module]:
    """A small network of timm, made to be exported."""

    def make() -> nn.Module:
        timm = networks.import_timm()
        model: nn.Module = timm.create_model(name, num_classes=CLASSES, exportable=True)
        return model

    return make


def of_torchvision() -> nn.Module:
    """A network of torchvision that shuffles its channels."""
    networks.import_timm()  # makes torchvision importable beside any torch
    from torchvision.models import shufflenet_v2_x0_5

    model: nn.Module = shufflenet_v2_x0_5(num_classes=CLASSES)
    return model


EXPORTS: dict[str, Export] = {
    **{f"legacy, opset {opset}": Export(tiny, opset) for opset in range(13, 21)},
    **{
        f"legacy, {kind.__name__}, {'free' if free else 'fixed'} batch": Export(
            kind, has_free_batch=free
        )
        for kind in (residual, Attention, Mobile, Convnext, Upscaling)
        for free in (True, False)
    },
    "dynamo, tiny": Export(tiny, 18, is_dynamo=True),
    "dynamo, fixed batch": Export(tiny, 20, is_dynamo=True, has_free_batch=False),
    "dynamo, Attention": Export(Attention, 20, is_dynamo=True, has_free_batch=False),
    "dynamo, Mobile": Export(Mobile, 19, is_dynamo=True),
    "dynamo, Convnext": Export(Convnext, 20, is_dynamo=True),
    "legacy, several outputs": Export(SeveralOutputs),
    "dynamo, several outputs": Export(SeveralOutputs, 18, is_dynamo=True),
    "uint8": Export(Pixels, dtype="uint8"),
    "static int8": Export(tiny, then=static),
    "static int8, residual": Export(residual, then=static),
    "static int8 operators": Export(tiny, then=static_operators),
    "dynamic int8": Export(tiny, then=dynamic),
    "dynamic int8, Attention": Export(Attention, then=dynamic),
    "float16 weights": Export(tiny, then=half),
    "weights as lists": Export(tiny, then=typed),
    "timm, resnet10t": Export(of_timm("resnet10t")),
    "timm, mobilenetv3_small_050": Export(of_timm("mobilenetv3_small_050"), 13),
    "timm, test_efficientnet": Export(of_timm("test_efficientnet"), 18, is_dynamo=True),
    "timm, test_convnext": Export(of_timm("test_convnext"), 20),
    "timm, test_byobnet, int8": Export(of_timm("test_byobnet"), then=static),
    "timm, test_nfnet": Export(of_timm("test_nfnet"), 20, is_dynamo=True, has_free_batch=False),
    "torchvision, shufflenet": Export(of_torchvision),
    "dynamo, static int8": Export(tiny, 18, is_dynamo=True, then=static),
    "several outputs, static int8": Export(SeveralOutputs, then=static),
    "weights among the inputs": Export(tiny, options={"keep_initializers_as_inputs": True}),
}


def all_written() -> Iterator[tuple[str, Export, bytes]]:
    """Every file, made in a folder that goes away."""
    for name, one in EXPORTS.items():
        with tempfile.TemporaryDirectory() as folder:
            yield name, one, written(one, Path(folder))
