"""TorchScript archives that try to break out of the sandbox, made by hand of a few lines.

Standard library only. The static gate would refuse these archives: they test the sandbox alone.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from scoring.formats.contract import Attempt
from scoring.sentences import say

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
USED = "x = torch.add(x, torch.sum(y))"
"""torch leaves out a line whose result nothing uses."""


def attempts(secret: Path, victim: Path, *, is_gpu: bool) -> Iterator[Attempt]:
    """The attempts, by operators that every upload can call.

    On a GPU a model may start threads and read programs, because the GPU's driver does.
    """
    file, new = victim / "file", victim / "new"
    yield Attempt(say("A model can read the worker's files."), archive(reading(secret)))
    machines = Path("/etc/passwd") if is_gpu else Path(sys.executable).resolve()
    yield Attempt(say("A model can read the machine's files."), archive(reading(machines)))
    yield Attempt(
        say("A model can change the worker's files."),
        archive((f'y = torch.fill_(torch.from_file("{file}", True, 8, dtype=0), 65)', USED)),
        leaves_traces=True,
    )
    yield Attempt(
        say("A model can make files."), archive((f'torch.save(x, "{new}")',)), leaves_traces=True
    )
    if not is_gpu:
        lines = ("f = fork(_relu)", "x = torch.add(x, torch.wait(f))")
        yield Attempt(say("A model can start threads."), archive(lines))


def reading(path: Path) -> tuple[str, ...]:
    """Lines that read the first 8 bytes of a file."""
    return (f'y = torch.from_file("{path}", False, 8, dtype=0)', USED)


def archive(lines: tuple[str, ...]) -> bytes:
    """A TorchScript archive whose forward runs `lines` and answers two numbers of its input."""
    body = "\n    ".join([*lines, HONEST])
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as records:
        records.writestr("selftest/data.pkl", PICKLE)
        records.writestr("selftest/constants.pkl", b"\x80\x02).")
        records.writestr("selftest/code/__torch__.py", CODE.format(body=body))
        records.writestr("selftest/version", "3\n")
    return file.getvalue()
