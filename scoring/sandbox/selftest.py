"""Models that try to break out, so that an operator knows whether the sandbox holds here.

Each is a TorchScript archive made by hand of a few lines: what is proved is the sandbox and not the
static gate, which would refuse them. Standard library only; torch runs in the sandbox.
"""

from __future__ import annotations

import io
import os
import secrets
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from scoring.errors import EngineError, ModelFailed
from scoring.job import InputSpec, Limits, Plan
from scoring.sandbox import parent
from scoring.timing.runner import Synthetic

SPEC = InputSpec(height=8, width=8)
CLASSES = 2
LIMITS = Limits(load_seconds=30, first_call_seconds=30, total_seconds=60, memory_bytes=1 << 30)
HONEST = "return torch.slice(torch.flatten(x, 1), 1, 0, 2)"
PICKLE = b"\x80\x02c__torch__\nM\nq\x00)\x81}(X\x08\x00\x00\x00trainingq\x01\x89ubq\x02."
CODE = """class M(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.M,
    x: Tensor) -> Tensor:
    def _relu():
      return torch.relu(x)
    {body}
"""


@dataclass(frozen=True)
class Attempt:
    """One try to break out: in words what it gets if it does, and the lines that try it."""

    gain: str
    lines: tuple[str, ...]
    leaves_traces: bool = False
    """Whether success shows in the folder; else it shows in that the model lives to answer."""


def breaches(plan: Plan, *, may_be_weak: bool = False) -> tuple[str, ...]:
    """What models got out to, in words; empty where the sandbox held.

    Raises `EngineError`: sandbox_unavailable where the kernel lacks a layer, sandbox_failed where
    not even an honest model runs.
    """
    found: list[str] = []
    with (
        canary() as (secret, victim),
        parent.started(plan, LIMITS, may_be_weak=may_be_weak) as box,
    ):
        before = snapshot(victim)
        if not answers(box, Attempt("", ())):
            raise EngineError("sandbox_failed", "An honest model cannot run in the sandbox.")
        for attempt in attempts(secret, victim, is_gpu=plan.device == "cuda"):
            answered = answers(box, attempt)
            if snapshot(victim) != before if attempt.leaves_traces else answered:
                found.append(attempt.gain)
    return tuple(found)


def attempts(secret: Path, victim: Path, *, is_gpu: bool) -> Iterator[Attempt]:
    """The tries, from what every upload could write. On a GPU models may start threads and read
    programs, as its driver does while they run."""

    used = "x = torch.add(x, torch.sum(y))"  # or torch would leave out what nobody asks for

    def reading(path: Path | str) -> tuple[str, ...]:
        return (f'y = torch.from_file("{path}", False, 8, dtype=0)', used)

    yield Attempt("a model can read the worker's files", reading(secret))
    machines = Path("/etc/passwd") if is_gpu else Path(sys.executable).resolve()
    yield Attempt("a model can read the machine's files", reading(machines))
    yield Attempt(
        "a model can change the worker's files",
        (
            f'y = torch.fill_(torch.from_file("{victim / "file"}", True, 8, dtype=0), 65)',
            used,
        ),
        leaves_traces=True,
    )
    yield Attempt(
        "a model can make files", (f'torch.save(x, "{victim / "new"}")',), leaves_traces=True
    )
    if not is_gpu:
        yield Attempt(
            "a model can start threads",
            ("f = fork(_relu)", "x = torch.add(x, torch.wait(f))"),
        )


def answers(box: parent.Sandbox, attempt: Attempt) -> bool:
    """Whether the model that makes an attempt lives to answer."""
    model = archive(attempt.lines)
    descriptor = os.memfd_create("selftest", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, model)
        budget = parent.Budget(LIMITS.total_seconds)
        with (
            suppress(ModelFailed),
            closing(parent.Area(SPEC, CLASSES)) as area,
            box.child(descriptor, area, budget, Synthetic(SPEC, 0).call()),
        ):
            return True
    finally:
        os.close(descriptor)
    return False


def archive(lines: tuple[str, ...]) -> bytes:
    """A TorchScript archive whose forward runs these lines and answers two numbers of its input."""
    body = "\n    ".join([*lines, HONEST])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as records:
        records.writestr("selftest/data.pkl", PICKLE)
        records.writestr("selftest/constants.pkl", b"\x80\x02).")
        records.writestr("selftest/code/__torch__.py", CODE.format(body=body))
        records.writestr("selftest/version", "3\n")
    return file.getvalue()


@contextmanager
def canary() -> Iterator[tuple[Path, Path]]:
    """A file to be read and a folder to be written to, both open to whoever gets there."""
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        place = Path(folder)
        secret, victim = place / "secret", place / "victim"
        secret.write_bytes(secrets.token_bytes(64))
        victim.mkdir()
        (victim / "file").write_bytes(bytes(8))
        yield secret, victim


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}
