"""The sandbox of one evaluation: a zygote, and fresh children of it for every segment.

The measurer, on this side, has the labels and the clock. It talks to a zygote
(`scoring.sandbox.zygote`), which forks children (`scoring.sandbox.child`). Each of them runs one
model. `scoring.sandbox.processes.Child` is such a child as the measurer sees it.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from scoring.errors import EngineError, ModelFailed
from scoring.job import Isolation, Limits, Plan
from scoring.sandbox import sweeper
from scoring.sandbox.areas import Area
from scoring.sandbox.channel import Order
from scoring.sandbox.outputs import Output
from scoring.sandbox.processes import START_SECONDS, Allowance, Child
from scoring.sandbox.sealing import SealedModel
from scoring.sandbox.sockets import Tick, channel, heard_from
from scoring.sentences import Sentence, say
from scoring.timing import machine

CUDA_VARIABLES = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "LD_LIBRARY_PATH")


@contextmanager
def started(
    plan: Plan,
    limits: Limits,
    tick: Tick = lambda: None,
    *,
    may_be_weak: bool = False,
    program: str = "scoring.sandbox.zygote",
) -> Iterator[Sandbox]:
    """A zygote for one evaluation. Raises `EngineError` (sandbox_failed, no_gpu, machine_paused).

    `tick` is called about twice a second during each wait. `may_be_weak`: models run even if the
    kernel lacks a layer. `program`: the module to start; tests of the layers start one whose
    children run an exploit.
    """
    parent_end, zygote_end = channel()
    with parent_end, zygote_end:
        arguments = [str(os.getpid()), str(zygote_end.fileno()), plan.device]
        process = subprocess.Popen(
            [sys.executable, "-m", program, *arguments],
            cwd="/",
            env=environment(plan),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[zygote_end.fileno()],
            start_new_session=True,
        )
        zygote_end.close()
        try:
            sandbox = Sandbox(parent_end, plan, limits, tick, may_be_weak)
            found, zygote = heard_from(parent_end, START_SECONDS, tick)
            with (
                machine.arranged(plan, zygote) as in_force,  # before there is any child
                swept(plan) as gpu,
            ):
                yield replace(sandbox, in_force=in_force, gpu=gpu, **json.loads(found))
        finally:
            process.kill()  # the zygote's children die with it
            process.wait()


@dataclass(frozen=True)
class Sandbox:
    """A running zygote."""

    orders: socket.socket
    plan: Plan
    limits: Limits
    tick: Tick
    may_be_weak: bool = False
    separate: bool = False
    """Whether the children are in namespaces of their own."""
    in_force: tuple[Sentence, ...] = ()
    """Cores and priority of the children."""
    gpu: sweeper.Sweeper | None = None
    children: list[Child] = field(default_factory=list)
    """All children that have told which layers hold them."""

    @contextmanager
    def child(
        self,
        model: SealedModel,
        area: Area,
        allowance: Allowance,
        example: npt.NDArray[Any],
        output: Output | None = None,
    ) -> Iterator[Child]:
        """A fresh process with `model`, loaded, tried and prepared.

        `example`: images of one call, (batch, 3, height, width), that are no secret. `output` takes
        what the model prints. `area` may not be in use by another living child. Raises
        `ModelFailed`, and `EngineError` if a layer is missing.
        """
        with self.loaded(model, area, allowance, output) as child:
            child.inputs[0] = example
            child.run(1, self.limits.first_call_seconds, is_first=True)
            child.inputs[0] = example  # the model may have changed it in place
            child.prepare()
            if output is not None:  # no secret is near
                child.look_at_memory()
            yield child

    def counted(self, model: SealedModel, area: Area, example: npt.NDArray[Any]) -> int | None:
        """Multiplications of one call on `example`; None if they cannot be counted.

        In a process of its own, on whose end nothing else depends.
        """
        allowance = Allowance(2 * self.limits.load_seconds)
        try:
            with self.loaded(model, area, allowance) as child:
                child.inputs[0] = example
                return child.count()
        except ModelFailed:
            return None

    @contextmanager
    def loaded(
        self, model: SealedModel, area: Area, allowance: Allowance, output: Output | None = None
    ) -> Iterator[Child]:
        """A fresh process that has loaded `model`. Raises as `child` does."""
        order = replace(self.order(model, area), has_output=output is not None)
        parent_end, child_end = channel()
        with parent_end:
            with child_end:
                ends = [child_end.fileno(), model.descriptor, area.descriptor]
                ends += [output.end] if output else []
                number = int(self.ask({"spawn": order.to_json()}, ends))
            child = Child(self, number, parent_end, order, area, allowance)
            try:
                child.await_locks()
                self.children.append(child)
                child.load()
                yield child
            finally:
                try:
                    child.kill()
                finally:
                    child.release()

    def isolation(self) -> Isolation:
        """The layers that hold the children, as each child told before it looked at a model."""
        locked = all(child.landlock for child in self.children)
        filtered = all(child.is_filtered for child in self.children)
        layers: tuple[tuple[Sentence, bool], ...]
        if self.plan.device == "cuda":  # the driver opens devices and starts threads
            layers = (
                (say("Landlock (only files of the driver and the libraries)"), locked),
                (say("filter of system calls (no other processes or hosts)"), filtered),
            )
        else:
            layers = (
                (say("Landlock (no files, no TCP, no signals to other processes)"), locked),
                (say("filter of system calls (only for computing)"), filtered),
                (say("separate namespaces (no network, no other processes)"), self.separate),
            )
        return Isolation(
            layers=tuple(layer for layer, holds in layers if holds),
            missing=tuple(layer for layer, holds in layers if not holds),
            is_weak=not (locked and filtered),
        )

    def settle(self) -> None:
        """Wait until the GPU is idle and its cache overwritten. Raises `ModelFailed` (gpu_busy)."""
        try:
            if self.gpu and not self.gpu.settles():
                raise ModelFailed(
                    "gpu_busy",
                    say("The model left work on the GPU that continued after its answer."),
                )
        except OSError as error:
            raise EngineError("sandbox_failed", say("The GPU's sweeper ended.")) from error

    def order(self, model: SealedModel, area: Area) -> Order:
        """The order by which the zygote starts a child with this model and area."""
        return Order(
            format=model.format,
            device=self.plan.device,
            threads=self.plan.threads,
            dtype=area.dtype,
            input_shape=area.input_shape,
            output_shape=area.output_shape,
            output_offset=area.output_offset,
            area_bytes=area.bytes,
            model_bytes=os.fstat(model.descriptor).st_size,
            memory_bytes=self.limits.memory_bytes,
            output_bytes=self.limits.output_bytes,
            total_seconds=self.limits.total_seconds,
            may_be_weak=self.may_be_weak,
            has_output=False,
        )

    def ask(self, order: Mapping[str, Any], descriptors: list[int] | None = None) -> Any:
        """The zygote's answer to one order. Raises `EngineError` (sandbox_failed)."""
        try:
            socket.send_fds(self.orders, [json.dumps(order).encode()], descriptors or [])
        except OSError as error:
            raise EngineError("sandbox_failed", say("The sandbox ended unexpectedly.")) from error
        return json.loads(heard_from(self.orders, START_SECONDS, self.tick)[0])


@contextmanager
def swept(plan: Plan) -> Iterator[sweeper.Sweeper | None]:
    """A sweeper if models run on a GPU, else None. Raises `EngineError` (no_gpu)."""
    if plan.device == "cpu":
        yield None
        return
    with ExitStack() as stack:
        try:
            found = stack.enter_context(sweeper.started(plan.device, environment(plan)))
        except OSError as error:
            raise EngineError(
                "no_gpu", say("This machine has no GPU that torch can use.")
            ) from error
        yield found


def environment(plan: Plan) -> dict[str, str]:
    """The whole environment of the zygote and its children."""
    threads = str(plan.threads)
    variables = {
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        # A thread may first run behind the filter. Denied its registration there, glibc aborts.
        "GLIBC_TUNABLES": "glibc.pthread.rseq=0",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
    }
    if plan.device == "cuda":
        variables |= {name: os.environ[name] for name in CUDA_VARIABLES if name in os.environ}
        variables["CUDA_CACHE_DISABLE"] = "1"  # the sandbox can write no file
    return variables
