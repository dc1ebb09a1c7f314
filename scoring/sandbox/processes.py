"""One child as the measurer sees it: asked, timed, stopped, limited, killed.

Every wrong act of a child raises `ModelFailed`.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from scoring import formats
from scoring.errors import EngineError, ModelFailed
from scoring.sandbox import advice
from scoring.sandbox.areas import Area
from scoring.sandbox.channel import COUNT, PREPARE, PROBE, RUN, STATUS, Order, Status
from scoring.sandbox.sockets import heard_from, wait_for
from scoring.sentences import say

if TYPE_CHECKING:
    from scoring.sandbox.parent import Sandbox

START_SECONDS = 120.0
"""Most seconds until the zygote or a child has sent its first record."""
GRACE_SECONDS = 2.0
"""Most seconds between the last record and the end of a process."""


@dataclass
class Allowance:
    """Wall seconds that all children of one model may use together."""

    seconds: float


@dataclass(frozen=True)
class Turn:
    """Wall and CPU seconds from the write of an order to the read of its record."""

    seconds: float
    cpu_seconds: float


@dataclass
class Child:
    """One model in one process. `inputs` and `outputs` are arrays over the area."""

    sandbox: Sandbox
    number: int
    """The process number in the zygote's pid namespace."""
    channel: socket.socket
    order: Order
    area: Area
    allowance: Allowance
    prepared: bool = False
    tried: bool = False
    """Whether the model answered once. Later inputs may be hidden images."""
    pid: int = 0
    """The process number in this pid namespace; 0 before its first record."""
    landlock: int = 0
    """ABI of the landlock in force; 0 for none."""
    is_filtered: bool = False
    """Whether a filter of system calls is in force."""
    held_bytes: int = 0
    """The most memory before the model was loaded."""
    memory_bytes: int | None = None
    """The most memory beyond that, of what it does not share; None if it was not looked at."""
    status: int | None = None
    """The wait status, once the process was collected."""
    most_calls: int = 1
    """The most calls of one turn so far."""
    inputs: npt.NDArray[Any] = field(init=False, repr=False)
    outputs: npt.NDArray[np.float32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.inputs, self.outputs = self.area.inputs(), self.area.outputs()

    def await_locks(self) -> None:
        """Hear which layers hold the child, before it looks at the model.

        Raises `EngineError` (sandbox_unavailable) if a layer is missing that may not be.
        """
        record, self.pid = heard_from(self.channel, START_SECONDS, self.sandbox.tick)
        status, landlock, is_filtered, held, *_ = STATUS.unpack(record)
        if status != Status.LOCKED:
            raise EngineError("sandbox_failed", say("The sandbox could not be started."))
        self.landlock, self.is_filtered = landlock, bool(is_filtered)
        self.held_bytes = 1024 * held - self.order.model_bytes  # its file was read already
        if not self.sandbox.may_be_weak:
            refuse_weakness(landlock, self.is_filtered)

    def load(self) -> None:
        """Wait until the model is loaded. Raises `ModelFailed`."""
        self.outcome(*self.load_limit())

    def prepare(self) -> None:
        """Have the runtime make the model faster. Raises `ModelFailed`."""
        self.send(PREPARE)
        self.prepared = bool(self.outcome(*self.load_limit())[0])

    def count(self) -> int | None:
        """Multiplications of one call; None if they are not known. Raises `ModelFailed`."""
        self.send(COUNT)
        found = self.outcome(*self.load_limit())[0]
        return found if found >= 0 else None

    def look_at_memory(self) -> None:
        """Note the most memory so far. Shared memory, which holds images, does not count.

        The peak of both may be older than the shared part of today, so look more than once.
        """
        if self.order.device != "cpu":
            return
        with suppress(OSError, KeyError, ValueError):  # the process may be gone
            lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
            told = dict(line.split(":", 1) for line in lines)
            peak, shared = (1024 * int(told[one].split()[0]) for one in ("VmHWM", "RssShmem"))
            found = max(0, peak - shared - self.held_bytes)
            self.memory_bytes = max(found, self.memory_bytes or 0)

    def load_limit(self) -> tuple[float, ModelFailed]:
        """Seconds that loading may take, and the failure if it takes longer."""
        limit = self.sandbox.limits.load_seconds
        return limit, ModelFailed(
            "load_timeout",
            say(
                "The limit for loading is %(limit)g s. The model took longer and was stopped.",
                limit=limit,
            ),
        )

    def run(self, calls: int, seconds: float, is_first: bool = False) -> Turn:
        """Answer `calls` rows of `inputs`, timed. Raises `ModelFailed`, also after `seconds`."""
        if is_first:
            overdue = ModelFailed(
                "first_call_timeout",
                say(
                    "The limit for the first answer of a process is %(seconds)g s. The model "
                    "took longer and was stopped.",
                    seconds=seconds,
                ),
            )
        else:
            limit = self.sandbox.limits.call_seconds
            overdue = ModelFailed(
                "call_timeout",
                # The message does not give the time, which the model could use to tell about hidden
                # images.
                say(
                    "The limit for one answer is %(limit)g s. The limit for a block of "
                    "answers is %(limit)g s more than 20 times its usual time. The model "
                    "took longer and was stopped.",
                    limit=limit,
                ),
            )
        turn = self.timed(calls, seconds, overdue)
        self.most_calls = max(self.most_calls, calls)
        self.tried = True
        return turn

    def probe(self) -> Turn:
        """Run `scoring.timing.probe` in the child, timed. Raises `ModelFailed`."""
        limit = self.sandbox.limits.call_seconds
        overdue = ModelFailed(
            "call_timeout",
            say(
                "The model's process did not respond for %(limit)g s and was stopped.", limit=limit
            ),
        )
        return self.timed(PROBE, limit, overdue)

    def timed(self, order: int, seconds: float, overdue: ModelFailed) -> Turn:
        """The time of one order: the child wakes, works, and its record is read."""
        if wait_for(self.channel, 0.0, self.sandbox.tick):
            raise self.death()  # the child is gone, or sent a record before it was asked
        cpu = self.cpu_seconds()
        start = time.perf_counter()
        self.send(order)
        self.outcome(seconds, overdue)
        stop = time.perf_counter()
        return Turn(stop - start, self.cpu_seconds() - cpu)

    def freeze(self) -> None:
        """Stop the process and wait until all its threads stand still. Raises `ModelFailed`."""
        os.kill(self.pid, signal.SIGSTOP)
        deadline = time.monotonic() + self.sandbox.limits.call_seconds
        is_over = False
        while not (states := self.states()) <= {"T", "t"}:
            if states <= {"Z", "X"} or is_over:
                raise self.death()
            is_over = time.monotonic() > deadline  # after the deadline, look once more

    def thaw(self) -> None:
        """Let the process go on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End the process and its group, and collect it."""
        if self.status is None:
            self.status = int(self.sandbox.ask({"reap": self.number}))

    def release(self) -> None:
        """Leave the area to the next child. Only facts about this child stay."""
        self.inputs, self.outputs = np.empty(0), np.empty(0, dtype=np.float32)
        can_fork = not self.is_filtered or self.order.device != "cpu"
        if self.status is not None and not can_fork:
            self.area.wipe(self.most_calls)
        else:  # the child, or a process that it started, may still have the area
            self.area.renew()

    def send(self, order: int) -> None:
        """Give an order. Raises `ModelFailed` if the child is gone."""
        try:
            self.channel.send(RUN.pack(order))
        except OSError as error:
            raise self.death() from error

    def outcome(self, seconds: float, overdue: ModelFailed) -> tuple[int, ...]:
        """Numbers of the next record. Raises `ModelFailed` for anything but success."""
        if self.allowance.seconds < seconds:
            total = self.sandbox.limits.total_seconds
            seconds = max(0.0, self.allowance.seconds)
            overdue = ModelFailed(
                "total_timeout",
                say(
                    "The limit for all processes of a model together is %(total)g s. They "
                    "took longer and were stopped.",
                    total=total,
                ),
            )
        start = time.monotonic()
        heard = wait_for(self.channel, seconds, self.sandbox.tick)
        self.allowance.seconds -= time.monotonic() - start
        if not heard:
            raise overdue
        try:
            record = self.channel.recv(STATUS.size)
        except OSError as error:
            raise self.death() from error
        if len(record) != STATUS.size:
            raise self.death()
        status, *numbers = STATUS.unpack(record)
        if status not in (Status.LOADED, Status.PREPARED, Status.DONE, Status.COUNTED):
            raise self.failure(status, numbers)
        return tuple(numbers)

    def failure(self, status: int, numbers: list[int]) -> ModelFailed:
        """The failure that a child's record tells. Raises `EngineError` (no_gpu)."""
        if status == Status.NO_GPU and self.order.device == "cuda":
            raise EngineError("no_gpu", say("This machine has no GPU that torch can use."))
        fed = f"{self.order.dtype} of shape {self.order.input_shape[1:]}"
        wanted = self.order.output_shape[1:]
        if status == Status.LOAD_FAILED:
            return ModelFailed("load_failed", formats.named(self.order.format).load_failed)
        if status == Status.WRONG_INPUT:
            return ModelFailed(
                "wrong_input",
                say("The model raised an error on its first input, %(fed)s.", fed=fed),
            )
        if status == Status.WRONG_OUTPUT:
            got = advice.returned(numbers) if self.may_tell else (say("The answer is different."),)
            return ModelFailed(
                "wrong_output",
                say(
                    "The model must return one float tensor of shape %(wanted)s, one logit for "
                    "each class.",
                    wanted=str(wanted),
                ),
                *got,
            )
        if status == Status.OUTPUT_TOO_LARGE:
            limit = format(self.sandbox.limits.output_bytes, ",")
            said = say("One answer can have %(limit)s bytes. Return logits only.", limit=limit)
            if self.may_tell:
                said = say(
                    "One answer can have %(limit)s bytes, but the model returned %(got)s. "
                    "Return logits only.",
                    limit=limit,
                    got=format(numbers[0], ","),
                )
            return ModelFailed("output_too_large", said)
        if status == Status.OUT_OF_MEMORY:
            return self.out_of_memory()
        return ModelFailed("crashed", say("The model raised an error while it answered."))

    @property
    def may_tell(self) -> bool:
        """Whether a wrong answer may be described: the child was given no hidden image yet.

        A dry run has no hidden images. In other runs the first input is synthetic. The area was
        wiped before, so it holds no other image until the first answer.
        """
        return self.order.has_output or not self.tried

    def death(self) -> ModelFailed:
        """The failure of a process that is gone or sends no more records."""
        deadline = time.monotonic() + GRACE_SECONDS
        while not (gone := self.states() <= {"Z", "X"}) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.kill()  # does nothing if the process is gone
        assert self.status is not None
        if gone and os.WIFSIGNALED(self.status) and os.WTERMSIG(self.status) == signal.SIGKILL:
            return self.out_of_memory()  # the kernel kills a process that uses too much
        return ModelFailed("crashed", say("The model's process ended while it was working."))

    def out_of_memory(self) -> ModelFailed:
        """The failure of a model that asked for more memory than its limit."""
        limit = self.sandbox.limits.memory_bytes / (1 << 20)
        return ModelFailed(
            "out_of_memory",
            say(
                "The limit for the memory of a model is %(limit)s MiB. The model asked for more.",
                limit=format(limit, ",.0f"),
            ),
        )

    def cpu_seconds(self) -> float:
        """CPU seconds of all threads of the process so far, in steps of nanoseconds."""
        with suppress(OSError):  # the process may be gone
            return time.clock_gettime(~self.pid << 3 | 2)
        return 0.0

    def states(self) -> set[str]:
        """States of all threads in the letters of /proc; Z if no thread is left."""
        try:
            threads = list(Path(f"/proc/{self.pid}/task").iterdir())
            return {(one / "stat").read_text().rpartition(")")[2].split()[0] for one in threads}
        except FileNotFoundError:
            return {"Z"}
        except ProcessLookupError:  # a thread ended meanwhile
            return {"R"}


def refuse_weakness(landlock: int, is_filtered: bool) -> None:
    """Raises `EngineError` (sandbox_unavailable) that names the layers the kernel lacks."""
    missing = []
    if not landlock:
        missing.append(
            say(
                "This kernel or container lacks landlock (Linux 5.13 or newer, 6.12 for a GPU, "
                "CONFIG_SECURITY_LANDLOCK, in `lsm=`)."
            )
        )
    if not is_filtered:
        missing.append(
            say(
                "This kernel or container lacks seccomp filters (CONFIG_SECCOMP_FILTER; x86_64 or "
                "aarch64)."
            )
        )
    if missing:
        raise EngineError(
            "sandbox_unavailable",
            say("No model is run."),
            *missing,
            say(
                "For development only: ALLOW_WEAK_SANDBOX=1 runs models without the missing layers."
            ),
        )
