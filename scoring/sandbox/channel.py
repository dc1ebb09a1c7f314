"""What the measurer and the sandbox child say to each other: fixed-size records, nothing else.

The child is not believed: a record can only pick one of a few codes and carry a few numbers.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import asdict, dataclass

RUN = struct.Struct("<q")
"""To the child: answer this many calls that lie in its input area, or `PREPARE`, or `PROBE`."""

PREPARE, PROBE = -1, -2

STATUS = struct.Struct("<10q")
"""From the child: a `Status` and up to nine numbers."""

DIMENSIONS = 6
DTYPES = (
    *("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8"),
    *("bool", "complex64", "complex128", "quint8", "qint8", "qint32"),
)
"""Of wrong answers: a record names one by its place here."""


class Kind(enum.IntEnum):
    """What a model returned."""

    OTHER = 0
    TENSOR = 1
    TUPLE = 2
    LIST = 3
    DICT = 4
    NONE = 5
    NUMBER = 6
    TEXT = 7
    NOT_DENSE = 8
    """A tensor that is sparse, nested, packed or without memory."""


class Status(enum.IntEnum):
    LOADED = 0
    PREPARED = 1
    """Numbers: 1 if that worked."""
    DONE = 2
    LOAD_FAILED = 3
    WRONG_INPUT = 4
    WRONG_OUTPUT = 5
    """Numbers: a `Kind`, the place of its dtype in `DTYPES` or -1, its dimensions or length, sizes
    of up to six dimensions."""
    RAISED = 6
    OUT_OF_MEMORY = 7
    NO_GPU = 8
    LOCKED = 9
    """Before the model is looked at. Numbers: ABI of the landlock in force or 0, 1 if there is a
    filter of system calls."""
    OUTPUT_TOO_LARGE = 10


@dataclass(frozen=True)
class Order:
    """What the zygote needs to know to start a child; channel, model and area come as descriptors,
    in this order."""

    format: str
    """Its name in the table `scoring.formats.FORMATS`."""
    device: str
    threads: int
    dtype: str
    input_shape: tuple[int, ...]
    """(calls, batch, 3, height, width)"""
    output_shape: tuple[int, ...]
    """(calls, batch, classes), float32"""
    output_offset: int
    area_bytes: int
    model_bytes: int
    memory_bytes: int
    output_bytes: int
    total_seconds: float
    may_be_weak: bool
    """Whether to go on where the kernel lacks a layer."""
    has_output: bool
    """Whether a fourth descriptor takes what the model prints and the text of its errors."""

    def to_json(self) -> dict[str, object]:
        return asdict(self)
