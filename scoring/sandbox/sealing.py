"""Model files in memory, sealed against any change. The zygote gets them as descriptors."""

from __future__ import annotations

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

from scoring import formats

SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


@dataclass(frozen=True)
class SealedModel:
    """A model file in memory that nobody can change."""

    descriptor: int
    format: str
    """Its name in the table `scoring.formats.FORMATS`."""

    def close(self) -> None:
        """Give the memory back."""
        os.close(self.descriptor)


def sealed(data: bytes, format_name: str) -> SealedModel:
    """The bytes of a model file, for `Sandbox.child`."""
    descriptor = os.memfd_create("model", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS | fcntl.F_SEAL_WRITE)
    return SealedModel(descriptor, format_name)


def handed_over(path: Path) -> SealedModel:
    """A sealed copy of a model file, for `Sandbox.child`. Raises `OSError`."""
    descriptor = os.memfd_create("model", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        copied = 0
        while copied < size:
            copied += os.sendfile(descriptor, file.fileno(), copied, size - copied)
        format_ = formats.sniffed(file).name
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS | fcntl.F_SEAL_WRITE)
    return SealedModel(descriptor, format_)
