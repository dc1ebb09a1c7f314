"""The four ways this package says no; each carries a stable code and a sentence for people."""

from __future__ import annotations


class Coded(Exception):
    """`code` is for programs and never changes its meaning; `message` says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Rejected(Coded):
    """An archive that is refused before it is run."""


class BadDataset(Coded):
    """A set of images that cannot be used."""


class ModelFailed(Coded):
    """A submission that failed while it ran: its team's fault."""


class EngineError(Coded):
    """An evaluation that failed by our own fault: reference, data, machine.

    `wanted_bytes`: what the disk had no room for, where that was it.
    """

    def __init__(self, code: str, message: str, *, wanted_bytes: int = 0) -> None:
        super().__init__(code, message)
        self.wanted_bytes = wanted_bytes
