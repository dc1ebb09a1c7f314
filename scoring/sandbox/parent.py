"""Child processes for models: started clean, watched, limited, killed.

The measurer, this side, has the labels and the clock. It talks to a zygote
(`scoring.sandbox.zygote`), which forks fresh children (`scoring.sandbox.child`) for every segment.
Whatever a child does wrong raises `ModelFailed`.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scoring import formats
from scoring.errors import EngineError, ModelFailed
from scoring.job import InputSpec, Isolation, Limits, Plan
from scoring.sandbox import advice, sweeper
from scoring.sandbox.channel import PREPARE, PROBE, RUN, STATUS, Order, Status
from scoring.timing import machine

AREA_BYTES = 64 << 20
"""Room for the images of one block; one call always fits."""

OUTPUT_BYTES = 16 << 10
"""Of what a model says in a dry run: enough for an error and the calls that led to it."""
START_SECONDS = 120.0
TICK_SECONDS = 0.5
PAUSE_SECONDS = 5.0
"""That nothing ran: a paused container, a moved virtual machine. No load keeps this process, which
only sleeps, from its core for so long."""
GRACE_SECONDS = 2.0
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
CREDENTIALS = struct.Struct("3i")
"""Process, user, group."""
CUDA_VARIABLES = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "LD_LIBRARY_PATH")

Tick = Callable[[], None]


@dataclass
class Budget:
    """Wall seconds that all children of one model may use together."""

    seconds: float


class Area:
    """Memory that a child shares with the measurer: images of a block, as many as fit, and on pages
    of their own the answers; a row per call.

    To use a page for the first time takes several microseconds, longer than a small model takes for
    the images on it, so the processes of one model get the same area one after the other. Nothing
    that one of them writes there does the next find.
    """

    def __init__(self, spec: InputSpec, classes: int) -> None:
        call = (spec.batch_size, 3, spec.height, spec.width)
        call_bytes = int(np.prod(call)) * np.dtype(spec.dtype).itemsize
        calls = max(1, AREA_BYTES // call_bytes)
        self.dtype = spec.dtype
        self.input_shape = (calls, *call)
        self.output_shape = (calls, spec.batch_size, classes)
        self.call_bytes = call_bytes
        self.output_offset = whole_pages(calls * call_bytes)
        self.bytes = self.output_offset + calls * spec.batch_size * classes * 4
        self.open()

    def open(self) -> None:
        """Get the memory; all of it is zero."""
        descriptor = os.memfd_create("area", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
        try:
            os.ftruncate(descriptor, self.bytes)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
            self.memory = mmap.mmap(descriptor, self.bytes)
        except OSError:
            os.close(descriptor)
            raise
        self.descriptor = descriptor

    def inputs(self) -> npt.NDArray[Any]:
        """Images (calls, batch, 3, height, width) as the model wants them."""
        return self.view(self.dtype, self.input_shape, 0)

    def outputs(self) -> npt.NDArray[np.float32]:
        """Answers (calls, batch, classes)."""
        return self.view("float32", self.output_shape, self.output_offset)

    def view(self, dtype: str, shape: tuple[int, ...], offset: int) -> npt.NDArray[Any]:
        """A part of the memory, `offset` bytes from its start."""
        count = int(np.prod(shape))
        return np.frombuffer(self.memory, dtype=dtype, count=count, offset=offset).reshape(shape)

    def wipe(self, calls: int) -> None:
        """Make all of it zero, once no process but this one has it; pages of the first `calls` rows
        are kept for the next, others given back."""
        kept = min(whole_pages(calls * self.call_bytes), self.output_offset)
        self.view("uint8", (kept,), 0)[:] = 0
        self.memory.madvise(mmap.MADV_REMOVE, kept, self.bytes - kept)

    def renew(self) -> None:
        """Get other memory instead: somebody may still have this."""
        descriptor, memory = self.descriptor, self.memory
        self.open()
        give_back(descriptor, memory)

    def close(self) -> None:
        """Give the memory back."""
        give_back(self.descriptor, self.memory)


def give_back(descriptor: int, memory: mmap.mmap) -> None:
    """Let go of an area's memory; what others still map of it stays theirs."""
    os.close(descriptor)
    with suppress(BufferError):  # somebody holds a part of it, and it goes with them
        memory.close()


def whole_pages(size: int) -> int:
    """Bytes of the pages that hold so many bytes."""
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


@dataclass(frozen=True)
class SealedModel:
    """A model file in memory that nobody can change."""

    descriptor: int
    format: str
    """Its name in the table `scoring.formats.FORMATS`."""

    def close(self) -> None:
        """Give the memory back."""
        os.close(self.descriptor)


@dataclass(frozen=True)
class Turn:
    """One order from the write that wakes the child to the read of its answer."""

    seconds: float
    cpu_seconds: float


@contextmanager
def started(
    plan: Plan,
    limits: Limits,
    tick: Tick = lambda: None,
    *,
    may_be_weak: bool = False,
    program: str = "scoring.sandbox.zygote",
) -> Iterator[Sandbox]:
    """A zygote for one evaluation. Raises `EngineError` (sandbox_failed).

    `may_be_weak`: run models also where the kernel lacks a layer. `program`: what to start; tests
    of the layers start one that lets an exploit loose.
    """
    ours, theirs = channel()
    with ours, theirs:
        arguments = [str(os.getpid()), str(theirs.fileno()), plan.device]
        process = subprocess.Popen(
            [sys.executable, "-m", program, *arguments],
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
            sandbox = Sandbox(ours, plan, limits, tick, may_be_weak)
            found, zygote = heard_from(ours, START_SECONDS, tick)
            with (
                machine.arranged(plan, zygote) as in_force,  # before there is any child
                swept(plan) as gpu,
            ):
                yield replace(sandbox, in_force=in_force, gpu=gpu, **json.loads(found))
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
    may_be_weak: bool = False
    separate: bool = False
    """Whether the children are in namespaces of their own."""
    in_force: tuple[str, ...] = ()
    """What cores and priority the children have, in words."""
    gpu: sweeper.Sweeper | None = None
    children: list[Child] = field(default_factory=list)
    """All that have said which layers hold them."""

    @contextmanager
    def child(
        self,
        model: SealedModel,
        area: Area,
        budget: Budget,
        example: npt.NDArray[Any],
        output: Output | None = None,
    ) -> Iterator[Child]:
        """A fresh process with `model`, loaded, tried and prepared.

        `example` is one call's worth of input that is no secret; `output` takes what the model
        says. No other living child may have `area`. Raises `ModelFailed`, and `EngineError` where
        a layer is missing.
        """
        order = replace(self.order(model, area), has_output=output is not None)
        ours, theirs = channel()
        with ours:
            with theirs:
                ends = [
                    theirs.fileno(),
                    model.descriptor,
                    area.descriptor,
                    *([output.end] if output else []),
                ]
                number = int(self.ask({"spawn": order.to_json()}, ends))
            child = Child(self, number, ours, order, area, budget)
            try:
                child.await_locks()
                self.children.append(child)
                child.load()
                child.inputs[0] = example
                child.run(1, self.limits.first_call_seconds, is_first=True)
                child.inputs[0] = example  # it may have been changed in place
                child.prepare()
                yield child
            finally:
                try:
                    child.kill()
                finally:
                    child.release()

    def isolation(self) -> Isolation:
        """What shut the children in, as they said before they looked at a model."""
        locked = all(child.landlock for child in self.children)
        filtered = all(child.is_filtered for child in self.children)
        if self.plan.device == "cuda":  # its driver opens devices and starts threads
            said = {
                "landlock: no file but the driver's and the libraries'": locked,
                "no system call that reaches other processes or hosts": filtered,
            }
        else:
            said = {
                "landlock: no file, no TCP, no signal to others": locked,
                "system calls of computing only": filtered,
                "namespaces of its own: no network, no other process": self.separate,
            }
        return Isolation(
            layers=tuple(words for words, holds in said.items() if holds),
            missing=tuple(words for words, holds in said.items() if not holds),
            is_weak=not (locked and filtered),
        )

    def settle(self) -> None:
        """Wait until a GPU is idle, its cache overwritten. Raises `ModelFailed` (gpu_busy)."""
        try:
            if self.gpu and not self.gpu.settles():
                raise ModelFailed(
                    "gpu_busy", "The model left work on the GPU that went on after its answer."
                )
        except OSError as error:
            raise EngineError("sandbox_failed", "The GPU's sweeper ended.") from error

    def order(self, model: SealedModel, area: Area) -> Order:
        """What the zygote is told of a child with this model and area."""
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
            raise EngineError("sandbox_failed", "The sandbox ended unexpectedly.") from error
        return json.loads(heard_from(self.orders, START_SECONDS, self.tick)[0])


@dataclass
class Child:
    """One model in one process. `inputs` and `outputs` are those of its area."""

    sandbox: Sandbox
    number: int
    """The process as the zygote knows it."""
    channel: socket.socket
    order: Order
    area: Area
    budget: Budget
    prepared: bool = False
    tried: bool = False
    """Whether it answered once: later inputs may be hidden images."""
    pid: int = 0
    """The process as this side knows it, once it was heard from."""
    landlock: int = 0
    is_filtered: bool = False
    status: int | None = None
    most_calls: int = 1
    """Of one turn that was answered."""
    inputs: npt.NDArray[Any] = field(init=False, repr=False)
    outputs: npt.NDArray[np.float32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.inputs, self.outputs = self.area.inputs(), self.area.outputs()

    def await_locks(self) -> None:
        """Hear which layers hold, before the model is looked at.

        Raises `EngineError` (sandbox_unavailable) where one is missing and must not be.
        """
        record, self.pid = heard_from(self.channel, START_SECONDS, self.sandbox.tick)
        status, landlock, is_filtered, *_ = STATUS.unpack(record)
        if status != Status.LOCKED:
            raise EngineError("sandbox_failed", "The sandbox could not be started.")
        self.landlock, self.is_filtered = landlock, bool(is_filtered)
        if not self.sandbox.may_be_weak:
            refuse_weakness(landlock, self.is_filtered)

    def load(self) -> None:
        """Wait until the model is loaded."""
        self.outcome(*self.load_limit())

    def prepare(self) -> None:
        """Have the model made faster, the way every model is."""
        self.send(PREPARE)
        self.prepared = bool(self.outcome(*self.load_limit())[0])

    def load_limit(self) -> tuple[float, ModelFailed]:
        limit = self.sandbox.limits.load_seconds
        return limit, ModelFailed(
            "load_timeout",
            f"Loading may take {limit:g} s. The model took longer and was stopped.",
        )

    def run(self, calls: int, seconds: float, is_first: bool = False) -> Turn:
        """Answer `calls` rows of `inputs`, timed; killed after `seconds`."""
        if is_first:
            overdue = ModelFailed(
                "first_call_timeout",
                f"The first answer of a process may take {seconds:g} s. The model took longer and "
                "was stopped.",
            )
        else:
            limit = self.sandbox.limits.call_seconds
            overdue = ModelFailed(
                "call_timeout",
                # No figure of its own time, by which it could say something about hidden images.
                f"One answer may take {limit:g} s. A block of answers may take {limit:g} s more "
                "than 20 times its usual time. The model took longer and was stopped.",
            )
        turn = self.timed(calls, seconds, overdue)
        self.most_calls = max(self.most_calls, calls)
        self.tried = True
        return turn

    def probe(self) -> Turn:
        """Run `scoring.timing.probe` in this process, timed."""
        limit = self.sandbox.limits.call_seconds
        overdue = ModelFailed(
            "call_timeout", f"The model's process said nothing for {limit:g} s and was stopped."
        )
        return self.timed(PROBE, limit, overdue)

    def timed(self, order: int, seconds: float, overdue: ModelFailed) -> Turn:
        """What it takes to carry out an order: waking, doing and being heard."""
        if wait_for(self.channel, 0.0, self.sandbox.tick):
            raise self.death()  # it is gone, or answers what it was not asked yet
        cpu = self.cpu_seconds()
        start = time.perf_counter()
        self.send(order)
        self.outcome(seconds, overdue)
        stop = time.perf_counter()
        return Turn(stop - start, self.cpu_seconds() - cpu)

    def freeze(self) -> None:
        """Stop the process and wait until every thread of it stands still."""
        os.kill(self.pid, signal.SIGSTOP)
        deadline = time.monotonic() + self.sandbox.limits.call_seconds
        is_over = False
        while not (states := self.states()) <= {"T", "t"}:
            if states <= {"Z", "X"} or is_over:
                raise self.death()
            is_over = time.monotonic() > deadline  # and one look more, should all have stood still

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End the process and its group, and collect it."""
        if self.status is None:
            self.status = int(self.sandbox.ask({"reap": self.number}))

    def release(self) -> None:
        """Leave the area to the next: what stays of the child are facts."""
        self.inputs, self.outputs = np.empty(0), np.empty(0, dtype=np.float32)
        is_alone = self.is_filtered and self.order.device == "cpu"
        if self.status is not None and is_alone:
            self.area.wipe(self.most_calls)
        else:  # it may not be gone, or could start processes that are not
            self.area.renew()

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
            overdue = ModelFailed(
                "total_timeout",
                f"All of a model's processes together may take {total:g} s. They took longer and "
                "were stopped.",
            )
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
            return ModelFailed("load_failed", formats.named(self.order.format).load_failed)
        if status == Status.WRONG_INPUT:
            return ModelFailed(
                "wrong_input", f"The model raised an error on its first input, {fed}."
            )
        if status == Status.WRONG_OUTPUT:
            got = advice.returned(numbers) if self.may_tell else "it returned something else."
            return ModelFailed(
                "wrong_output",
                f"The model must return one float tensor of shape {wanted}, a logit per class; "
                f"{got}",
            )
        if status == Status.OUTPUT_TOO_LARGE:
            limit = self.sandbox.limits.output_bytes
            got = f"; it returned {numbers[0]:,}" if self.may_tell else ""
            return ModelFailed(
                "output_too_large", f"One answer may have {limit:,} bytes{got}. Return logits only."
            )
        if status == Status.OUT_OF_MEMORY:
            return self.out_of_memory()
        return ModelFailed("crashed", "The model raised an error while it answered.")

    @property
    def may_tell(self) -> bool:
        """Whether what came instead of an answer may be told: this process was given no hidden
        image. In a dry run there is none; else its first input is nobody's picture, and the area,
        wiped after the process before it, holds no other until that is answered."""
        return self.order.has_output or not self.tried

    def death(self) -> ModelFailed:
        """Why the process is gone, or no longer talks."""
        deadline = time.monotonic() + GRACE_SECONDS
        while not (gone := self.states() <= {"Z", "X"}) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.kill()  # which does nothing to who is gone
        assert self.status is not None
        if gone and os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL:
            return self.out_of_memory()  # not by us: the kernel ends who uses too much
        return ModelFailed("crashed", "The model's process ended while it worked.")

    def out_of_memory(self) -> ModelFailed:
        limit = self.sandbox.limits.memory_bytes / (1 << 20)
        return ModelFailed(
            "out_of_memory", f"The model may map {limit:,.0f} MiB of memory, and asked for more."
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


@dataclass
class Output:
    """What models say on images that are no secret: the first of it is kept, the rest is not, but
    for the last words, which are an error's."""

    end: int
    """The descriptor that they write to."""
    kept: bytearray = field(default_factory=bytearray)
    last: bytes = b""
    is_cut: bool = False

    def drain(self, source: int) -> None:
        """Read until nobody can write any more."""
        while said := os.read(source, 1 << 16):
            room = OUTPUT_BYTES - len(self.kept)
            self.kept += said[:room]
            self.last = (self.last + said)[-OUTPUT_BYTES:]
            self.is_cut |= len(said) > room

    @property
    def text(self) -> str:
        return self.printable(bytes(self.kept))

    @property
    def last_words(self) -> str:
        return self.printable(self.last)

    @staticmethod
    def printable(kept: bytes) -> str:
        """Printable, for control characters would reach the terminals of people."""
        said = kept.decode("utf-8", "replace")
        return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in said)


@contextmanager
def listening() -> Iterator[Output]:
    """An output to hand to children; all of it is there after the body."""
    source, end = os.pipe()
    output = Output(end)
    thread = threading.Thread(target=output.drain, args=[source], daemon=True)
    thread.start()
    try:
        yield output
    finally:
        os.close(end)
        thread.join()
        os.close(source)


def refuse_weakness(landlock: int, is_filtered: bool) -> None:
    """Raises `EngineError` (sandbox_unavailable) that names what the kernel lacks."""
    missing = []
    if not landlock:
        missing.append(
            "landlock (Linux 5.13 or newer, 6.12 for a GPU, CONFIG_SECURITY_LANDLOCK, in `lsm=`)"
        )
    if not is_filtered:
        missing.append("seccomp filters (CONFIG_SECCOMP_FILTER; x86_64 or aarch64)")
    if missing:
        raise EngineError(
            "sandbox_unavailable",
            f"No model is run: this kernel or container lacks {' and '.join(missing)}. For "
            "development alone, ALLOW_WEAK_SANDBOX=1 runs models without.",
        )


def channel() -> tuple[socket.socket, socket.socket]:
    """Two ends of a channel; on ours the kernel says which process a record came from."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return ours, theirs


def heard_from(channel: socket.socket, seconds: float, tick: Tick) -> tuple[bytes, int]:
    """The next record and the process that sent it, by its number in this pid namespace.

    Raises `EngineError` (sandbox_failed) where none comes.
    """
    if not wait_for(channel, seconds, tick):
        raise EngineError("sandbox_failed", f"The sandbox did not answer in {seconds:g} s.")
    try:
        record, extra, _, _ = channel.recvmsg(1 << 16, socket.CMSG_SPACE(CREDENTIALS.size))
    except OSError as error:
        raise EngineError("sandbox_failed", "The sandbox ended unexpectedly.") from error
    if not record:
        raise EngineError("sandbox_failed", "The sandbox could not be started.")
    return record, CREDENTIALS.unpack(extra[0][2])[0]


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
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
    }
    if plan.device == "cuda":
        variables |= {name: os.environ[name] for name in CUDA_VARIABLES if name in os.environ}
        variables["CUDA_CACHE_DISABLE"] = "1"  # there is no place to write it to
    return variables


def wait_for(channel: socket.socket, seconds: float, tick: Tick) -> bool:
    """Sleep until something can be read, calling `tick` now and then; false after `seconds`.

    Raises `EngineError` (machine_paused) where the machine stood still meanwhile: no model is to
    blame for that, and no time is known.
    """
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    deadline = time.monotonic() + seconds
    while True:
        begun = time.monotonic()
        left = deadline - begun
        heard = poll.poll(max(0.0, min(left, TICK_SECONDS)) * 1000)
        if (slept := time.monotonic() - begun) > TICK_SECONDS + PAUSE_SECONDS:
            raise EngineError(
                "machine_paused", f"The machine stood still for {slept:.0f} s in the middle of it."
            )
        if heard:
            return True
        if left <= TICK_SECONDS:
            return False
        begun = time.monotonic()
        tick()
        deadline += time.monotonic() - begun  # what its caller takes is not the model's


def sealed(data: bytes, format_name: str) -> SealedModel:
    """A model file's bytes for `Sandbox.child`."""
    descriptor = os.memfd_create("model", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS | fcntl.F_SEAL_WRITE)
    return SealedModel(descriptor, format_name)


def handed_over(path: Path) -> SealedModel:
    """A sealed copy of a model file for `Sandbox.child`."""
    descriptor = os.memfd_create("model", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        copied = 0
        while copied < size:
            copied += os.sendfile(descriptor, file.fileno(), copied, size - copied)
        format_ = formats.sniffed(file).name
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS | fcntl.F_SEAL_WRITE)
    return SealedModel(descriptor, format_)
