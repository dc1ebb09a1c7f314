"""The four errors of this package. Each has a stable code, and sentences for people."""

from __future__ import annotations

from scoring.sentences import Sentence, joined


class Coded(Exception):
    """`code` is for programs and never changes its meaning. `said` tells people what to do."""

    def __init__(self, code: str, *said: Sentence) -> None:
        self.code = code
        self.said = said
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The sentences in English, for the command line and logs."""
        return joined(self.said)


class Rejected(Coded):
    """An upload that is refused without being run."""


class BadDataset(Coded):
    """A set of images that cannot be used."""


class ModelFailed(Coded):
    """A submission that failed while it ran, by its team's fault."""


class EngineError(Coded):
    """An evaluation that failed by the organizers' fault: reference, data or machine.

    `wanted_bytes`: the bytes that did not fit on a full disk; 0 for any other cause.
    """

    def __init__(self, code: str, *said: Sentence, wanted_bytes: int = 0) -> None:
        super().__init__(code, *said)
        self.wanted_bytes = wanted_bytes
