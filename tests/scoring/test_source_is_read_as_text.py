"""The gate reads TorchScript source as text: its depth and its operators."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from scoring import formats
from scoring.errors import Rejected
from scoring.formats.torchscript import sources

from .crafting import MODEL, crafted, refusal


@pytest.mark.parametrize(
    "code",
    [
        "y = " + "(" * (sources.MAX_NESTING + 1),
        "y = " + "[({" * (sources.MAX_NESTING // 2),
        " " * (sources.MAX_INDENTATION + 1) + "y = x",
        "\t" * (sources.MAX_INDENTATION + 1) + "y = x",
    ],
)
def test_code_that_nests_too_deep(code: str) -> None:
    assert refusal(crafted(MODEL, b"x = 1\n" + code.encode())) == "too_deep"


@pytest.mark.parametrize(
    "code",
    [
        "y = (1)\n" * 10_000,
        'y = "' + "(" * 1000 + '"',
        r'y = "\"' + "[" * 1000 + '"',
        "# " + "{" * 1000,
        "y = '''\n" + "(" * 1000 + "\n'''",
        'ops.prim.RaiseException("ops.os.system(1) torch.save(x) " + "# \'")',
        "y = __torch__.torchvision.ops.misc.Permute(x)",
        "y = (self.ops).load_library(self.ops.inductor.a)",
    ],
)
def test_what_is_written_in_strings_or_is_the_authors_own_name(code: str) -> None:
    assert formats.inspect(io.BytesIO(crafted(MODEL, code.encode()))).model.parameters == 5


def test_long_code() -> None:
    assert refusal(crafted(MODEL, b" " * (sources.MAX_BYTES + 1))) == "record_too_large"


@pytest.mark.parametrize(
    ("call", "code", "named"),
    [
        ('torch.from_file("/etc/passwd", False, 9)', "forbidden_operator", "aten::from_file"),
        ('ops.aten.save(x, "/tmp/x")', "forbidden_operator", "aten::save"),
        ("ops.prim.rpc_sync(x)", "forbidden_operator", "prim::rpc_sync"),
        ("ops.inductor._alloc_from_pool(x)", "forbidden_operator", "inductor::_alloc_from_pool"),
        ("ops.c10d.send(x)", "forbidden_operator", "c10d::send"),
        ('ops.load_library("x.so")', "forbidden_operator", "load_library"),
        ('ops.os.system("id")', "unknown_operator", "os::system"),
    ],
)
def test_operators_that_no_classifier_needs(call: str, code: str, named: str) -> None:
    with pytest.raises(Rejected, match=f"calls {named}[,;]") as refused:
        formats.inspect(io.BytesIO(crafted(MODEL, call.encode())))
    assert refused.value.code == code


NAMESPACES = """
import torch
names = [schema.name for schema in torch._C._jit_get_all_schemas()]
names += torch._C._dispatch_get_all_op_names()
print(*{name.partition("::")[0] for name in names})
"""


def test_a_model_whose_weights_were_lost_says_how_to_keep_them(tmp_path: Path) -> None:
    model = torch.jit.script(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval())
    torch.jit.optimize_for_inference(model).save(str(tmp_path / "optimized.pt"))
    with pytest.raises(RuntimeError, match="'value' is undefined"):
        torch.jit.load(str(tmp_path / "optimized.pt"))
    with pytest.raises(Rejected, match=r"before torch\.jit\.optimize"):
        formats.inspect(tmp_path / "optimized.pt")


def test_every_namespace_of_torch_is_known() -> None:
    """In a fresh process: whatever else these tests import has operators of its own."""
    said = subprocess.run(
        [sys.executable, "-c", NAMESPACES], check=True, capture_output=True, text=True
    )
    assert set(said.stdout.split()) <= sources.NAMESPACES | sources.FORBIDDEN_NAMESPACES.keys()


def test_operators_are_counted_and_their_names_are_short() -> None:
    many = "".join(f"ops.cuda.own{n}(x)\n" for n in range(sources.MAX_OPERATORS + 1))
    assert refusal(crafted(MODEL, many.encode()), device="cuda") == "record_too_large"
    calls = b"torch.relu(x); ops.prim.data(x); torch." + b"a" * 10_000 + b"(x)"
    assert formats.inspect(io.BytesIO(crafted(MODEL, calls))).model.operators == (
        "aten::relu",
        "prim::data",
    )
