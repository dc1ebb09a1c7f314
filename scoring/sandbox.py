"""Child processes for models: started clean, watched, limited, killed.

The measurer, this side, has the labels and the clock. It talks to a zygote (`scoring.child`),
which forks a fresh child for every model and segment. Whatever a child does wrong raises
`ModelFailed`.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scoring import machine, sweeper
from scoring.channel import DIMENSIONS, PREPARE, RUN, STATUS, Order, Status
from scoring.errors import EngineError, ModelFailed
from scoring.job import InputSpec, Limits, Plan

AREA_BYTES = 64 << 20
"""Room for the images of one block; one call always fits."""

START_SECONDS = 120.0
TICK_SECONDS = 0.5
GRACE_SECONDS = 2.0
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
CUDA_VARIABLES = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "LD_LIBRARY_PATH")

Tick = Callable[[], None]


@dataclass
class Budget:
    """Wall seconds that all children of one model may use together."""

    seconds: float


@dataclass(frozen=True)
class Turn:
    """One order from the write that wakes the child to the read of its answer."""

    seconds: float
    cpu_seconds: float


@contextmanager
def started(plan: Plan, limits: Limits, tick: Tick = lambda: None) -> Iterator[Sandbox]:
    """A zygote for one evaluation. Raises `EngineError` (sandbox_failed)."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "scoring.child", str(os.getpid()), str(theirs.fileno())],
            cwd="/",
            env=environment(plan),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        try:
            sandbox = Sandbox(ours, plan, limits, tick)
            sandbox.hear(START_SECONDS)
            with (
                machine.arranged(plan, process.pid) as in_force,  # before there is any child
                swept(plan) as gpu,
            ):
                yield replace(sandbox, in_force=in_force, gpu=gpu)
        finally:
            process.kill()  # its children die with it
            process.wait()


@dataclass(frozen=True)
class Sandbox:
    """A running zygote."""

    orders: socket.socket
    plan: Plan
    limits: Limits
    tick: Tick
    in_force: tuple[str, ...] = ()
    """What cores and priority the children have, in words."""
    gpu: sweeper.Sweeper | None = None

    @contextmanager
    def child(
        self, model: int, spec: InputSpec, classes: int, budget: Budget, example: npt.NDArray[Any]
    ) -> Iterator[Child]:
        """A fresh process with the model of the descriptor `model`, loaded, tried and prepared.

        `example` is one call's worth of synthetic input. Raises `ModelFailed`.
        """
        order = self.order(model, spec, classes)
        area = os.memfd_create("area", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            os.ftruncate(area, order.area_bytes)
            fcntl.fcntl(area, fcntl.F_ADD_SEALS, SEALS)
            memory = mmap.mmap(area, order.area_bytes)
            descriptors = [theirs.fileno(), model, area]
            pid = int(self.ask({"spawn": order.to_json()}, descriptors))
        finally:
            theirs.close()
            os.close(area)
        child = Child(self, pid, ours, order, memory, budget)
        try:
            child.load()
            child.inputs[0] = example
            child.run(1, self.limits.call_seconds)
            child.inputs[0] = example  # it may have been changed in place
            child.prepare()
            yield child
        finally:
            child.kill()
            ours.close()

    def settle(self) -> None:
        """Wait until a GPU is idle, its cache overwritten. Raises `ModelFailed` (gpu_busy)."""
        try:
            if self.gpu and not self.gpu.settles():
                raise ModelFailed(
                    "gpu_busy", "The model left work on the GPU that went on after its answer."
                )
        except OSError as error:
            raise EngineError("sandbox_failed", "The GPU's sweeper ended.") from error

    def order(self, model: int, spec: InputSpec, classes: int) -> Order:
        """The layout of the shared area: as many calls as fit, outputs on a page of their own."""
        shape = (spec.batch_size, 3, spec.height, spec.width)
        call_bytes = int(np.prod(shape)) * np.dtype(spec.dtype).itemsize
        calls = max(1, AREA_BYTES // call_bytes)
        offset = -(-calls * call_bytes // mmap.PAGESIZE) * mmap.PAGESIZE
        return Order(
            device=self.plan.device,
            threads=self.plan.threads,
            dtype=spec.dtype,
            input_shape=(calls, *shape),
            output_shape=(calls, spec.batch_size, classes),
            output_offset=offset,
            area_bytes=offset + calls * spec.batch_size * classes * 4,
            model_bytes=os.fstat(model).st_size,
            memory_bytes=self.limits.memory_bytes,
        )

    def ask(self, order: Mapping[str, Any], descriptors: list[int] | None = None) -> Any:
        """The zygote's answer to one order. Raises `EngineError` (sandbox_failed)."""
        try:
            socket.send_fds(self.orders, [json.dumps(order).encode()], descriptors or [])
        except OSError as error:
            raise EngineError("sandbox_failed", "The sandbox ended unexpectedly.") from error
        return json.loads(self.hear(START_SECONDS))

    def hear(self, seconds: float) -> bytes:
        if not wait_for(self.orders, seconds, self.tick):
            raise EngineError("sandbox_failed", f"The sandbox did not answer in {seconds:g} s.")
        message = self.orders.recv(1 << 16)
        if not message:
            raise EngineError("sandbox_failed", "The sandbox could not be started.")
        return message


@dataclass
class Child:
    """One model in one process. `inputs` and `outputs` are the shared area, one row per call."""

    sandbox: Sandbox
    pid: int
    channel: socket.socket
    order: Order
    memory: mmap.mmap
    budget: Budget
    prepared: bool = False
    tried: bool = False
    """Whether it answered once: later inputs may be hidden images."""
    landlock: int = 0
    status: int | None = None
    inputs: npt.NDArray[Any] = field(init=False, repr=False)
    outputs: npt.NDArray[np.float32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.inputs = self.view(self.order.dtype, self.order.input_shape, 0)
        self.outputs = self.view("float32", self.order.output_shape, self.order.output_offset)

    def load(self) -> None:
        """Wait until the model is loaded."""
        self.landlock = self.outcome(*self.load_limit())[0]

    def prepare(self) -> None:
        """Have the model made faster, the way every model is."""
        self.send(PREPARE)
        self.prepared = bool(self.outcome(*self.load_limit())[0])

    def load_limit(self) -> tuple[float, ModelFailed]:
        limit = self.sandbox.limits.load_seconds
        return limit, ModelFailed("load_timeout", f"Loading the model took more than {limit:g} s.")

    def run(self, calls: int, seconds: float) -> Turn:
        """Answer `calls` rows of `inputs`, timed; killed after `seconds`."""
        overdue = ModelFailed(
            "call_timeout",
            f"Answering took too long: a call may take {self.sandbox.limits.call_seconds:g} s.",
        )
        cpu = self.cpu_seconds()
        start = time.perf_counter()
        self.send(calls)
        self.outcome(seconds, overdue)
        stop = time.perf_counter()
        self.tried = True
        return Turn(stop - start, self.cpu_seconds() - cpu)

    def freeze(self) -> None:
        """Stop the process and wait until every thread of it stands still."""
        os.kill(self.pid, signal.SIGSTOP)
        deadline = time.monotonic() + self.sandbox.limits.call_seconds
        while not (states := self.states()) <= {"T", "t"}:
            if states <= {"Z", "X"} or time.monotonic() > deadline:
                raise self.death()

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End the process and its group, and collect it."""
        if self.status is None:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            with suppress(ProcessLookupError):  # before it made its own group
                os.kill(self.pid, signal.SIGKILL)
            self.status = int(self.sandbox.ask({"reap": self.pid}))

    def send(self, order: int) -> None:
        try:
            self.channel.send(RUN.pack(order))
        except OSError as error:
            raise self.death() from error

    def outcome(self, seconds: float, overdue: ModelFailed) -> tuple[int, ...]:
        """Numbers of the next record. Raises `ModelFailed` for anything but success."""
        if self.budget.seconds < seconds:
            total = self.sandbox.limits.total_seconds
            seconds = max(0.0, self.budget.seconds)
            overdue = ModelFailed("total_timeout", f"The model used more than {total:g} s in all.")
        start = time.monotonic()
        heard = wait_for(self.channel, seconds, self.sandbox.tick)
        self.budget.seconds -= time.monotonic() - start
        if not heard:
            raise overdue
        try:
            record = self.channel.recv(STATUS.size)
        except OSError as error:
            raise self.death() from error
        if len(record) != STATUS.size:
            raise self.death()
        status, *numbers = STATUS.unpack(record)
        if status not in (Status.LOADED, Status.PREPARED, Status.DONE):
            raise self.failure(status, numbers)
        return tuple(numbers)

    def failure(self, status: int, numbers: list[int]) -> ModelFailed:
        """A child's own words made ours. Raises `EngineError` (no_gpu)."""
        if status == Status.NO_GPU and self.order.device == "cuda":
            raise EngineError("no_gpu", "This machine has no GPU that torch can use.")
        fed = f"{self.order.dtype} of shape {self.order.input_shape[1:]}"
        wanted = self.order.output_shape[1:]
        if status == Status.LOAD_FAILED:
            return ModelFailed("load_failed", "torch.jit.load refused the archive.")
        if status == Status.WRONG_INPUT:
            return ModelFailed(
                "wrong_input",
                f"The model raised an error on its first input, {fed}. If it needs another, "
                "declare input_size or dtype in the archive's featherweight.json.",
            )
        if status == Status.WRONG_OUTPUT:
            is_float, dimensions, *sizes = numbers
            shape = tuple(sizes[: max(0, min(dimensions, DIMENSIONS))])
            got = f"shape {shape}" if is_float and not self.tried else "something else"
            return ModelFailed(
                "wrong_output",
                f"The model must return one float tensor of shape {wanted}, a logit per class; it "
                f"returned {got}.",
            )
        if status == Status.OUT_OF_MEMORY:
            return self.out_of_memory()
        return ModelFailed("crashed", "The model raised an error while it answered.")

    def death(self) -> ModelFailed:
        """Why the process is gone, or no longer talks."""
        deadline = time.monotonic() + GRACE_SECONDS
        while not (gone := self.states() <= {"Z", "X"}) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.kill()
        assert self.status is not None
        if gone and os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL:
            return self.out_of_memory()  # not by us: the kernel ends who uses too much
        return ModelFailed("crashed", "The model's process ended while it worked.")

    def out_of_memory(self) -> ModelFailed:
        limit = self.sandbox.limits.memory_bytes / (1 << 20)
        return ModelFailed(
            "out_of_memory", f"The model needed more than {limit:,.0f} MiB of memory."
        )

    def cpu_seconds(self) -> float:
        """CPU seconds of the whole process so far, to the nanosecond."""
        with suppress(OSError):  # it may be gone
            return time.clock_gettime(~self.pid << 3 | 2)
        return 0.0

    def states(self) -> set[str]:
        """States of all threads as /proc has them; Z where there are none left."""
        try:
            threads = list(Path(f"/proc/{self.pid}/task").iterdir())
            return {(one / "stat").read_text().rpartition(")")[2].split()[0] for one in threads}
        except FileNotFoundError:
            return {"Z"}
        except ProcessLookupError:  # a thread ended while we looked
            return {"R"}

    def view(self, dtype: str, shape: tuple[int, ...], offset: int) -> npt.NDArray[Any]:
        count = int(np.prod(shape))
        return np.frombuffer(self.memory, dtype=dtype, count=count, offset=offset).reshape(shape)


@contextmanager
def swept(plan: Plan) -> Iterator[sweeper.Sweeper | None]:
    """A sweeper where models run on a GPU. Raises `EngineError` (no_gpu)."""
    if plan.device == "cpu":
        yield None
        return
    with ExitStack() as stack:
        try:
            found = stack.enter_context(sweeper.started(plan.device, environment(plan)))
        except OSError as error:
            raise EngineError("no_gpu", "This machine has no GPU that torch can use.") from error
        yield found


def environment(plan: Plan) -> dict[str, str]:
    """All that a child's environment holds."""
    threads = str(plan.threads)
    variables = {
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
    }
    if plan.device == "cuda":
        variables |= {name: os.environ[name] for name in CUDA_VARIABLES if name in os.environ}
    return variables


def wait_for(channel: socket.socket, seconds: float, tick: Tick) -> bool:
    """Sleep until something can be read, calling `tick` now and then; false after `seconds`."""
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    deadline = time.monotonic() + seconds
    while True:
        left = deadline - time.monotonic()
        if poll.poll(max(0.0, min(left, TICK_SECONDS)) * 1000):
            return True
        if left <= TICK_SECONDS:
            return False
        tick()


def handed_over(model: Path) -> int:
    """A sealed, anonymous copy of a model file as a descriptor for `Sandbox.child`."""
    descriptor = os.memfd_create("model", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    with model.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        copied = 0
        while copied < size:
            copied += os.sendfile(descriptor, file.fileno(), copied, size - copied)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS | fcntl.F_SEAL_WRITE)
    return descriptor
