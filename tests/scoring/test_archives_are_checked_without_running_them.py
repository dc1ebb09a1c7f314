import io
import json
import pickle
import pickletools
import zipfile
from collections.abc import Callable, Iterator
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


def test_honest_depth_is_far_from_the_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 layers within a tenth of each limit; timm's efficientnet_b7 needs about as much."""
    blocks = [nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)) for _ in range(100)]
    torch.jit.script(nn.Sequential(*blocks)).save(str(tmp_path / "deep.pt"))
    for limit in ("MAX_OPCODES", "MAX_PICKLE_BYTES", "MAX_SOURCE_BYTES", "MAX_RECORDS"):
        monkeypatch.setattr(archive, limit, getattr(archive, limit) // 10)
    assert archive.check(tmp_path / "deep.pt").parameters == 100 * (2 + 5)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_slow_compression_that_torch_cannot_read(method: int) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as made:
        made.writestr("m/data.pkl", b".")
        made.writestr("m/code/m.py", b"")
    assert refusal(stream.getvalue()) == "not_torchscript"


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


STORAGE = b"(X\x07\0\0\0storageX\x0c\0\0\0FloatStorageX\x01\0\0\0" + b"0X\x03\0\0\0cpuK\x05tQ"


def crafted(pickle: bytes, code: bytes = b"", **records: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("m/data.pkl", pickle)
        made.writestr("m/code/m.py", code)
        for name, data in records.items():
            made.writestr(f"m/{name}", data)
    return stream.getvalue()


def test_a_deep_stack_is_walked_in_one_pass() -> None:
    """Looking for each mark in the stack would copy 40,000 x 200,000 items."""
    deep = b"\x80\x02" + b"N" * 200_000 + b"(t" * 40_000 + STORAGE + b"."
    assert archive.check(io.BytesIO(crafted(deep))).parameters == 5


def test_a_mark_may_be_popped() -> None:
    assert archive.check(io.BytesIO(crafted(b"\x80\x02(N(0" + STORAGE + b"t."))).parameters == 5


def test_the_opcodes_of_a_pickle_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = 0
    genops = pickletools.genops

    def counted(pickle: bytes) -> Iterator[object]:
        nonlocal drawn
        for one in genops(pickle):
            drawn += 1
            yield one

    monkeypatch.setattr(pickletools, "genops", counted)
    assert refusal(crafted(b"\x80\x02" + b"N" * (7 << 20) + b".")) == "record_too_large"
    assert drawn == archive.MAX_OPCODES + 1


def test_a_long_pickle() -> None:
    assert refusal(crafted(b"N" * (archive.MAX_PICKLE_BYTES + 1))) == "record_too_large"


@pytest.mark.parametrize("field", ["type", "key", "elements"])
def test_a_storage_is_described_by_plain_values_only(field: str) -> None:
    """A tuple that holds itself twice, forty times over, has a text of 2^40 characters."""
    nested = b"Nq\x00" + b"h\x00h\x00\x86q\x00" * 40
    bad = {
        "type": STORAGE.replace(b"X\x0c\0\0\0FloatStorage", nested),
        "key": STORAGE.replace(b"X\x01\0\0\0" + b"0", nested),
        "elements": STORAGE.replace(b"K\x05", b"\x8a\x08" + b"\xff" * 7 + b"\x7f"),
    }
    assert refusal(crafted(b"\x80\x02" + bad[field] + b".")) == "bad_pickle"


def test_operators_are_counted_and_their_names_are_short() -> None:
    pickle = b"\x80\x02" + STORAGE + b"."
    many = "".join(f"torch.op{n}(x)\nops.own.op{n}(x)\n" for n in range(archive.MAX_OPERATORS))
    assert refusal(crafted(pickle, many.encode())) == "record_too_large"
    calls = b"torch.relu(x); ops.prim.data(x); torch." + b"a" * 10_000 + b"(x)"
    assert archive.check(io.BytesIO(crafted(pickle, calls))).operators == (
        "aten::relu",
        "prim::data",
    )


def test_records_are_counted_before_they_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_DIRECTORY_BYTES", 66_000)  # zipfile looks back that far
    names = {f"data/{'x' * 60_000}{n}": b"" for n in range(2)}
    assert refusal(crafted(b".", **names)) == "too_many_records"


def test_a_small_file_may_not_unpack_to_a_large_one() -> None:
    data = {"data/0": bytes(archive.SMALL_BYTES + 1)}
    assert refusal(crafted(b".", **data)) == "too_large_unpacked"


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


def test_a_declared_crop_share_is_coarse_and_the_competition_may_go_lower() -> None:
    spec = archive.input_spec(InputSpec(), {"crop_pct": 0.8751234}, InputBounds())
    assert spec.crop_pct == 0.88
    narrow = InputSpec(crop_pct=0.3)
    assert archive.input_spec(narrow, {"dtype": "uint8"}, InputBounds()).crop_pct == 0.3


def test_without_a_declaration_the_default_holds(models: Models) -> None:
    assert archive.declaration(models()) is None
    assert archive.input_spec(InputSpec(), None, InputBounds()) == InputSpec()


@pytest.mark.parametrize(
    "declared",
    [
        {"crop_pct": 0.49},
        {"crop_pct": 1.01},
        {"crop_pct": float("nan")},
        {"mean": [0, 0, 10**400]},
        {"std": [1, 1, -1]},
        {"std": [1, 1, float("inf")]},
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
