"""An entrant is one of the two models of an evaluation; a runner is one process of an entrant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scoring.errors import EngineError, ModelFailed
from scoring.images import albums
from scoring.job import InputSpec, Limits, Plan
from scoring.quality.tasks import CLASSIFICATION, Task
from scoring.sandbox import areas, outputs, parent, processes, sealing
from scoring.sentences import say
from scoring.timing.blocks import Batches, Block, watches_cpu

WARM_UP_CALLS = {"cpu": 6, "cuda": 20}
"""Calls before the speed is that of later calls: the first ones compile."""
WARM_UP_SECONDS = 0.03
"""Longest block at the end of the warm-up, by which the speed is learnt."""
REWARM_SECONDS = 0.003
"""Seconds of calls that bring the weights back into the caches after a turn of the other model; at
least one call."""
EMPTY_TURNS = 7
"""Turns without calls at the start of a process, of which the shortest is subtracted."""
SLOWER = 20.0
"""A block's time limit, in units of its expected seconds, besides the limit of a call."""
KEPT_BYTES = 64 << 20
"""Images that take no more memory are normalized once, not before each block."""


@dataclass(frozen=True)
class Entrant:
    """A model, what it is fed and the images in its own size."""

    model: sealing.SealedModel
    spec: InputSpec
    pixels: albums.Album
    area: areas.Area
    """Shared memory of its processes, one after the other."""
    allowance: processes.Allowance
    is_reference: bool = False
    task: Task = CLASSIFICATION

    @cached_property
    def kept(self) -> npt.NDArray[Any] | None:
        """All images (N, 3, height, width), normalized; None if there are none or too many."""
        numbers = np.arange(len(self.pixels))
        each = 3 * self.spec.height * self.spec.width * np.dtype(self.spec.dtype).itemsize
        if 0 < len(numbers) * each <= KEPT_BYTES:
            return albums.normalized(self.pixels.take(numbers), self.spec)
        return None

    @contextmanager
    def fresh(
        self, box: parent.Sandbox, seed: int, output: outputs.Output | None = None
    ) -> Iterator[Runner]:
        """A new process of this model, warmed up and frozen; `output` takes what it prints.

        Raises `ModelFailed` for a submission and `EngineError` for the reference.
        """
        synthetic = Synthetic(self.spec, seed)
        with ExitStack() as stack:
            with self.blamed():
                opening = box.child(self.model, self.area, self.allowance, synthetic.call(), output)
                child = stack.enter_context(opening)
                runner = Runner(child, self, synthetic, box.limits, box.plan)
                runner.warm_up()
            # Outside of `blamed`: what is raised here may be the other entrant's failure.
            yield runner

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """A failure of the reference in the body is the organizers' fault: `EngineError`."""
        try:
            yield
        except ModelFailed as failure:
            if self.is_reference:
                raise EngineError(
                    f"reference_{failure.code}", say("The reference model failed."), *failure.said
                ) from failure
            raise


class Runner:
    """One process of an entrant. It is frozen unless it is its turn."""

    def __init__(
        self,
        child: processes.Child,
        entrant: Entrant,
        synthetic: Synthetic,
        limits: Limits,
        plan: Plan,
    ) -> None:
        self.child = child
        self.entrant = entrant
        self.kept = entrant.kept  # normalized here, before any process is warm
        self.synthetic = synthetic
        self.limits = limits
        self.plan = plan
        self.max_calls = len(child.inputs)
        self.seconds_per_call = 0.0
        self.empty_seconds = 0.0
        self.frozen = False
        self.cpu_at_stop = 0.0
        self.stopped_cpu_seconds = 0.0

    def warm_up(self) -> None:
        """Call the model on synthetic images, learn its speed and the cost of an empty turn."""
        for _ in range(WARM_UP_CALLS[self.child.order.device]):
            self.seconds_per_call = self.rehearse(1)
        calls = int(min(self.plan.block_seconds, WARM_UP_SECONDS) / self.seconds_per_call)
        if calls > 1:
            calls = min(calls, self.max_calls)
            self.seconds_per_call = self.rehearse(calls) / calls
        empty_seconds = min(self.empty_turn() for _ in range(EMPTY_TURNS))
        self.empty_seconds = min(empty_seconds, self.plan.host.most_empty_seconds)
        self.freeze()

    def answer(self, batches: Batches, rewarm: bool) -> Block:
        """Answer images by their numbers (calls, batch). Only the answering is timed.

        `rewarm`: the other model ran in between. The process runs the probe, which makes its next
        block 1 % slower, for either model. Then calls on a synthetic image bring the weights back
        into the caches. The images appear in the child's memory only after that. Raises
        `ModelFailed` for a submission and `EngineError` for the reference.
        """
        with self.entrant.blamed():
            return self.answered(batches, rewarm)

    def answered(self, batches: Batches, rewarm: bool) -> Block:
        probe_seconds = 0.0
        if rewarm:
            self.thaw()
            if self.child.order.device == "cpu":
                probe_seconds = self.awake(self.child.probe())
            calls = int(REWARM_SECONDS / self.seconds_per_call)
            self.rehearse(max(1, min(calls, self.max_calls)))
        self.freeze()  # code still running must not go on while images are laid out
        calls = len(batches)
        self.lay_out(batches, self.child.inputs[:calls])
        self.thaw()
        turn = self.turn(calls)
        self.freeze()
        self.child.sandbox.settle()  # kernels left on a GPU are its own failure
        labels = self.entrant.task.decode(self.child.outputs[:calls].copy())
        seconds = max(self.awake(turn) - self.empty_seconds, 1e-9)
        self.seconds_per_call = seconds / calls
        stopped, self.stopped_cpu_seconds = self.stopped_cpu_seconds, 0.0
        return Block(seconds, turn.cpu_seconds, labels, stopped, probe_seconds)

    @property
    def spec(self) -> InputSpec:
        return self.entrant.spec

    def lay_out(self, batches: Batches, area: npt.NDArray[Any]) -> None:
        """Write images by their numbers (calls, batch) into `area`, one row for each call."""
        if self.kept is None:
            albums.lay_out(self.entrant.pixels.take(batches), self.spec, area)
        else:  # "clip" avoids a copy; no number is out of range
            np.take(self.kept, batches, axis=0, out=area, mode="clip")

    def rehearse(self, calls: int) -> float:
        """Seconds of calls on a new synthetic image."""
        self.child.inputs[:calls] = self.synthetic.call()
        return max(self.turn(calls).seconds, 1e-6)

    def empty_turn(self) -> float:
        """Seconds of a block without calls."""
        self.freeze()
        self.thaw()
        return self.awake(self.turn(0))

    def awake(self, turn: processes.Turn) -> float:
        """seconds - min(seconds - CPU seconds, the host's limit): a turn without waking up.

        How long waking up takes is chance. The process's CPU clock tells it, so that no work can
        hide there, and a longer sleep counts. With threads or a GPU the CPU clock tells nothing,
        and every second counts.
        """
        if not watches_cpu(self.plan) or turn.cpu_seconds <= 0:
            return turn.seconds
        idle = max(0.0, turn.seconds - turn.cpu_seconds)
        return turn.seconds - min(idle, self.plan.host.most_idle_seconds)

    def turn(self, calls: int) -> processes.Turn:
        """Run calls on the input area. The time limit is that of a call and `SLOWER` times what is
        expected."""
        expected = calls * self.seconds_per_call
        return self.child.run(calls, self.limits.call_seconds + SLOWER * expected)

    def freeze(self) -> None:
        if not self.frozen:
            self.child.freeze()
            self.cpu_at_stop = self.child.cpu_seconds()
            self.frozen = True

    def thaw(self) -> None:
        if self.frozen:
            self.stopped_cpu_seconds += self.child.cpu_seconds() - self.cpu_at_stop
            self.child.thaw()
            self.frozen = False


class Synthetic:
    """Random images, new for each call."""

    def __init__(self, spec: InputSpec, seed: int) -> None:
        self.spec = spec
        self.random = np.random.default_rng(seed)

    def call(self) -> npt.NDArray[Any]:
        shape = (self.spec.batch_size, 3, self.spec.height, self.spec.width)
        return albums.normalized(self.random.integers(0, 256, shape, dtype=np.uint8), self.spec)


@contextmanager
def entrant(
    path: Path,
    spec: InputSpec,
    pixels: albums.Album,
    classes: int,
    limits: Limits,
    is_reference: bool = False,
) -> Iterator[Entrant]:
    """An entrant whose archive is handed over as one sealed copy."""
    model = sealing.handed_over(path)
    try:
        allowance = processes.Allowance(limits.total_seconds)
        with closing(areas.Area(spec, classes)) as area:
            yield Entrant(model, spec, pixels, area, allowance, is_reference)
    finally:
        model.close()
