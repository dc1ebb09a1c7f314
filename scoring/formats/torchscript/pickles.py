"""What a pickle in an archive refers to, found by following its stack, never by running it.

Standard library only. Plain values stand for what the pickle would have built; None stands for what
is of no interest.
"""

from __future__ import annotations

import pickletools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scoring.errors import Rejected
from scoring.formats.torchscript import operators
from scoring.sentences import say

MAX_BYTES = 8 << 20
"""Most bytes of all pickles of an archive."""
MAX_OPCODES = 500_000
"""Most opcodes of all pickles of an archive. timm's tf_efficientnetv2_xl has 82,000 when traced."""
MAX_SIDES = 16
"""Most sides of a tensor whose shape is noted."""
MAX_ELEMENTS = 1 << 40
"""Most numbers of one storage."""

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
"""By torch's name of a storage: the dtype, and the bytes of one element."""

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
"""Every global that torch's serializer of TorchScript writes, as `module name`."""

REBUILD = object()
"""Stands for torch's functions that make a tensor of (storage, offset, sizes, strides, ...)."""


@dataclass(frozen=True)
class Storage:
    """One storage of weights that a pickle refers to."""

    key: str
    dtype: str
    elements: int
    bytes: int


@dataclass(frozen=True)
class View:
    """A tensor: a part of a storage with a shape. Layers may share one."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]


def weights(name: str, pickle: bytes, opcodes: Iterator[int]) -> tuple[list[Storage], set[View]]:
    """Storages that a pickle refers to, and its tensors, each once.

    `name`: of the pickle's record. `opcodes`: an iterator with one item for each opcode that is
    still allowed. Raises `Rejected`, also for a global that torch never writes.
    """
    views: set[View] = set()
    try:
        return list(walk(name, pickle, opcodes, views)), views
    except Rejected:
        raise
    except Exception as error:  # damaged pickles fail in as many ways as there are opcodes
        raise Rejected(
            "bad_pickle",
            say(
                "The archive's %(name)s cannot be read. Save and upload the model again.",
                name=repr(name)[:80],
            ),
        ) from error


def walk(name: str, pickle: bytes, opcodes: Iterator[int], views: set[View]) -> Iterator[Storage]:
    """Follow a pickle's opcodes, and yield the storages that it refers to.

    Tensors are added to `views`. Raises `Rejected`, and any error for a damaged pickle.
    """
    machine = Machine(name, views)
    for opcode, argument, _ in pickletools.genops(pickle):
        if next(opcodes, None) is None:
            raise Rejected(
                "record_too_large",
                say(
                    "The archive's pickles have more than %(limit)s opcodes.",
                    limit=format(MAX_OPCODES, ","),
                ),
            )
        if opcode.name == "BINPERSID":
            found = storage(machine.stack.pop())
            machine.stack.append(found)
            yield found
        else:
            machine.step(opcode, argument)


@dataclass
class Machine:
    """The stack machine of a pickle, with plain values for what the pickle would have built."""

    name: str
    """Of the pickle, for messages."""
    views: set[View]
    stack: list[Any] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    """Heights of the stack at its marks. To search the stack for a mark would be quadratic."""
    memo: dict[Any, Any] = field(default_factory=dict)

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """Carry one opcode out."""
        match opcode.name:
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = self.stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = self.stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                self.stack.append(self.memo[argument])
            case "MARK":
                self.marks.append(len(self.stack))
            case "POP" if self.marks and self.marks[-1] == len(self.stack):
                self.marks.pop()
            case "DUP":
                self.stack.append(self.stack[-1])
            case "TUPLE":
                self.pack(self.marks.pop())
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                self.pack(len(self.stack) - int(opcode.name[-1]))
            case "REDUCE":
                self.call()
            case "GLOBAL" | "STACK_GLOBAL" | "INST" | "EXT1" | "EXT2" | "EXT4":
                self.refer(opcode.name, argument)
            case _:
                self.change_height(opcode, argument)

    def pack(self, start: int) -> None:
        """Make a tuple of the stack from `start` on."""
        self.stack[start:] = [tuple(self.stack[start:])]

    def refer(self, opcode: str, argument: Any) -> None:
        """Push what a global name stands for. Raises `Rejected` for a name torch never writes."""
        meant = None
        if opcode == "STACK_GLOBAL":
            one, module = self.stack.pop(), self.stack.pop()
            refuse_unless_torchs(self.name, f"{module:.99} {one:.99}")
        elif opcode.startswith("EXT"):
            refuse_unless_torchs(self.name, f"copyreg extension {argument}")
            return
        else:
            refuse_unless_torchs(self.name, str(argument))
            if opcode == "INST":
                del self.stack[self.marks.pop() :]
            else:
                rebuilds = str(argument).startswith("torch._utils _rebuild_")
                meant = REBUILD if rebuilds else argument
        self.stack.append(meant)

    def call(self) -> None:
        """Replace a function and its arguments by None, and note a rebuilt tensor."""
        arguments, called = self.stack.pop(), self.stack.pop()
        if called is REBUILD:
            match arguments:
                case (Storage() as held, int() as offset, (*sides,), *_) if 0 < len(
                    sides
                ) <= MAX_SIDES and all(map(is_side, sides)):
                    self.views.add(View(held, offset, tuple(sides)))
        self.stack.append(None)

    def change_height(self, opcode: pickletools.OpcodeInfo, argument: Any) -> None:
        """Give the stack the height that any other opcode leaves. A constant stays itself."""
        before = opcode.stack_before
        if pickletools.markobject in before:
            del self.stack[self.marks.pop() :]
            before = before[: before.index(pickletools.markobject)]
        if before:
            del self.stack[-len(before) :]
        self.stack.extend([argument if not before else None] * len(opcode.stack_after))


def refuse_unless_torchs(name: str, reference: str) -> None:
    """Raises `Rejected` for a global that torch never writes: unpickling could run its code."""
    if reference.startswith(operators.CLASSES):
        operators.refuse_unless_known(reference.removeprefix(operators.CLASSES).replace(" ", "."))
    if not NAMES.fullmatch(reference):
        raise Rejected(
            "forbidden_global",
            say(
                "%(name)s refers to %(reference)s, which torch.jit.save never writes. Keep "
                "Python objects out of the archive.",
                name=repr(name)[:80],
                reference=ascii(reference.replace(" ", "."))[:200],
            ),
        )


def is_side(value: object) -> bool:
    return type(value) is int and 0 < value <= MAX_ELEMENTS


def storage(persistent_id: Any) -> Storage:
    """The `Storage` of ("storage", "torch FloatStorage", key, device, elements).

    Up to version 1.5 torch wrote a sixth element, None. Raises `Rejected` (bad_pickle).
    """
    kind, type_name, key, _, elements, *view = persistent_id
    # Only plain, short strings are taken. Nested tuples that share their parts have a text of any
    # length. A long key that many storages share would be copied for each of them.
    is_plain = all(isinstance(text, str) and len(text) <= 100 for text in (type_name, key))
    known = STORAGES.get(type_name.rpartition(" ")[2]) if is_plain else None
    is_sound = type(elements) is int and 0 <= elements <= MAX_ELEMENTS
    if kind != "storage" or known is None or not is_sound or view not in ([], [None]):
        raise Rejected("bad_pickle", say("The archive refers to an unknown kind of weights."))
    dtype, size = known
    return Storage(key=key, dtype=dtype, elements=elements, bytes=elements * size)
