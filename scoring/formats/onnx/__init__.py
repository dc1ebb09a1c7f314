"""ONNX: one protobuf file with a graph and its weights, run by onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from scoring.formats.contract import Attempt, Export, Runtime
from scoring.formats.onnx import advising, archive, attacks
from scoring.job import Device, InputSpec, Job, Model
from scoring.sentences import Sentence, say

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["FORMAT"]


class Onnx:
    """The line in `scoring.formats.FORMATS`: which module does what."""

    name = archive.NAME
    title = "ONNX"
    endings: tuple[str, ...] = (".onnx",)
    written_by: tuple[str, ...] = ("torch.onnx.export(..., external_data=False)",)
    has_int8 = True
    is_counted_by_running = False
    libraries: tuple[str, ...] = ("onnxruntime",)
    load_failed = say("onnxruntime refused the file.")

    def holds(self, head: bytes) -> bool:
        return archive.holds(head)

    def opened(self, stream: BinaryIO) -> archive.Archive:
        return archive.opened(stream)

    def notes(self, model: Model, spec: InputSpec, device: Device) -> tuple[Sentence, ...]:
        return advising.notes(model, spec, device)

    def advice(
        self, code: str, raised: str, *, model: Model, job: Job, has_answered: bool
    ) -> tuple[Sentence, ...]:
        return advising.advice(code, raised, model=model, job=job)

    def runtime(self, device: str) -> Runtime:
        from scoring.formats.onnx import runtime

        return runtime.Cpu()

    def honest(self) -> bytes:
        return attacks.honest()

    def attempts(self, secret: Path, victim: Path, *, is_gpu: bool) -> Iterator[Attempt]:
        return attacks.attempts(secret, is_gpu=is_gpu)

    def export(
        self,
        network: nn.Module,
        spec: InputSpec,
        target: Path,
        how: Export,
        pixels: Tensor | None = None,
    ) -> None:
        from scoring.formats.onnx import exporting

        exporting.export(network, spec, target, pixels)


FORMAT = Onnx()
