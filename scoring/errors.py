"""The four errors of this package. Each has a stable code, and a message for people."""

from __future__ import annotations


class Coded(Exception):
    """`code` is for programs and never changes its meaning. `message` tells people what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Rejected(Coded):
    """An upload that is refused without being run."""


class BadDataset(Coded):
    """A set of images that cannot be used."""


class ModelFailed(Coded):
    """A submission that failed while it ran, by its team's fault."""


class EngineError(Coded):
    """An evaluation that failed by the organizers' fault: reference, data or machine.

    `wanted_bytes`: for which the disk had no room, if that was the cause; else 0.
    """

    def __init__(self, code: str, message: str, *, wanted_bytes: int = 0) -> None:
        super().__init__(code, message)
        self.wanted_bytes = wanted_bytes
