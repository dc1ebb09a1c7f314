"""What models print on images that are no secret."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

OUTPUT_BYTES = 16 << 10
"""Kept of a dry run's output: enough for an error and the calls that led to it."""


@dataclass
class Output:
    """What models print on images that are no secret.

    The first `OUTPUT_BYTES` are kept, and the last ones, where an error stands.
    """

    end: int
    """The descriptor that children write to."""
    kept: bytearray = field(default_factory=bytearray)
    last: bytes = b""
    is_cut: bool = False

    def drain(self, source: int) -> None:
        """Read until every writing end is closed."""
        while said := os.read(source, 1 << 16):
            room = OUTPUT_BYTES - len(self.kept)
            self.kept += said[:room]
            self.last = (self.last + said)[-OUTPUT_BYTES:]
            self.is_cut |= len(said) > room

    @property
    def text(self) -> str:
        """The first part, printable."""
        return self.printable(bytes(self.kept))

    @property
    def last_words(self) -> str:
        """The last part, printable."""
        return self.printable(self.last)

    @staticmethod
    def printable(kept: bytes) -> str:
        """Text without control characters, which would reach people's terminals."""
        said = kept.decode("utf-8", "replace")
        return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in said)


@contextmanager
def listening() -> Iterator[Output]:
    """An output for children. It is complete once the body has ended."""
    source, end = os.pipe()
    output = Output(end)
    thread = threading.Thread(target=output.drain, args=[source], daemon=True)
    thread.start()
    try:
        yield output
    finally:
        os.close(end)
        thread.join()
        os.close(source)
