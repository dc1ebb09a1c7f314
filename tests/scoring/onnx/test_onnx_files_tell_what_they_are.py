"""Static facts, the declaration and the content hash of ONNX files, and what their gate costs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx import helper

from scoring import formats
from scoring.errors import Rejected
from scoring.formats import checking
from scoring.job import InputSpec
from scoring.training import networks
from tests.scoring.onnx import exports

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as `train-reference` writes it: for pixels of uint8."""
    path = tmp_path_factory.mktemp("onnx") / "model.onnx"
    torch.manual_seed(0)
    spec = InputSpec(height=24, width=32, dtype="uint8")
    formats.named("onnx").export(networks.tiny_cnn(7), spec, path, "trace")
    return path


def hashed(model: onnx.ModelProto) -> str | None:
    data = io.BytesIO(model.SerializeToString())
    return formats.inspect(data, with_content_hash=True).content_sha256


def test_the_facts(file: Path) -> None:
    checked = checking.check(file)
    assert checked.model.format == "onnx"
    assert checked.model.dtypes == ("float32",)
    assert checked.model.parameters == 24_045  # weights with folded batch norms, mean and deviation
    assert {"Conv", "Gemm", "Cast"} <= set(checked.model.operators)
    assert 7 in checked.model.rows
    assert checked.declared is not None
    assert checked.declared["input_size"] == [3, 24, 32]
    found = checking.check(file, default=InputSpec()).model.input
    assert found is not None
    assert (found.height, found.width, found.dtype) == (24, 32, "uint8")


def test_names_and_metadata_do_not_change_the_hash(file: Path) -> None:
    model = onnx.load(file)
    before = hashed(model)
    new = {name: f"renamed_{place}" for place, name in enumerate(values(model))}
    for one in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        one.name = new[one.name]
    for node in model.graph.node:
        node.name, node.doc_string = "", "what it does"
        node.input[:] = [new.get(name, name) for name in node.input]
        node.output[:] = [new.get(name, name) for name in node.output]
    model.producer_name, model.graph.name, model.ir_version = "somebody", "other", 9
    model.metadata_props.add(key="author", value="somebody")
    del model.graph.value_info[:]
    assert hashed(model) == before


def values(model: onnx.ModelProto) -> list[str]:
    graph = model.graph
    made = [name for node in graph.node for name in node.output]
    return [*(one.name for one in (*graph.input, *graph.initializer)), *made]


def test_weights_operators_attributes_and_the_declaration_change_the_hash(file: Path) -> None:
    found = {hashed(onnx.load(file))}
    model = onnx.load(file)
    weight = next(one for one in model.graph.initializer if one.raw_data)
    weight.raw_data = bytes([weight.raw_data[0] ^ 1]) + weight.raw_data[1:]
    found.add(hashed(model))
    model = onnx.load(file)
    next(node for node in model.graph.node if node.op_type == "Relu").op_type = "Sigmoid"
    found.add(hashed(model))
    model = onnx.load(file)
    conv = next(node for node in model.graph.node if node.op_type == "Conv")
    next(one for one in conv.attribute if one.name == "strides").ints[0] = 1
    found.add(hashed(model))
    model = onnx.load(file)
    props = model.metadata_props[0]
    props.value = json.dumps({**json.loads(props.value), "crop_pct": 0.9})
    found.add(hashed(model))
    model = onnx.load(file)
    model.opset_import[0].version = 18
    found.add(hashed(model))
    assert len(found) == 6


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"featherweight.json": "{"}, "not JSON"),
        ({"featherweight.json": '{"colour": 1}'}, "colour"),
        ({"Featherweight.json": "{}"}, "must be called"),
        ({"featherweight.json": " " * (1 << 17)}, "64 KB"),
    ],
)
def test_a_wrong_declaration_is_refused(entries: dict[str, str], words: str, file: Path) -> None:
    model = onnx.load(file)
    del model.metadata_props[:]
    helper.set_model_props(model, entries)
    with pytest.raises(Rejected, match=words) as refusal:
        formats.inspect(io.BytesIO(model.SerializeToString()))
    assert refusal.value.code == "bad_declaration"


def test_external_data_says_what_to_do(tmp_path: Path) -> None:
    model = onnx.load_from_string(exports.written(exports.Export(exports.tiny), tmp_path))
    target = tmp_path / "two.onnx"
    onnx.save(model, target, save_as_external_data=True, size_threshold=0)
    with pytest.raises(Rejected, match="external_data=False") as refusal:
        formats.inspect(target)
    assert refusal.value.code == "external_data"


def test_on_a_gpu_it_is_refused(file: Path) -> None:
    with pytest.raises(Rejected, match="GPU"):
        formats.inspect(file, device="cuda")


def test_a_stream_and_a_file_say_the_same(file: Path) -> None:
    in_memory = io.BytesIO(file.read_bytes())
    assert formats.inspect(in_memory).model == formats.inspect(file).model
    assert not in_memory.closed


def test_the_gate_reads_a_large_file_in_a_moment(tmp_path: Path) -> None:
    """100 MB of weights are not read by the gate, but for the file's hash."""
    size = 5_000
    weight = helper.make_tensor("w", 1, (size, size), bytes(4 * size * size), raw=True)
    nodes = [
        helper.make_node("Flatten", ["x"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["y"]),
    ]
    takes = helper.make_tensor_value_info("x", 1, ["n", 3, 40, 40])
    gives = helper.make_tensor_value_info("y", 1, ["n", size])
    model = helper.make_model(
        helper.make_graph(nodes, "g", [takes], [gives], [weight]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    (tmp_path / "large.onnx").write_bytes(model.SerializeToString())
    start = time.monotonic()
    assert formats.inspect(tmp_path / "large.onnx").model.parameters == size * size
    assert time.monotonic() - start < 5


def test_site_and_command_need_neither_onnx_nor_onnxruntime(file: Path) -> None:
    program = (
        "import sys\n"
        "for name in ('onnx', 'onnxruntime', 'numpy', 'torch'): sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from scoring.formats import checking\n"
        "print(checking.check(Path(sys.argv[1])).model.format)"
    )
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program, str(file)], env=variables, capture_output=True, check=False
    )
    assert (done.stdout, done.stderr) == (b"onnx\n", b"")


def test_the_runtime_tells_nobody_of_its_use(tmp_path: Path) -> None:
    """onnxruntime writes a store of usage data to the home folder, unless it is told not to."""
    program = (
        "import os; from scoring.formats.onnx import runtime; runtime.Cpu().rehearse(); "
        "print(len(os.listdir('/proc/self/task')))"
    )
    variables: dict[str, Any] = {"PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    variables |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=variables, capture_output=True, check=False
    )
    assert done.stdout == b"1\n", done.stderr[-500:]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "layers", "quantized"),
    [
        ("static int8", 4, 4),
        ("static int8 operators", 4, 3),
        ("dynamic int8", 4, 4),
        ("uint8", 4, 0),
    ],
)
def test_quantized_layers_are_counted(
    name: str, layers: int, quantized: int, tmp_path: Path
) -> None:
    data = exports.written(exports.EXPORTS[name], tmp_path)
    model = formats.inspect(io.BytesIO(data)).model
    assert (model.layers, model.quantized_layers) == (layers, quantized)
    (tmp_path / "file").write_bytes(data)
    told = checking.table(checking.check(tmp_path / "file"))
    assert (f"int8          {quantized} of {layers} layers" in told) == bool(quantized)
