"""The memory that one child shares with the measurer: images in, answers out."""

from __future__ import annotations

import fcntl
import mmap
import os
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from scoring.job import InputSpec
from scoring.sandbox.sealing import SEALS

AREA_BYTES = 64 << 20
"""Room for the images of one block. One call always fits, however large it is."""


class Area:
    """Memory that a child shares with the measurer: one row for each call.

    The images of a block come first, as many as fit. The answers lie on pages of their own.

    The processes of one model get the same area one after the other. The first use of a page takes
    several microseconds, which is longer than a small model takes for the images on it. What one
    process writes there, the next process does not find: the area is wiped in between.
    """

    def __init__(self, spec: InputSpec, classes: int) -> None:
        call = (spec.batch_size, 3, spec.height, spec.width)
        call_bytes = int(np.prod(call)) * np.dtype(spec.dtype).itemsize
        calls = max(1, AREA_BYTES // call_bytes)
        self.dtype = spec.dtype
        self.input_shape = (calls, *call)
        self.output_shape = (calls, spec.batch_size, classes)
        self.call_bytes = call_bytes
        self.output_offset = whole_pages(calls * call_bytes)
        self.bytes = self.output_offset + calls * spec.batch_size * classes * 4
        self.open()

    def open(self) -> None:
        """Get the memory, all zero. Raises `OSError`."""
        descriptor = os.memfd_create("area", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
        try:
            os.ftruncate(descriptor, self.bytes)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
            self.memory = mmap.mmap(descriptor, self.bytes)
        except OSError:
            os.close(descriptor)
            raise
        self.descriptor = descriptor

    def inputs(self) -> npt.NDArray[Any]:
        """Images (calls, batch, 3, height, width) in the dtype of the input spec."""
        return self.view(self.dtype, self.input_shape, 0)

    def outputs(self) -> npt.NDArray[np.float32]:
        """Answers (calls, batch, classes), float32."""
        return self.view("float32", self.output_shape, self.output_offset)

    def view(self, dtype: str, shape: tuple[int, ...], offset: int) -> npt.NDArray[Any]:
        """A part of the memory as an array, `offset` bytes from the start."""
        count = int(np.prod(shape))
        return np.frombuffer(self.memory, dtype=dtype, count=count, offset=offset).reshape(shape)

    def wipe(self, calls: int) -> None:
        """Make the memory zero, once only this process has it.

        The pages of the first `calls` rows stay for the next child. The others are given back.
        """
        kept = min(whole_pages(calls * self.call_bytes), self.output_offset)
        self.view("uint8", (kept,), 0)[:] = 0
        self.memory.madvise(mmap.MADV_REMOVE, kept, self.bytes - kept)

    def renew(self) -> None:
        """Replace the memory, because another process may still have it."""
        descriptor, memory = self.descriptor, self.memory
        self.open()
        give_back(descriptor, memory)

    def close(self) -> None:
        """Give the memory back."""
        give_back(self.descriptor, self.memory)


def give_back(descriptor: int, memory: mmap.mmap) -> None:
    """Release an area's memory. What another process still maps stays mapped there."""
    os.close(descriptor)
    with suppress(BufferError):  # an array still shows a part of it, and frees it later
        memory.close()


def whole_pages(size: int) -> int:
    """`size` bytes, rounded up to whole pages."""
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
