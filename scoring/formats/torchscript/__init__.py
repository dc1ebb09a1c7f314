"""TorchScript: archives that `torch.jit.save` writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from scoring.formats.contract import Attempt, Export, Runtime
from scoring.formats.torchscript import advising, archive, attacks
from scoring.job import Device, InputSpec, Job, Model
from scoring.sentences import Sentence, say

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["FORMAT"]


class TorchScript:
    """The row of `scoring.formats.FORMATS`: which module does what."""

    name = archive.NAME
    title = "TorchScript"
    endings: tuple[str, ...] = (".pt", ".pth", ".ts", ".torchscript", ".zip")
    written_by: tuple[str, ...] = (
        'torch.jit.script(model).save("model.pt")',
        'torch.jit.trace(model, images).save("model.pt")',
    )
    has_int8 = False
    is_counted_by_running = True
    libraries: tuple[str, ...] = ("torch",)
    load_failed = say("torch.jit.load refused the archive.")

    def holds(self, head: bytes) -> bool:
        return head.startswith(b"PK")

    def opened(self, stream: BinaryIO) -> archive.Archive:
        return archive.opened(stream)

    def notes(self, model: Model, spec: InputSpec, device: Device) -> tuple[Sentence, ...]:
        return advising.notes(model, spec, device)

    def advice(
        self, code: str, raised: str, *, model: Model, job: Job, has_answered: bool
    ) -> tuple[Sentence, ...]:
        return advising.advice(code, raised, model=model, job=job, has_answered=has_answered)

    def runtime(self, device: str) -> Runtime:
        from scoring.formats.torchscript import runtime

        return runtime.Cuda() if device == "cuda" else runtime.Cpu()

    def honest(self) -> bytes:
        return attacks.archive(())

    def attempts(self, secret: Path, victim: Path, *, is_gpu: bool) -> Iterator[Attempt]:
        return attacks.attempts(secret, victim, is_gpu=is_gpu)

    def export(
        self,
        network: nn.Module,
        spec: InputSpec,
        target: Path,
        how: Export,
        pixels: Tensor | None = None,
    ) -> None:
        if pixels is not None:
            raise ValueError("TorchScript is exported in floats only; int8 needs ONNX.")
        from scoring.formats.torchscript import exporting

        exporting.export(network, spec, target, how)


FORMAT = TorchScript()
