"""The records between the measurer and a child: of fixed size, and nothing else.

The measurer does not trust the child. A record can only pick one of a few codes and carry a few
numbers.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import asdict, dataclass

RUN = struct.Struct("<q")
"""To the child: the number of calls to answer from its input area, or one of the orders below."""

PREPARE, PROBE, COUNT = -1, -2, -3

STATUS = struct.Struct("<10q")
"""From the child: a `Status` and up to nine numbers."""

DIMENSIONS = 6
"""Of a wrong answer: as many sizes fit into a record."""
DTYPES = (
    *("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8"),
    *("bool", "complex64", "complex128", "quint8", "qint8", "qint32"),
)
"""Dtypes of wrong answers. A record names one by its index here."""


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
    """What a child's record tells."""

    LOADED = 0
    PREPARED = 1
    """Numbers: 1 if the network was made faster, else 0."""
    DONE = 2
    LOAD_FAILED = 3
    WRONG_INPUT = 4
    WRONG_OUTPUT = 5
    """Numbers: a `Kind`, the index of its dtype in `DTYPES` or -1, its dimensions or its length,
    and the sizes of up to six dimensions."""
    RAISED = 6
    OUT_OF_MEMORY = 7
    NO_GPU = 8
    LOCKED = 9
    """Sent before the child looks at the model. Numbers: the ABI of the landlock in force or 0, 1
    if a filter of system calls is in force, and the most KiB of memory so far."""
    OUTPUT_TOO_LARGE = 10
    COUNTED = 11
    """Numbers: the multiplications of one call, or -1 if they are not known."""


@dataclass(frozen=True)
class Order:
    """What the zygote needs to know to start a child.

    Channel, model and area come with it as descriptors, in this order.
    """

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
    """Whether to go on if the kernel lacks a layer."""
    has_output: bool
    """Whether a fourth descriptor comes along, for what the model prints and its errors' text."""

    def to_json(self) -> dict[str, object]:
        """A dictionary that `json.dumps` accepts."""
        return asdict(self)
