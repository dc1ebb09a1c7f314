"""The gate follows the stack of a pickle and never runs it."""

import io
import pickletools
from collections.abc import Iterator

import pytest

from scoring import formats
from scoring.errors import Rejected
from scoring.formats.torchscript import pickles

from .crafting import MODEL, STORAGE, crafted, refusal


def test_a_deep_stack_is_walked_in_one_pass() -> None:
    """A search of the stack for each mark would copy 40,000 x 200,000 items."""
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


def test_torch_keeps_no_values_of_traced_inputs() -> None:
    data = crafted(MODEL, **{"traced_inputs.pkl": MODEL, "traced_inputs/0": b""})
    assert formats.inspect(io.BytesIO(data)).model.parameters == 5


def test_shapes_are_told_of_what_torch_rebuilds_and_of_no_text_that_says_so() -> None:
    """A text may be megabytes long and be used again and again, so texts are never searched."""
    shape = STORAGE + b"K\x00" + b"K\x07K\x05\x86" + b"\x87R."  # of a tensor, behind its offset

    def shapes(called: bytes) -> set[tuple[int, ...]]:
        _, views = pickles.weights("data.pkl", b"\x80\x02" + called + shape, iter(range(99)))
        return {one.shape for one in views}

    assert shapes(b"ctorch._utils\n_rebuild_tensor_v2\n") == {(7, 5)}
    text = b"torch._utils _rebuild_tensor_v2"
    assert shapes(b"X" + len(text).to_bytes(4, "little") + text) == set()
