"""Files of formats that are not taken are known by their content and named, with what to do."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
import torch

from scoring import formats
from scoring.errors import Rejected

XML = b'<?xml version="1.0"?>\n<net name="resnet" version="11">\n\t<layers>\n\t\t<layer id="0"/>'


def zipped(*names: str) -> bytes:
    """A zip with a fixed time stamp, because parameters of tests must be equal in each process."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "{}")
    return file.getvalue()


def safetensors() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(4)


def exported_program() -> bytes:
    class Small(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.flatten(1)[:, :3]

    file = io.BytesIO()
    torch.export.save(torch.export.export(Small(), (torch.zeros(1, 3, 8, 8),)), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (zipped("m/archive_format", "m/models/model.json"), "torch.export"),
        (zipped("serialized_exported_program.json", "version"), "torch.export"),
        (zipped("m/archive_format", "m/data/aotinductor/model/a.so"), "AOTInductor"),
        (b"\x1c\0\0\0ET12" + bytes(80), "ExecuTorch"),
        (b"\x1c\0\0\0TFL3" + bytes(80), "TensorFlow Lite"),
        (b"\x1c\0\0\0ORTM" + bytes(80), "onnxruntime"),
        (b"\x08\x01\x12\x10" + bytes(80), "SavedModel"),
        (zipped("saved/saved_model.pb", "saved/variables/variables.index"), "SavedModel"),
        (XML, "OpenVINO"),
        (zipped("model.xml", "model.bin"), "OpenVINO"),
        (safetensors(), "safetensors"),
        (b"GGUF\3\0\0\0" + bytes(80), "GGUF"),
        (zipped("metadata.json", "config.json", "model.weights.h5"), "Keras"),
        (b"\x89HDF\r\n\x1a\n" + bytes(80), "HDF5"),
        (zipped("model.pt"), "'model.pt'"),
        (zipped("__MACOSX/._net.onnx", "out/notes.txt", "out/net.onnx"), "'net.onnx'"),
        (zipped("a/Manifest.json", "a/Data/com.apple.CoreML/model.mlmodel"), "Core ML"),
    ],
)
def test_each_is_named(data: bytes, name: str) -> None:
    with pytest.raises(Rejected) as refusal:
        formats.inspect(io.BytesIO(data))
    assert refusal.value.code == "other_format"
    assert name in refusal.value.message


@pytest.mark.filterwarnings("ignore")
def test_what_torch_itself_writes_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(exported_program())
    with pytest.raises(Rejected) as refusal:
        formats.inspect(path)
    assert refusal.value.code == "other_format"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\x80\x04K\x01.", "python_pickle"),
        (b"text", "not_a_zip"),
        (zipped("a/readme.txt"), "not_torchscript"),
        (zipped("a.txt", "b/c.txt"), "not_torchscript"),
    ],
)
def test_what_nobody_knows_keeps_its_code(data: bytes, code: str) -> None:
    with pytest.raises(Rejected) as refusal:
        formats.inspect(io.BytesIO(data))
    assert refusal.value.code == code


@pytest.mark.parametrize("data", [b"", b"text", b"\x80\x04K\x01.", zipped("a/readme.txt")])
def test_a_file_without_a_model_is_told_how_each_format_is_saved(data: bytes) -> None:
    with pytest.raises(Rejected) as refusal:
        formats.inspect(io.BytesIO(data))
    for one in formats.FORMATS:
        assert one.title in refusal.value.message
        assert one.written_by[0] in refusal.value.message
