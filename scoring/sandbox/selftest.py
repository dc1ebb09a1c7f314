"""Models that try to break out, so that an operator knows whether the sandbox holds here.

The attempts are those of every format. The static gates would refuse them: they test the sandbox
alone. Standard library and numpy only; the models run in the sandbox.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from scoring import formats
from scoring.errors import EngineError, ModelFailed
from scoring.job import InputSpec, Limits, Plan
from scoring.sandbox import areas, parent, processes, sealing
from scoring.sentences import Sentence, say
from scoring.timing.runner import Synthetic

SPEC = InputSpec(height=8, width=8)
CLASSES = 2
LIMITS = Limits(load_seconds=30, first_call_seconds=30, total_seconds=60, memory_bytes=1 << 30)


def breaches(plan: Plan, *, may_be_weak: bool = False) -> tuple[Sentence, ...]:
    """What models gained by breaking out; empty if the sandbox held.

    Raises `EngineError`: sandbox_unavailable if the kernel lacks a layer, sandbox_failed if an
    honest model does not run either.
    """
    found: list[Sentence] = []
    with (
        baits() as (secret, victim),
        parent.started(plan, LIMITS, may_be_weak=may_be_weak) as box,
    ):
        before = snapshot(victim)
        for one in formats.FORMATS:
            if not answers(box, one.name, one.honest()):
                raise EngineError(
                    "sandbox_failed", say("An honest model cannot run in the sandbox.")
                )
            for attempt in one.attempts(secret, victim, is_gpu=plan.device == "cuda"):
                answered = answers(box, one.name, attempt.archive)
                if snapshot(victim) != before if attempt.leaves_traces else answered:
                    found.append(attempt.gain)
    return tuple(found)


def answers(box: parent.Sandbox, format_name: str, archive: bytes) -> bool:
    """Whether a model runs and answers one synthetic image."""
    allowance = processes.Allowance(LIMITS.total_seconds)
    with (
        suppress(ModelFailed),
        closing(sealing.sealed(archive, format_name)) as model,
        closing(areas.Area(SPEC, CLASSES)) as area,
        box.child(model, area, allowance, Synthetic(SPEC, 0).call()),
    ):
        return True
    return False


@contextmanager
def baits() -> Iterator[tuple[Path, Path]]:
    """A secret file and a writable folder, which a model reaches only if it breaks out."""
    with tempfile.TemporaryDirectory(prefix="featherweight-") as folder:
        home = Path(folder)
        secret, victim = home / "secret", home / "victim"
        secret.write_bytes(secrets.token_bytes(64))
        victim.mkdir()
        (victim / "file").write_bytes(bytes(8))
        yield secret, victim


def snapshot(folder: Path) -> dict[str, bytes]:
    """Names and contents of a folder's files."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
