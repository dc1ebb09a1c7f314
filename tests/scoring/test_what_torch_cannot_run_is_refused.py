"""The gate knows, without torch, which operators and classes the installed torch has and runs."""

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from scoring import formats
from scoring.errors import Rejected
from scoring.formats.torchscript import operators
from scoring.job import Device

from .crafting import MODEL, crafted

MOBILE = Path(__file__).parent / "archives" / "torch-1.12.1-mobile.pt"
ASK = "from scoring.formats.torchscript import operators; print(operators.asked(), end='')"
ARGUMENTS = ", ".join(7 * ["[[[[True]]]]"])
"""Arguments that no operator takes."""


def refusal(data: Path | bytes, device: Device = "cpu") -> str:
    with pytest.raises(Rejected) as refused:
        formats.inspect(io.BytesIO(data) if isinstance(data, bytes) else data, device=device)
    assert refused.value.code == "unknown_operator"
    return refused.value.message


@pytest.mark.skipif(torch.version.cuda is not None, reason="the list is that of torch for CPUs")
def test_the_list_is_what_the_installed_torch_says() -> None:
    """In a fresh process: whatever else these tests import has operators of its own."""
    said = subprocess.run([sys.executable, "-c", ASK], check=True, capture_output=True, text=True)
    assert said.stdout == operators.LIST.read_text()


def test_what_no_registry_lists_is_known_to_torch_all_the_same(tmp_path: Path) -> None:
    torch.jit.script(torch.nn.ReLU()).save(str(tmp_path / "relu.pt"))

    def says(operator: str) -> str:
        """The message of torch about an archive that calls an operator with impossible
        arguments."""
        namespace, _, name = operator.partition("::")
        path = tmp_path / "calling.pt"
        with zipfile.ZipFile(tmp_path / "relu.pt") as old, zipfile.ZipFile(path, "w") as new:
            for record in old.namelist():
                code = old.read(record)
                if record.endswith(".py"):
                    call = f"ops.{namespace}.{name}({ARGUMENTS})"
                    code = re.sub(rb"return .*", f"return {call}".encode(), code)
                new.writestr(record, code)
        with pytest.raises(RuntimeError) as refused:
            torch.jit.load(str(path))
        return str(refused.value)

    assert "Unknown builtin op" in says("aten::attention_of_tomorrow")
    for operator in sorted(operators.INLINED):
        assert "Unknown builtin op" not in says(operator), operator


def test_a_model_of_optimize_for_mobile_says_how_to_save_it() -> None:
    with pytest.raises(RuntimeError, match="Unknown type name"):
        torch.jit.load(str(MOBILE))
    assert "optimize_for_mobile added it. Save the model as it was before" in refusal(MOBILE)


@pytest.mark.parametrize(
    ("call", "named", "advice"),
    [
        ("ops.prepacked.conv2d_clamp_run(x, w)", "prepacked::conv2d_clamp_run", "for_mobile"),
        ("ops.vulkan_prepack.run_conv2d_context(x, w)", "vulkan_prepack::run", "for_mobile"),
        ("ops.metal_prepack.conv2d_run(x, w)", "metal_prepack::conv2d_run", "for_mobile"),
        ("ops.ipex_prepack.linear_run(x, w)", "ipex_prepack::linear_run", "intel_extension"),
        ("ops.torch_ipex.convolution_forward(x)", "torch_ipex::convolution_forw", "intel_ext"),
        ("ops.tensorrt.execute_engine([x], w)", "tensorrt::execute_engine", "torch_tensorrt"),
        ("ops.torchvision.nms(x, y, 0.5)", "torchvision::nms", "of torch itself"),
        ("ops.quantized.conv9d(x)", "quantized::conv9d", "of torch itself"),
        ("torch.attention_of_tomorrow(x)", "aten::attention_of_tomorrow", "not newer"),
        ("ops.prim.CudaFusionGroup(x)", "prim::CudaFusionGroup", "of torch itself"),
        ("torch.cudnn_convolution_relu(x, w)", "aten::cudnn_convolution_relu", "another device"),
        ("torch.cudnn_convolution(x, w)", "aten::cudnn_convolution", "another device"),
        ("torch.miopen_batch_norm(x, w)", "aten::miopen_batch_norm", "another device"),
        ("torch._mps_convolution(x, w)", "aten::_mps_convolution", "another device"),
        ("torch._scaled_dot_product_flash_attention(x)", "_flash_attention", "another device"),
        ("ops.static_runtime.to_copy(x)", "static_runtime::to_copy", "another device"),
        ("ops.cuda._current_device()", "cuda::_current_device", "another device"),
        ("w : __torch__.torch.classes.vulkan.Conv2dPackedContext", "vulkan.Conv2d", "for_mobile"),
        ("w : __torch__.torch.classes.tensorrt.Engine", "tensorrt.Engine", "torch_tensorrt"),
        ("w : __torch__.torch.classes.mine.Stack", "mine.Stack", "of torch itself"),
    ],
)
def test_what_this_torch_has_not_or_cannot_run(call: str, named: str, advice: str) -> None:
    message = refusal(crafted(MODEL, call.encode()))
    assert named in message
    assert advice in message


def test_a_model_of_torch_1_5_may_ask_for_a_shape() -> None:
    code = b"y = ops.prim.shape(x); z = torch.list_with_default([1], [2])"
    assert "prim::shape" in formats.inspect(io.BytesIO(crafted(MODEL, code))).model.operators


def test_an_object_of_a_class_that_torch_lacks() -> None:
    held = b"\x80\x02c__torch__.torch.classes.metal\nConv2dOpContext\n)\x81" + MODEL[2:]
    assert "'metal.Conv2dOpContext'" in refusal(crafted(held))
    packed = held.replace(b"metal\nConv2dOpContext", b"quantized\nConv2dPackedParamsBase")
    assert formats.inspect(io.BytesIO(crafted(packed))).model.parameters == 5


def test_on_a_gpu_its_own_operators_run() -> None:
    code = b"torch.cudnn_convolution_relu(x, w); ops.cuda._current_device()"
    assert formats.inspect(io.BytesIO(crafted(MODEL, code)), device="cuda").model.operators == (
        "aten::cudnn_convolution_relu",
        "cuda::_current_device",
    )
    assert "for_mobile" in refusal(MOBILE, device="cuda")


def test_what_the_list_says_of_the_cpu_is_true() -> None:
    image, weight = torch.rand(1, 3, 8, 8), torch.rand(4, 3, 3, 3)
    geometry = ([0, 0], [1, 1], [1, 1], 1)
    assert operators.known()["aten::convolution"]
    torch.ops.aten.convolution(image, weight, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1)
    assert not operators.known()["aten::cudnn_convolution"]
    with pytest.raises(NotImplementedError, match="CPU"):
        torch.ops.aten.cudnn_convolution(image, weight, *geometry, False, False, False)
