"""What a forked child of the zygote does: lock itself in, load one model, answer calls.

Images and answers lie in shared memory. Orders and outcomes are records of fixed size. The parent
believes the first record only: the child sends it before it looks at the model.
"""

from __future__ import annotations

import linecache  # noqa: F401  a warning imports it, and behind the locks no file can be opened
import math
import mmap
import os
import resource
import sys
import traceback  # noqa: F401
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import torch

from scoring import formats
from scoring.sandbox import lockdown, paths
from scoring.sandbox.channel import (
    COUNT,
    DIMENSIONS,
    DTYPES,
    PREPARE,
    PROBE,
    RUN,
    STATUS,
    Kind,
    Order,
    Status,
)
from scoring.sandbox.lockdown import limit
from scoring.timing.probe import Probe

if TYPE_CHECKING:
    from scoring.formats.contract import Network, Runtime

SPARE_CPU_SECONDS = 30
"""CPU seconds beyond the limit of wall seconds, so that the parent's clock decides first."""
MOST_SAID = (1 << 63) - 1
"""The largest number in a record. A tensor that repeats one number can have more bytes."""
KINDS: dict[Kind, type | tuple[type, ...]] = {
    Kind.TUPLE: tuple,
    Kind.LIST: list,
    Kind.DICT: dict,
    Kind.NONE: type(None),
    Kind.NUMBER: (bool, int, float, complex),
    Kind.TEXT: str,
}


def serve(
    order: Order, mapped: int, channel: int, model: int, area: int, output: int | None = None
) -> None:
    """Load the model and answer calls until the measurer hangs up. Never returns.

    `mapped`: bytes of address space of the zygote. The other numbers are descriptors.
    """
    data = read(model, order.model_bytes)
    memory = mmap.mmap(area, order.area_bytes)
    if output is not None:
        for standard in (1, 2):
            os.dup2(output, standard)
    keep_only(channel)
    status = Outcome(channel, order.has_output)
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    abi, is_filtered = lock(order, channel, mapped + order.model_bytes + order.area_bytes)
    status.send(Status.LOCKED, abi, int(is_filtered), held)
    if not (is_filtered and abi) and not order.may_be_weak:
        os._exit(1)
    inputs = view(memory, order.dtype, order.input_shape, 0)
    outputs = view(memory, "float32", order.output_shape, order.output_offset)
    if order.device == "cuda" and not torch.cuda.is_available():
        status.send(Status.NO_GPU)
        os._exit(1)
    probe = Probe()  # before the model takes memory, and not timed
    with torch.inference_mode():
        server = Server.loaded(data, order, inputs, outputs, status)
        del data
        status.send(Status.LOADED)
        while record := os.read(channel, RUN.size):
            calls = RUN.unpack(record)[0]
            if calls in (PREPARE, COUNT):
                server.tell(calls)
                continue
            if calls == PROBE:
                probe.run()
            else:
                server.answer(calls)
            status.send(Status.DONE)
    os._exit(0)


@dataclass
class Server:
    """One loaded model over one area."""

    runtime: Runtime
    network: Network
    inputs: torch.Tensor
    """(calls, batch, 3, height, width)"""
    outputs: torch.Tensor
    """(calls, batch, classes)"""
    most_bytes: int
    """Of one answer."""
    status: Outcome
    has_answered: bool = False

    @classmethod
    def loaded(
        cls,
        data: bytes,
        order: Order,
        inputs: torch.Tensor,
        outputs: torch.Tensor,
        status: Outcome,
    ) -> Server:
        """The model in a file's bytes. Ends the process if it cannot be loaded."""
        runtime = formats.runtime(order.format, order.device)
        try:
            network = runtime.load(data)
        except Exception as error:
            status.fail(error, Status.LOAD_FAILED)
        return cls(runtime, network, inputs, outputs, order.output_bytes, status)

    def tell(self, order: int) -> None:
        """Do an order that is not timed, and send its result."""
        if order == PREPARE:
            self.status.send(Status.PREPARED, int(self.prepare()))
        else:
            self.status.send(Status.COUNTED, self.count())

    def prepare(self) -> bool:
        """Make the network faster, and tell whether that worked."""
        self.network, prepared = self.runtime.prepare(self.network, self.inputs[0])
        return prepared

    def count(self) -> int:
        """Multiplications of one call; -1 if they are not known."""
        try:
            found = self.runtime.count(self.network, self.inputs[0])
        except Exception:  # a model may do what no formula expects
            return -1
        return -1 if found is None else min(found, MOST_SAID)

    def answer(self, calls: int) -> None:
        """Answer the first `calls` rows of the area. Ends the process if that fails."""
        try:
            for call in range(calls):
                answer = self.runtime.answer(self.network, self.inputs[call])
                if not fits(answer, self.outputs[call]):
                    self.status.refuse(answer, self.most_bytes)
                self.outputs[call].copy_(answer)
                self.has_answered = True
            self.runtime.finish()
        except Exception as error:
            self.status.fail(error, Status.RAISED if self.has_answered else Status.WRONG_INPUT)


def lock(order: Order, channel: int, mapped: int) -> tuple[int, bool]:
    """Give up everything that a model does not need, before its bytes are looked at.

    Returns the ABI of the landlock in force, 0 for none, and whether a filter of system calls is in
    force. `mapped`: bytes of address space that do not count as the model's.
    """
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_FSIZE, 0)
    seconds = math.ceil(order.total_seconds * order.threads) + SPARE_CPU_SECONDS
    limit(resource.RLIMIT_CPU, seconds)
    limit(resource.RLIMIT_MSGQUEUE, 0)
    abi = lockdown.landlock(paths.of_child(order.device))
    if order.device != "cpu":  # its driver opens devices, starts threads, maps more than it uses
        return abi if abi >= lockdown.KEEPS_SIGNALS else 0, lockdown.no_reaching_out()
    if order.threads > 1:
        start_threads(order)
    limit(resource.RLIMIT_AS, mapped + order.memory_bytes)
    limit(resource.RLIMIT_NOFILE, 0)
    limit(resource.RLIMIT_MEMLOCK, 0)
    return abi, lockdown.only_computing(reads=[channel], writes=[channel, 1, 2])


def start_threads(order: Order) -> None:
    """Have torch and the model's runtime start their threads, because later none can start.

    The threads share this thread's landlock. The probe computes with torch, whatever the format is.
    """
    for format_ in dict.fromkeys((formats.FORMATS[0].name, order.format)):
        formats.runtime(format_, order.device).start_threads(order.threads)


def rehearse() -> None:
    """Do once what a child does, with a trusted network of each format.

    Whatever torch sets up or imports at its first use must be there before the locks.
    """
    torch.set_num_threads(1)
    for one in formats.FORMATS:
        one.runtime("cpu").rehearse()
    with torch.inference_mode():
        Probe().run()


class Outcome:
    """Tells the measurer how an order ended: in numbers, and in a dry run in words too."""

    def __init__(self, channel: int, has_output: bool) -> None:
        self.channel = channel
        self.has_output = has_output

    def send(self, status: Status, *numbers: int) -> None:
        """Send one record."""
        if self.has_output:
            sys.stdout.flush()
        padding = (0,) * (STATUS.size // 8 - 1 - len(numbers))
        os.write(self.channel, STATUS.pack(status, *numbers, *padding))

    def fail(self, error: Exception, status: Status) -> NoReturn:
        """Report an error by its kind and end the process.

        Its text is printed in a dry run only, because it may hold hidden images.
        """
        if self.has_output:
            print(f"{type(error).__name__}: {error}", flush=True)
        self.send(Status.OUT_OF_MEMORY if is_out_of_memory(error) else status)
        os._exit(1)

    def refuse(self, answer: Any, most_bytes: int) -> NoReturn:
        """Report the kind and shape of a wrong answer and end the process."""
        kind = next((kind for kind, types in KINDS.items() if isinstance(answer, types)), None)
        if not isinstance(answer, torch.Tensor):
            length = len(answer) if isinstance(answer, tuple | list | dict) else 0
            self.send(Status.WRONG_OUTPUT, kind or Kind.OTHER, -1, length)
        elif not is_dense(answer):
            self.send(Status.WRONG_OUTPUT, Kind.NOT_DENSE, -1, 0)
        elif (size := answer.numel() * answer.element_size()) > most_bytes:
            self.send(Status.OUTPUT_TOO_LARGE, min(size, MOST_SAID))
        else:
            dtype = str(answer.dtype).removeprefix("torch.")
            index = DTYPES.index(dtype) if dtype in DTYPES else -1
            sizes = tuple(answer.shape)[:DIMENSIONS]
            self.send(Status.WRONG_OUTPUT, Kind.TENSOR, index, answer.dim(), *sizes)
        os._exit(1)


def fits(answer: Any, output: torch.Tensor) -> bool:
    """Whether an answer is a dense tensor of floats of the output's shape, (batch, classes)."""
    return (
        isinstance(answer, torch.Tensor)
        and is_dense(answer)
        and answer.shape == output.shape
        and answer.is_floating_point()
    )


def is_dense(answer: torch.Tensor) -> bool:
    """Whether a tensor can be copied number by number: no sparse, nested, packed or meta one."""
    return answer.layout == torch.strided and not answer.is_nested and not answer.is_meta


def is_out_of_memory(error: Exception) -> bool:
    """Whether memory ran out. On the CPU torch tells that by the text of a RuntimeError."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return any(sign in text for sign in ("allocate memory", "not enough memory", "bad_alloc"))


def read(descriptor: int, size: int) -> bytes:
    """The first `size` bytes of a file."""
    parts, offset = [], 0
    while offset < size:
        parts.append(os.pread(descriptor, min(size - offset, 1 << 30), offset))
        offset += len(parts[-1])
    return b"".join(parts)


def view(memory: mmap.mmap, dtype: str, shape: tuple[int, ...], offset: int) -> torch.Tensor:
    """A tensor over a part of the shared area, `offset` bytes from its start."""
    count = 1
    for side in shape:
        count *= side
    flat = torch.frombuffer(memory, dtype=getattr(torch, dtype), count=count, offset=offset)
    return flat.reshape(shape)


def keep_only(channel: int) -> None:
    """Close every descriptor but the channel and the three standard ones."""
    os.closerange(3, channel)
    os.closerange(channel + 1, os.sysconf("SC_OPEN_MAX"))
