"""The gate reads an archive record by record and never loads it."""

import io
import pickle
import random
import runpy
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import nn

from scoring import formats
from scoring.errors import Rejected
from scoring.formats.torchscript import archive, pickles, records, sources

from .conftest import Wild
from .crafting import MODEL, content_hash, crafted, refusal, repacked, saved

Models = Callable[..., Path]


ARCHIVES = Path(__file__).parent / "archives"


ATTACKS = Path(__file__).parents[3] / "shared" / "attacks" / "make_attacks.py"


def test_facts_of_a_model(models: Models) -> None:
    model = formats.inspect(models()).model
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
    assert formats.inspect(tmp_path / "model.pt").model.parameters >= 7_690


def test_honest_depth_is_far_from_the_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 layers within a tenth of each limit; timm's efficientnet_b7 needs about as much."""
    blocks = [nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)) for _ in range(100)]
    torch.jit.script(nn.Sequential(*blocks)).save(str(tmp_path / "deep.pt"))
    for module, limit in (
        (records, "MAX_RECORDS"),
        (archive, "MAX_DEBUG_BYTES"),
        (pickles, "MAX_OPCODES"),
        (pickles, "MAX_BYTES"),
        (sources, "MAX_BYTES"),
        (sources, "MAX_NESTING"),
    ):
        monkeypatch.setattr(module, limit, getattr(module, limit) // 10)
    assert formats.inspect(tmp_path / "deep.pt").model.parameters == 100 * (2 + 5)


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


def test_a_record_without_a_name() -> None:
    data = crafted(MODEL).replace(b"m/code/m.py", bytes(11))
    assert refusal(data) == "unsafe_names"


def test_some_other_zip() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as other:
        other.writestr("cat/1.jpg", b"")
    assert refusal(stream.getvalue()) == "not_torchscript"


def test_an_archive_that_unpacks_too_large(models: Models) -> None:
    assert refusal(models().read_bytes(), max_unpacked_bytes=10_000) == "too_large_unpacked"


@pytest.mark.parametrize(
    "name",
    [
        *("other/../../etc/passwd", "/etc/passwd", "other/extra/a\\b", "other/extra/../a"),
        *("other/extra/./a", "other/extra//a", "./extra/a", "../extra/a"),
    ],
)
def test_unsafe_names(models: Models, name: str) -> None:
    with pytest.raises(Rejected) as refused:
        formats.inspect(repacked(models(), {name: b""}))
    assert refused.value.code == "unsafe_names"
    assert repr(name) in refused.value.message
    assert "file with another name" in refused.value.message


def test_a_record_that_stands_twice_is_named(models: Models) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = repacked(models(), {"other/version": b"3\n"})
    with pytest.raises(Rejected, match="the record 'version' twice"):
        formats.inspect(twice)


NAMES = [
    *("a\u00a0b", "Screenshot 9.41\u202fAM", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "모델"),
    *("e\u0301", "quo'te\"s", "we\\ird", "new\nline", "tab\t", "x" * 250, "모" * 80, "\u202egnp"),
    *(
        " ",
        "a.b.c",
        "a:b*?<>|",
        "\x01\x1b[31m",
        "\u3000",
        "\u00ad",
        "\ufeff",
        "...",
        "-rf",
        "extra",
    ),
]


def test_files_may_have_any_name_under_which_torch_saves_and_loads(tmp_path: Path) -> None:
    model = torch.jit.script(nn.Linear(3, 2).eval())
    for name in NAMES:
        path = tmp_path / f"{name}.pt"
        model.save(str(path), _extra_files={name: "a note"})
        torch.jit.load(str(path), _extra_files=(notes := {name: b""}))
        assert notes[name] == b"a note"
        if "\\" in name:
            with pytest.raises(Rejected, match="extra files under names without"):
                formats.inspect(path)
            model.save(str(path))
        assert formats.inspect(path).model.parameters == 8, name


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_could_lead_out_of_a_folder_is_told_with_the_way_out(
    name: str, tmp_path: Path
) -> None:
    model = torch.jit.script(nn.Linear(3, 2).eval())
    model.save(str(tmp_path / f"{name}.pt"))
    with pytest.raises(Rejected, match=rf"'{name}/data.* Save the model to a file with another"):
        formats.inspect(tmp_path / f"{name}.pt")


@pytest.mark.parametrize(("name", "side"), [("script", 4), ("trace", 16)])
def test_archives_of_old_torch_pass(name: str, side: int) -> None:
    """Archives that old torch wrote, without debug records. There the id of a storage has a sixth
    element."""
    path = ARCHIVES / f"torch-1.3.1-{name}.pt"
    assert formats.inspect(path).model.parameters >= 351
    assert torch.jit.load(str(path))(torch.rand(1, 3, side, side)).shape == (1, 10)


@pytest.mark.parametrize("view", [b"K\x00", b"(t", b"NN"])
def test_a_storage_with_anything_else_as_its_sixth_element(view: bytes) -> None:
    assert refusal(crafted(MODEL.replace(b"tQ", view + b"tQ"))) == "bad_pickle"
    assert formats.inspect(io.BytesIO(crafted(MODEL.replace(b"tQ", b"NtQ")))).model.parameters == 5


def test_the_layout_that_torch_no_longer_loads_is_told() -> None:
    with pytest.raises(Rejected, match=r"Load it in torch 1\.3 or 1\.4 and save it again"):
        formats.inspect(io.BytesIO(crafted(MODEL, **{"model.json": b"{}"})))


@pytest.mark.parametrize("held", [b"", bytes(19)])
def test_a_storage_larger_than_its_record(held: bytes) -> None:
    assert refusal(crafted(MODEL, **{"data/0": held})) == "storage_mismatch"
    assert refusal(crafted(MODEL, **{"constants.pkl": MODEL, "constants/0": held})) == (
        "storage_mismatch"
    )


def test_a_storage_without_a_record() -> None:
    assert refusal(crafted(MODEL, **{"constants.pkl": MODEL})) == "storage_mismatch"
    nothing = MODEL.replace(b"K\x05", b"K\x00")
    data = crafted(MODEL, **{"constants.pkl": nothing})
    assert formats.inspect(io.BytesIO(data)).model.parameters == 5


def test_an_extra_file_is_small(models: Models) -> None:
    archived = repacked(models(), {"other/extra/weights.bin": bytes(archive.MAX_EXTRA_BYTES + 1)})
    assert refusal(archived.getvalue()) == "extra_file_too_large"


def test_debug_records_are_small_together() -> None:
    half = bytes(archive.MAX_DEBUG_BYTES // 2)
    records = {f"code/{n}.py.debug_pkl": half for n in "ab"}
    assert formats.inspect(io.BytesIO(crafted(MODEL, **records))).model.parameters == 5
    records["code/c.py.debug_pkl"] = b"."
    assert refusal(crafted(MODEL, **records)) == "record_too_large"


def test_weights_cannot_pass_for_debug_records() -> None:
    """Debug records are no part of the content hash. Weights there could be changed without another
    measurement."""
    one, other = (crafted(MODEL, **{"data/0.py.debug_pkl": data}) for data in (b"a", b"b"))
    assert content_hash(io.BytesIO(one)) != content_hash(io.BytesIO(other))


@pytest.mark.parametrize("where", ["before", "after", "between"])
def test_a_zip_with_more_than_one_list_of_records(where: str) -> None:
    """torch would load one list, and `zipfile` would show the other one."""
    data = crafted(MODEL)
    directory = data.index(b"PK\x01\x02")
    made = {
        "before": data + data,
        "after": data[:-2] + b"\x16\x00" + data[-22:],
        "between": data[:-22] + data[directory:-22] + data[-22:],
    }
    assert refusal(made[where]) == "truncated_zip"


@pytest.mark.filterwarnings("ignore:invalid escape sequence")
@pytest.mark.parametrize("seed", range(6))
def test_damage_of_any_kind_is_refused_or_passes_at_once(seed: int, models: Models) -> None:
    """Damage to the bytes of the zip, and to the bytes of its records within a sound zip."""
    dice = random.Random(seed)
    whole = models().read_bytes()
    with zipfile.ZipFile(models()) as zipped:
        records = {name: zipped.read(name) for name in zipped.namelist()}
    read = [name for name in records if name.endswith((".pkl", ".py"))]
    for number in range(100):
        if number % 2:
            data = damaged(whole, dice)
        else:
            stream = io.BytesIO()
            victim = dice.choice(read)
            with zipfile.ZipFile(stream, "w") as made:
                for name, record in records.items():
                    made.writestr(name, damaged(record, dice) if name == victim else record)
            data = stream.getvalue()
        start = time.process_time()
        with suppress(Rejected):
            formats.inspect(io.BytesIO(data))
        assert time.process_time() - start < 5


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Some bytes changed, doubled, taken away or put in, more often near the end."""
    result = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 8, 40))):
        at = len(result) - int(dice.choice((0.02, 1)) * dice.random() * len(result))
        length = dice.choice((1, 1, 4, 64, 5000))
        piece = result[at : at + length]
        put_in = dice.choice((dice.randbytes(length), piece * 2, b"", b"\xff" * len(piece)))
        result[at : at + length] = put_in
    return bytes(result)


@pytest.mark.skipif(not ATTACKS.exists(), reason="the crafted attacks are not beside this checkout")
def test_crafted_attacks_are_refused_and_what_the_sandbox_holds_is_not(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, ATTACKS, tmp_path / "attacks", tmp_path / "canary"],
        check=True,
        capture_output=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(ATTACKS), "", ""])
        expected = runpy.run_path(str(ATTACKS))["EXPECTED"]
    refused = set()
    for name in expected:
        try:
            formats.inspect(tmp_path / "attacks" / f"{name}.pt")
        except Rejected:
            refused.add(name)
    assert refused >= {name for name, end in expected.items() if end == "refused"}
    assert not refused & {name for name, end in expected.items() if end in ("scored", "contained")}


def test_records_are_counted_before_they_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_DIRECTORY_BYTES", 66_000)  # zipfile looks back that far
    names = {f"data/{'x' * 60_000}{n}": b"" for n in range(2)}
    assert refusal(crafted(b".", **names)) == "too_many_records"


def test_a_small_file_may_not_unpack_to_a_large_one() -> None:
    data = {"data/0": bytes(archive.SMALL_BYTES + 1)}
    assert refusal(crafted(b".", **data)) == "too_large_unpacked"


def test_the_content_hash_sees_content_only(models: Models) -> None:
    same = repacked(models(), {"elsewhere/code/x.py.debug_pkl": b"lines"}, top="elsewhere")
    more = repacked(models(), {"other/extra/notes.txt": b"hello"})
    plain = io.BytesIO(models().read_bytes())
    assert content_hash(same) == content_hash(plain)
    assert content_hash(more) != content_hash(plain)
