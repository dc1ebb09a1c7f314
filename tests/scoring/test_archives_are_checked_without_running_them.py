import io
import json
import pickle
import pickletools
import random
import runpy
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from scoring import formats
from scoring.errors import Rejected
from scoring.formats import declarations
from scoring.formats.torchscript import archive, pickles, records, sources
from scoring.job import InputBounds, InputSpec

from .conftest import Wild

Models = Callable[..., Path]
ARCHIVES = Path(__file__).parent / "archives"
ATTACKS = Path(__file__).parents[3] / "shared" / "attacks" / "make_attacks.py"


def content_hash(data: io.BytesIO) -> str | None:
    return formats.inspect(data, with_content_hash=True).content_sha256


def refusal(data: bytes, **limits: Any) -> str:
    with pytest.raises(Rejected) as refused:
        formats.inspect(io.BytesIO(data), **limits)
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
        formats.inspect(repacked(models(), **{name: b""}))
    assert refused.value.code == "unsafe_names"
    assert repr(name) in refused.value.message
    assert "file with another name" in refused.value.message


def test_a_record_that_stands_twice_is_named(models: Models) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = repacked(models(), **{"other/version": b"3\n"})
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
        torch.jit.load(str(path), _extra_files=(notes := {name: ""}))
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


def test_a_declaration_by_almost_the_right_name_is_not_overlooked(models: Models) -> None:
    archived = repacked(models(), **{"other/extra/FeatherWeight.JSON": b"{}"})
    with pytest.raises(Rejected, match=r"'FeatherWeight.JSON' must be called featherweight.json"):
        formats.inspect(archived)


@pytest.mark.parametrize(("name", "side"), [("script", 4), ("trace", 16)])
def test_archives_of_old_torch_pass(name: str, side: int) -> None:
    """Of that torch itself, without debug records: a storage's id has a sixth element there."""
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


STORAGE = b"(X\x07\0\0\0storageX\x0c\0\0\0FloatStorageX\x01\0\0\0" + b"0X\x03\0\0\0cpuK\x05tQ"
"""Five floats of the record data/0."""
MODEL = b"\x80\x02" + STORAGE + b"."


def crafted(pickle: bytes, code: bytes = b"", **records: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("m/data.pkl", pickle)
        made.writestr("m/code/m.py", code)
        for name, data in ({"data/0": bytes(20)} | records).items():
            made.writestr(f"m/{name}", data)
    return stream.getvalue()


def test_a_deep_stack_is_walked_in_one_pass() -> None:
    """Looking for each mark in the stack would copy 40,000 x 200,000 items."""
    deep = b"\x80\x02" + b"N" * 200_000 + b"(t" * 40_000 + STORAGE + b"."
    assert formats.inspect(io.BytesIO(crafted(deep))).model.parameters == 5


def test_a_mark_may_be_popped() -> None:
    assert (
        formats.inspect(io.BytesIO(crafted(b"\x80\x02(N(0" + STORAGE + b"t."))).model.parameters
        == 5
    )


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
    assert drawn == pickles.MAX_OPCODES + 1


def test_a_long_pickle() -> None:
    assert refusal(crafted(b"N" * (pickles.MAX_BYTES + 1))) == "record_too_large"


@pytest.mark.parametrize("field", ["type", "key", "long key", "elements"])
def test_a_storage_is_described_by_plain_values_only(field: str) -> None:
    """A tuple that holds itself twice, forty times over, has a text of 2^40 characters."""
    nested = b"Nq\x00" + b"h\x00h\x00\x86q\x00" * 40
    bad = {
        "type": STORAGE.replace(b"X\x0c\0\0\0FloatStorage", nested),
        "key": STORAGE.replace(b"X\x01\0\0\0" + b"0", nested),
        "long key": STORAGE.replace(b"X\x01\0\0\0" + b"0", b"X\xff\0\0\0" + b"0" * 255),
        "elements": STORAGE.replace(b"K\x05", b"\x8a\x08" + b"\xff" * 7 + b"\x7f"),
    }
    assert refusal(crafted(b"\x80\x02" + bad[field] + b".")) == "bad_pickle"


@pytest.mark.parametrize("record", ["data.pkl", "constants.pkl", "traced_inputs.pkl", "X.PKL"])
@pytest.mark.parametrize(
    "reference",
    [
        b"cposix\nsystem\n",
        b"cbuiltins\neval\n",
        b"ctorch\nload\n",
        b"ctorch.hub\nload\n",
        b"ccollections\nabc.OrderedDict\n",
        b"\x8c\x02os\x8c\x06system\x93",  # the way of protocol 4
        b"(ios\nsystem\n",  # the way of protocol 0
        b"\x82\x01",  # an extension registered under a number
    ],
)
def test_a_global_that_torch_does_not_write(record: str, reference: bytes) -> None:
    named = b"\x80\x02" + reference + b"."
    records = {"data.pkl": MODEL, record: named}
    assert refusal(crafted(records.pop("data.pkl"), **records)) == "forbidden_global"


def test_a_refused_global_is_named_in_plain_characters() -> None:
    name = "\0system\u2028".encode()
    named = b"\x80\x02\x8c\x02os\x8c%c%b\x93." % (len(name), name)
    with pytest.raises(Rejected, match=r"refers to 'os\.\\x00system\\u2028'"):
        formats.inspect(io.BytesIO(crafted(named)))


def test_globals_that_torch_writes() -> None:
    names = (
        "__torch__.my.Net",
        "__torch__.torch.classes.quantized.LinearPackedParamsBase",
        "torch._utils._rebuild_sparse_tensor",
        "torch._tensor._rebuild_from_type_v2",
        "torch.jit._pickle.restore_type_tag",
        "torch.per_channel_affine",
        "torch.device",
        "torch.float8_e4m3fn",
        "torch.QInt8Storage",
        "collections.OrderedDict",
        "builtins.complex",
    )
    pickle = b"".join(b"c%b\n%b\n" % tuple(name.encode().rsplit(b".", 1)) for name in names)
    assert (
        formats.inspect(io.BytesIO(crafted(b"\x80\x02" + pickle + STORAGE + b"."))).model.parameters
        == 5
    )


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


def test_torch_keeps_no_values_of_traced_inputs() -> None:
    data = crafted(MODEL, **{"traced_inputs.pkl": MODEL, "traced_inputs/0": b""})
    assert formats.inspect(io.BytesIO(data)).model.parameters == 5


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


def test_an_extra_file_is_small(models: Models) -> None:
    archived = repacked(models(), **{"other/extra/weights.bin": bytes(archive.MAX_EXTRA_BYTES + 1)})
    assert refusal(archived.getvalue()) == "extra_file_too_large"


def test_debug_records_are_small_together() -> None:
    half = bytes(archive.MAX_DEBUG_BYTES // 2)
    records = {f"code/{n}.py.debug_pkl": half for n in "ab"}
    assert formats.inspect(io.BytesIO(crafted(MODEL, **records))).model.parameters == 5
    records["code/c.py.debug_pkl"] = b"."
    assert refusal(crafted(MODEL, **records)) == "record_too_large"


def test_weights_cannot_pass_for_debug_records() -> None:
    """What is not part of the content hash could be changed without being measured again."""
    one, other = (crafted(MODEL, **{"data/0.py.debug_pkl": data}) for data in (b"a", b"b"))
    assert content_hash(io.BytesIO(one)) != content_hash(io.BytesIO(other))


@pytest.mark.parametrize("where", ["before", "after", "between"])
def test_a_zip_with_more_than_one_list_of_records(where: str) -> None:
    """torch would load the one and `zipfile` would show us the other."""
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
    """Bytes of the zip, and bytes of its records below a sound zip."""
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


@pytest.mark.parametrize(
    "text",
    [b"{", b"[1]", b"\xff", b'{"crop_pct": 0.9, "crop_pct": 0.5}', b'{"a": {"b": 1, "b": 2}}'],
)
def test_a_declaration_that_is_no_object(models: Models, text: bytes) -> None:
    archived = repacked(models(), **{"other/extra/featherweight.json": text})
    assert refusal(archived.getvalue()) == "bad_declaration"


def test_the_content_hash_sees_content_only(models: Models) -> None:
    same = repacked(models(), "elsewhere", **{"elsewhere/code/x.py.debug_pkl": b"lines"})
    more = repacked(models(), **{"other/extra/notes.txt": b"hello"})
    assert content_hash(same) == content_hash(models())
    assert content_hash(more) != content_hash(models())


def test_a_declaration_changes_the_input(models: Models) -> None:
    path = models(Wild, input_size=[3, 24, 32], dtype="float16", crop_pct=0.9)
    spec = declarations.input_spec(InputSpec(), formats.inspect(path).declared, InputBounds())
    assert spec == InputSpec(height=24, width=32, dtype="float16", crop_pct=0.9)


@pytest.mark.parametrize("share", [0.875, 0.8751234, 0.5, 224 / 232, 1.15, 1, 2])
def test_a_declared_crop_share_is_taken_as_it_is(share: float) -> None:
    spec = declarations.input_spec(InputSpec(), {"crop_pct": share}, InputBounds())
    assert spec.crop_pct == share
    assert InputSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_the_competition_may_go_below_the_least_crop_share() -> None:
    narrow = InputSpec(crop_pct=0.3)
    assert declarations.input_spec(narrow, {"dtype": "uint8"}, InputBounds()).crop_pct == 0.3


def test_who_declares_what_is_asked_for_is_within_every_bound() -> None:
    large = InputSpec(height=640, width=640)
    declared = {"input_size": [3, 640, 640], "crop_pct": 0.9}
    found = declarations.input_spec(large, declared, InputBounds())
    assert (found.height, found.crop_pct) == (640, 0.9)
    with pytest.raises(Rejected):
        declarations.input_spec(large, {"input_size": [3, 641, 640]}, InputBounds())


def test_without_a_declaration_the_default_holds(models: Models) -> None:
    assert formats.inspect(models()).declared is None
    assert declarations.input_spec(InputSpec(), None, InputBounds()) == InputSpec()


@pytest.mark.parametrize(
    "declared",
    [
        {"crop_pct": 0.4999999},
        {"crop_pct": 2.01},
        {"crop_pct": "0.9"},
        {"crop_pct": None},
        {"crop_mode": "centre"},
        {"crop_mode": None},
        {"crop_mode": ["center"]},
        {"interpolation": "random"},
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
        declarations.input_spec(InputSpec(), json.loads(json.dumps(declared)), InputBounds())
    assert refused.value.code == "bad_declaration"
    assert f"{declarations.DECLARATION}: {next(iter(declared))}" in refused.value.message


def test_rows_are_told_of_what_torch_rebuilds_and_of_no_text_that_says_so() -> None:
    """A text may be megabytes long and be called again and again: it is never searched."""
    shape = b"NN" + b"K\x07K\x05\x86" + b"\x87R."  # of a tensor, behind its storage and offset
    called = b"ctorch._utils\n_rebuild_tensor_v2\n"
    assert pickles.weights("data.pkl", b"\x80\x02" + called + shape, iter(range(99))) == ([], {7})
    text = b"torch._utils _rebuild_tensor_v2"
    said = b"X" + len(text).to_bytes(4, "little") + text
    assert pickles.weights("data.pkl", b"\x80\x02" + said + shape, iter(range(99))) == ([], set())
