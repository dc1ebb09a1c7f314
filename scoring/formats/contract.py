"""What a format must provide.

Standard library only, as the whole static side of a format: the site and the participant's command
read uploads without torch. Only `Format.runtime` and `Format.export` load more, when called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol

from scoring.job import Device, InputSpec, Job, Model
from scoring.sentences import Sentence

if TYPE_CHECKING:
    import torch

    Network = Callable[[torch.Tensor], torch.Tensor]
    """A loaded model: images (batch, 3, height, width) to logits (batch, classes)."""

Export = Literal["script", "trace"]


class Archive(Protocol):
    """One upload, opened and never run. Every method raises `Rejected` with a code."""

    def facts(self, *, max_unpacked_bytes: int, device: Device) -> Model:
        """The gate: static facts of a file that may be run on `device`."""

    def declaration(self) -> dict[str, Any] | None:
        """The author's `featherweight.json`, or None."""

    def macs(self, images: tuple[int, ...]) -> int | None:
        """Multiplications for one image of a batch (batch, 3, height, width), by the file alone.

        None if the file does not tell them.
        """

    def content_hash(self) -> str:
        """SHA-256 of the content, in hexadecimal digits.

        Two files of one model have the same hash, whatever their time stamps are.
        """


class Runtime(Protocol):
    """How the sandbox's child runs a model of one format on one device."""

    def load(self, data: bytes) -> Network:
        """The model in a file's bytes. Raises whatever the format's loader raises."""

    def prepare(self, network: Network, example: torch.Tensor) -> tuple[Network, bool]:
        """The network made faster, as every network is, and whether that worked.

        `example`: (batch, 3, height, width).
        """

    def answer(self, network: Network, batch: torch.Tensor) -> torch.Tensor:
        """The network's answer to images (batch, 3, height, width) in host memory.

        The answer may lie on any device, and is not checked here.
        """

    def count(self, network: Network, batch: torch.Tensor) -> int | None:
        """Multiplications of the answer to a batch, before `prepare`; None if they are not known.

        May raise anything.
        """

    def finish(self) -> None:
        """Wait until the device has done everything that it was asked for."""

    def start_threads(self, count: int) -> None:
        """Start the threads that this runtime computes with; behind the locks none can start."""

    def rehearse(self) -> None:
        """Run a small network once, so that everything is imported before the child's locks."""


@dataclass(frozen=True)
class Attempt:
    """One model that tries to break out of the sandbox."""

    gain: Sentence
    """What the model can do if it breaks out."""
    archive: bytes
    """The model, for images of `scoring.sandbox.selftest.SPEC`."""
    leaves_traces: bool = False
    """Whether success shows in the victim's folder. If not, an answer is a success."""


class Format(Protocol):
    """One row of the table `scoring.formats.FORMATS`."""

    name: str
    """For programs: stored with reports."""
    title: str
    """For people."""
    endings: tuple[str, ...]
    """Of file names. An upload is stored with the first one."""
    written_by: tuple[str, ...]
    """Calls that write such files, as a page shows them."""
    has_int8: bool
    """Whether `export` can write int8, calibrated on images."""
    is_counted_by_running: bool
    """Whether only its runtime can count multiplications."""
    libraries: tuple[str, ...]
    """Distributions whose versions decide figures."""
    load_failed: Sentence
    """What a team reads if the runtime cannot load its file."""

    def holds(self, head: bytes) -> bool:
        """Whether a file that begins with `head` is one of this format."""

    def opened(self, stream: BinaryIO) -> Archive:
        """The upload in a stream, which stays open. Raises `Rejected`."""

    def notes(self, model: Model, spec: InputSpec, device: Device) -> tuple[Sentence, ...]:
        """What may make an accepted file fail in an evaluation, each with what helps."""

    def advice(
        self, code: str, raised: str, *, model: Model, job: Job, has_answered: bool
    ) -> tuple[Sentence, ...]:
        """What a team can do about a failure; empty if nothing is known.

        `raised`: the error's text, or empty. `has_answered`: whether a process of the model ever
        answered.
        """

    def runtime(self, device: str) -> Runtime:
        """The runtime on `device`. Only the sandbox's child calls this."""

    def honest(self) -> bytes:
        """A model that answers two numbers and tries nothing."""

    def attempts(self, secret: Path, victim: Path, *, is_gpu: bool) -> Iterator[Attempt]:
        """Models that try to read the file `secret` and to write to the folder `victim`."""

    def export(
        self,
        network: torch.nn.Module,
        spec: InputSpec,
        target: Path,
        how: Export,
        pixels: torch.Tensor | None = None,
    ) -> None:
        """Write a network that was trained for `spec` as a file of this format.

        `pixels`: images (N, 3, height, width), uint8, to calibrate int8 by; None for a file in
        floats. Raises `ValueError` if int8 is not possible here.
        """
