"""What a pickle in an archive refers to, found out by following its stack, never by running it.

Standard library only. What the pickle would have built is stood in for by plain values, and by
None where that says nothing.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scoring.errors import Rejected
from scoring.formats.torchscript import operators

MAX_BYTES = 8 << 20
MAX_OPCODES = 500_000
"""Of all pickles of an archive; timm's tf_efficientnetv2_xl has 82,000 when traced."""
MAX_ROWS = 1000
"""Different numbers of rows that are told; timm's largest nets have about a hundred."""
MAX_ELEMENTS = 1 << 40
"""Of one storage."""

STORAGES = {
    "FloatStorage": ("float32", 4),
    "DoubleStorage": ("float64", 8),
    "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2),
    "LongStorage": ("int64", 8),
    "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2),
    "CharStorage": ("int8", 1),
    "ByteStorage": ("uint8", 1),
    "UInt16Storage": ("uint16", 2),
    "UInt32Storage": ("uint32", 4),
    "UInt64Storage": ("uint64", 8),
    "BoolStorage": ("bool", 1),
    "QInt8Storage": ("qint8", 1),
    "QUInt8Storage": ("quint8", 1),
    "QInt32Storage": ("qint32", 4),
    "QUInt4x2Storage": ("quint4x2", 1),
    "QUInt2x4Storage": ("quint2x4", 1),
    "ComplexHalfStorage": ("complex32", 4),
    "ComplexFloatStorage": ("complex64", 8),
    "ComplexDoubleStorage": ("complex128", 16),
    "Float8_e5m2Storage": ("float8_e5m2", 1),
    "Float8_e4m3fnStorage": ("float8_e4m3fn", 1),
    "Float8_e5m2fnuzStorage": ("float8_e5m2fnuz", 1),
    "Float8_e4m3fnuzStorage": ("float8_e4m3fnuz", 1),
    "Float8_e8m0fnuStorage": ("float8_e8m0fnu", 1),
    "Float4_e2m1fn_x2Storage": ("float4_e2m1fn_x2", 1),
    **{
        f"{kind}{bits}Storage": (f"{kind.lower()}{bits}", 1)
        for kind in ("Int", "UInt")
        for bits in range(1, 8)
    },
}
"""By torch's name of the storage: the dtype, and bytes of one element."""

NAMES = re.compile(
    r"__torch__(\..+)? .+"
    r"|torch\._utils _rebuild_\w+"
    r"|torch\._tensor _rebuild_from_type_v2"
    r"|torch\.jit\._pickle \w+"
    r"|torch\.serialization _get_layout"
    r"|torch (\w+Storage|per_(tensor|channel)_\w+|device|Size|strided|sparse_\w+"
    r"|(b?float|u?int|complex|qu?int)\d\w*|bool|half|double|long)"
    r"|collections OrderedDict"
    r"|(builtins|__builtin__) complex",
    re.ASCII,
)
"""All that torch's own serializer of TorchScript writes, as `module name`."""


REBUILD = object()
"""Stands for torch's functions that make a tensor: (storage, offset, sizes, strides, ...)."""


@dataclass(frozen=True)
class Storage:
    """One tensor storage that a pickle refers to."""

    key: str
    dtype: str
    elements: int
    bytes: int


def weights(name: str, pickle: bytes, opcodes: Iterator[int]) -> tuple[list[Storage], set[int]]:
    """Storages that the pickle of that name refers to, and the first sizes of its tensors;
    `opcodes` runs out when they are too many.

    Raises `Rejected`, also for a global that torch does not write.
    """
    rows: set[int] = set()
    try:
        return list(walk(name, pickle, opcodes, rows)), rows
    except Rejected:
        raise
    except Exception as error:  # damaged pickles fail in as many ways as there are opcodes
        raise Rejected(
            "bad_pickle",
            f"The archive's {name!r:.80} cannot be read. Save and upload the model again.",
        ) from error


def walk(name: str, pickle: bytes, opcodes: Iterator[int], rows: set[int]) -> Iterator[Storage]:
    """Follow a pickle's stack with stand-ins for what it would have built; adds first sizes to
    `rows`."""
    stack: list[Any] = []
    marks: list[int] = []  # heights of the stack: looking for a mark in it would be quadratic
    memo: dict[Any, Any] = {}
    for opcode, argument, _ in pickletools.genops(pickle):
        if next(opcodes, None) is None:
            raise Rejected(
                "record_too_large", f"The archive's pickles have more than {MAX_OPCODES:,} opcodes."
            )
        match opcode.name:
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "MEMOIZE":
                memo[len(memo)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "MARK":
                marks.append(len(stack))
            case "DUP":
                stack.append(stack[-1])
            case "GLOBAL":
                refuse_unless_torchs(name, str(argument))
                rebuilds = str(argument).startswith("torch._utils _rebuild_")
                stack.append(REBUILD if rebuilds else argument)
            case "STACK_GLOBAL":
                one, module = stack.pop(), stack.pop()
                refuse_unless_torchs(name, f"{module:.99} {one:.99}")
                stack.append(None)
            case "INST":
                refuse_unless_torchs(name, str(argument))
                del stack[marks.pop() :]
                stack.append(None)
            case "EXT1" | "EXT2" | "EXT4":
                refuse_unless_torchs(name, f"copyreg extension {argument}")
            case "BINPERSID":
                yield storage(stack.pop())
                stack.append(None)
            case "TUPLE":
                start = marks.pop()
                stack[start:] = [tuple(stack[start:])]
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                start = len(stack) - int(opcode.name[-1])
                stack[start:] = [tuple(stack[start:])]
            case "REDUCE":
                arguments, called = stack.pop(), stack.pop()
                if called is REBUILD and len(rows) < MAX_ROWS:
                    match arguments:
                        case (_, _, (int() as first, *_), *_) if 0 < first <= MAX_ELEMENTS:
                            rows.add(first)
                stack.append(None)
            case "POP" if marks and marks[-1] == len(stack):
                marks.pop()
            case _:
                before = opcode.stack_before
                if pickletools.markobject in before:
                    del stack[marks.pop() :]
                    before = before[: before.index(pickletools.markobject)]
                if before:
                    del stack[-len(before) :]
                stack.extend([argument if not before else None] * len(opcode.stack_after))


def refuse_unless_torchs(name: str, reference: str) -> None:
    """A pickle may only name what torch writes; the rest would be somebody's code."""
    if reference.startswith(operators.CLASSES):
        operators.refuse_unless_known(reference.removeprefix(operators.CLASSES).replace(" ", "."))
    if not NAMES.fullmatch(reference):
        raise Rejected(
            "forbidden_global",
            f"{name!r:.80} refers to {reference.replace(' ', '.')!a:.200}, which torch.jit.save "
            "never writes. Keep Python objects out of the archive.",
        )


def storage(persistent_id: Any) -> Storage:
    """("storage", "torch FloatStorage", key, device, elements) as a `Storage`; up to version 1.5
    torch wrote None behind them."""
    kind, type_name, key, _, elements, *view = persistent_id
    # Only plain, short strings: a tuple of tuples of tuples, each shared, has a text of any length,
    # and a long key, shared by many, would be copied for each.
    is_plain = all(isinstance(text, str) and len(text) <= 100 for text in (type_name, key))
    known = STORAGES.get(type_name.rpartition(" ")[2]) if is_plain else None
    is_sound = type(elements) is int and 0 <= elements <= MAX_ELEMENTS
    if kind != "storage" or known is None or not is_sound or view not in ([], [None]):
        raise Rejected("bad_pickle", "The archive refers to an unknown kind of weights.")
    dtype, size = known
    return Storage(key=key, dtype=dtype, elements=elements, bytes=elements * size)
