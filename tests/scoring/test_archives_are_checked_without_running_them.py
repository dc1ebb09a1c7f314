import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from scoring import archive
from scoring.errors import Rejected
from scoring.job import InputBounds, InputSpec

from .conftest import Wild

Models = Callable[..., Path]


def refusal(data: bytes, **limits: int) -> str:
    with pytest.raises(Rejected) as refused:
        archive.check(io.BytesIO(data), **limits)
    return refused.value.code


def saved(value: object, zipped: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


def repacked(path: Path, top: str = "other", **records: bytes) -> io.BytesIO:
    """The same archive with another top folder, other time stamps and more records."""
    result = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            new.writestr(f"{top}/{name.partition('/')[2]}", old.read(name))
        for name, data in records.items():
            new.writestr(name.replace("__", "/"), data)
    return result


def test_facts_of_a_model(models: Models) -> None:
    model = archive.check(models())
    assert model.parameters == 10 * 3 * 16 * 16 + 10
    assert model.bytes == models().stat().st_size
    assert model.dtypes == ("float32",)
    assert "aten::flatten" in model.operators


@pytest.mark.parametrize("kind", ["traced", "frozen", "half", "quantized"])
def test_honest_models_of_every_kind_pass(kind: str, tmp_path: Path) -> None:
    model: nn.Module = Wild().eval()
    if kind == "quantized":
        model = torch.ao.quantization.quantize_dynamic(model, {nn.Linear})
    elif kind == "half":
        model = model.half()
    example = torch.zeros(1, 3, 16, 16)
    traced = torch.jit.script(model) if kind == "half" else torch.jit.trace(model, example)
    if kind == "frozen":
        traced = torch.jit.freeze(traced)
    traced.save(str(tmp_path / "model.pt"), _extra_files={"notes.txt": "x" * 60_000})
    assert archive.check(tmp_path / "model.pt").parameters >= 7_690


def test_an_empty_file() -> None:
    assert refusal(b"") == "empty_file"


def test_something_else_than_a_zip() -> None:
    assert refusal(b"GIF89a, say") == "not_a_zip"


def test_a_truncated_zip(models: Models) -> None:
    data = models().read_bytes()
    assert refusal(data[: len(data) // 2]) == "truncated_zip"


def test_a_zip_with_a_damaged_record(models: Models) -> None:
    data = bytearray(models().read_bytes())
    at = data.index(b"FloatStorage")
    data[at : at + 5] = b"xxxxx"
    assert refusal(bytes(data)) == "truncated_zip"


@pytest.mark.parametrize("protocol", range(6))
def test_a_python_pickle(protocol: int) -> None:
    assert refusal(pickle.dumps({"weights": [1, 2]}, protocol)) == "python_pickle"


def test_a_legacy_torch_file() -> None:
    assert refusal(saved(Wild().state_dict(), zipped=False)) == "python_pickle"


def test_a_state_dict() -> None:
    assert refusal(saved(Wild().state_dict())) == "state_dict"


def test_some_other_zip() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as other:
        other.writestr("cat/1.jpg", b"")
    assert refusal(stream.getvalue()) == "not_torchscript"


def test_an_archive_that_unpacks_too_large(models: Models) -> None:
    assert refusal(models().read_bytes(), max_unpacked_bytes=10_000) == "too_large_unpacked"


@pytest.mark.parametrize(
    "name", ["other/../../etc/passwd", "/etc/passwd", "other/extra/a\\b", "other/extra/a/b"]
)
def test_unsafe_names(models: Models, name: str) -> None:
    assert refusal(repacked(models(), **{name: b""}).getvalue()) == "unsafe_names"


@pytest.mark.parametrize("text", [b"{", b"[1]", b"\xff"])
def test_a_declaration_that_is_no_object(models: Models, text: bytes) -> None:
    archived = repacked(models(), **{"other/extra/featherweight.json": text})
    assert refusal(archived.getvalue()) == "bad_declaration"


def test_the_content_hash_sees_content_only(models: Models) -> None:
    same = repacked(models(), "elsewhere", **{"elsewhere/code/x.py.debug_pkl": b"lines"})
    more = repacked(models(), **{"other/extra/notes.txt": b"hello"})
    assert archive.content_hash(same) == archive.content_hash(models())
    assert archive.content_hash(more) != archive.content_hash(models())


def test_a_declaration_changes_the_input(models: Models) -> None:
    path = models(Wild, input_size=[3, 24, 32], dtype="float16", crop_pct=0.9, author="me")
    spec = archive.input_spec(InputSpec(), archive.declaration(path), InputBounds())
    assert spec == InputSpec(height=24, width=32, dtype="float16", crop_pct=0.9)


def test_without_a_declaration_the_default_holds(models: Models) -> None:
    assert archive.declaration(models()) is None
    assert archive.input_spec(InputSpec(), None, InputBounds()) == InputSpec()


@pytest.mark.parametrize(
    "declared",
    [
        {"input_size": [3, 4, 4]},
        {"input_size": [3, 4000, 4000]},
        {"input_size": [1, 32, 32]},
        {"input_size": 32},
        {"dtype": "int8"},
        {"std": [0, 1, 1]},
        {"mean": [0.5, 0.5]},
        {"mean": [0.5, 0.5, float("nan")]},
        {"interpolation": "magic"},
        {"crop_pct": 0},
    ],
)
def test_a_declaration_out_of_bounds(declared: dict[str, object]) -> None:
    with pytest.raises(Rejected) as refused:
        archive.input_spec(InputSpec(), json.loads(json.dumps(declared)), InputBounds())
    assert refused.value.code == "bad_declaration"
