"""The four ways this package says no; each carries a stable code and a sentence for people."""

from __future__ import annotations


class CodedError(Exception):
    """`code` is for programs and never changes its meaning; `message` says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Rejected(CodedError): - reads better where it is raised
    """An archive that is refused before it is run."""


class BadDataset(CodedError): - reads better where it is raised
    """A set of images that cannot be used."""


class ModelFailed(CodedError): - reads better where it is raised
    """A submission that failed while it ran: its team's fault."""


class EngineError(CodedError):
    """An evaluation that failed by our own fault: reference, data, machine."""
