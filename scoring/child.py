"""The program in the sandbox: `python -m scoring.child`, started by `scoring.sandbox` only.

It imports torch once and then, as a zygote that never sees a model or an image, forks one child
for each model and segment. A child locks itself in, loads the model from memory and answers calls:
images and answers lie in shared memory, orders and outcomes are fixed-size records. It is never
believed.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import resource
import signal
import socket
import sys
from typing import Any

import torch

from scoring import runtimes
from scoring.channel import DIMENSIONS, PREPARE, RUN, STATUS, Order, Status

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
LANDLOCK_CREATE_RULESET, LANDLOCK_RESTRICT_SELF = 444, 446


def main() -> None:
    """Serve the measurer: `spawn` answers with a pid, `reap` with a wait status."""
    measurer, descriptor = int(sys.argv[1]), int(sys.argv[2])
    die_with(measurer)
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    torch.set_num_threads(1)
    rehearse()
    orders = socket.socket(fileno=descriptor)
    orders.send(b"ready")
    while True:
        message, descriptors, _, _ = socket.recv_fds(orders, 1 << 16, 3)
        if not message:
            return
        order = json.loads(message)
        if "reap" in order:
            orders.send(json.dumps(os.waitpid(order["reap"], 0)[1]).encode())
            continue
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            die_with(zygote)
            os.setpgid(0, 0)
            serve(Order(**order["spawn"]), *descriptors)
        for received in descriptors:
            os.close(received)
        orders.send(json.dumps(pid).encode())


def serve(order: Order, channel: int, model: int, area: int) -> None:
    """Load the model and answer calls until the measurer hangs up; never returns."""
    data = read(model, order.model_bytes)
    memory = mmap.mmap(area, order.area_bytes)
    keep_only(channel)
    if order.threads > 1:
        torch.set_num_threads(order.threads)
    abi = lock(order)
    status = Outcome(channel)
    inputs = view(memory, order.dtype, order.input_shape, 0)
    outputs = view(memory, "float32", order.output_shape, order.output_offset)
    if order.device == "cuda" and not torch.cuda.is_available():
        status.send(Status.NO_GPU)
        os._exit(1)
    runtime = runtimes.named(order.device)
    with torch.inference_mode():
        try:
            ready = runtime.load(data)
        except Exception as error:
            status.fail(error, Status.LOAD_FAILED)
        del data
        status.send(Status.LOADED, abi)
        answered = False
        while record := os.read(channel, RUN.size):
            calls = RUN.unpack(record)[0]
            if calls == PREPARE:
                ready, prepared = runtime.prepare(ready, inputs[0])
                status.send(Status.PREPARED, int(prepared))
                continue
            try:
                for call in range(calls):
                    answer = runtime.answer(ready, inputs[call])
                    if not fits(answer, outputs[call]):
                        status.refuse(answer)
                    outputs[call].copy_(answer)
                    answered = True
                runtime.finish()
            except Exception as error:
                status.fail(error, Status.RAISED if answered else Status.WRONG_INPUT)
            status.send(Status.DONE)
    os._exit(0)


def lock(order: Order) -> int:
    """Give up everything a model does not need; the landlock ABI in force, 0 for none.

    Everything that has to hold a hostile model goes here, before its bytes are looked at.
    """
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_FSIZE, 0)
    if order.device != "cpu":  # the CUDA driver opens devices and maps far more than it uses
        return 0
    limit(resource.RLIMIT_NOFILE, 16)
    limit(resource.RLIMIT_AS, address_space() + order.memory_bytes)
    return landlock()


def landlock() -> int:
    """Deny every path, TCP and signals to others; the ABI that was found, 0 where there is none."""
    abi = LIBC.syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)
    if abi < 1:
        return 0
    paths = (1 << (13 + (abi >= 2) + (abi >= 3) + (abi >= 5))) - 1
    rules = (ctypes.c_uint64 * 3)(paths, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = LIBC.syscall(LANDLOCK_CREATE_RULESET, ctypes.byref(rules), size, 0)
    if ruleset < 0 or LIBC.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
        return 0
    os.close(ruleset)
    return int(abi)


def die_with(parent: int) -> None:
    """Get killed when the parent dies, and die at once if it already has."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def rehearse() -> None:
    """Run a built-in network once: what torch sets up lazily must be there before the locks."""
    net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU())
    example = torch.zeros(1, 3, 16, 16)
    runtime = runtimes.named("cpu")
    traced = torch.jit.trace(net.eval(), example)  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        ready, _ = runtime.prepare(traced, example)
        ready(example)


class Outcome:
    """Says how it went, in numbers only."""

    def __init__(self, channel: int) -> None:
        self.channel = channel

    def send(self, status: Status, *numbers: int) -> None:
        padding = (0,) * (STATUS.size // 8 - 1 - len(numbers))
        os.write(self.channel, STATUS.pack(status, *numbers, *padding))

    def fail(self, error: Exception, status: Status) -> None:
        """Report an error by its kind and end; its text may hold hidden images and stays here."""
        self.send(Status.OUT_OF_MEMORY if is_out_of_memory(error) else status)
        os._exit(1)

    def refuse(self, answer: Any) -> None:
        """Report the shape of a wrong answer and end."""
        if not isinstance(answer, torch.Tensor):
            self.send(Status.WRONG_OUTPUT, 0, 0)
        else:
            sizes = tuple(answer.shape)[:DIMENSIONS]
            self.send(Status.WRONG_OUTPUT, int(answer.is_floating_point()), answer.dim(), *sizes)
        os._exit(1)


def fits(answer: Any, output: torch.Tensor) -> bool:
    return (
        isinstance(answer, torch.Tensor)
        and answer.shape == output.shape
        and answer.is_floating_point()
    )


def is_out_of_memory(error: Exception) -> bool:
    """torch has no class of its own for a failed allocation on the CPU."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return any(sign in text for sign in ("allocate memory", "not enough memory", "bad_alloc"))


def read(descriptor: int, size: int) -> bytes:
    parts, offset = [], 0
    while offset < size:
        parts.append(os.pread(descriptor, min(size - offset, 1 << 30), offset))
        offset += len(parts[-1])
    return b"".join(parts)


def view(memory: mmap.mmap, dtype: str, shape: tuple[int, ...], offset: int) -> torch.Tensor:
    """A tensor over a part of the shared area."""
    count = 1
    for side in shape:
        count *= side
    flat = torch.frombuffer(memory, dtype=getattr(torch, dtype), count=count, offset=offset)
    return flat.reshape(shape)


def keep_only(channel: int) -> None:
    """Close every descriptor but the channel and the three that lead to /dev/null."""
    os.closerange(3, channel)
    os.closerange(channel + 1, os.sysconf("SC_OPEN_MAX"))


def limit(kind: int, value: int) -> None:
    resource.setrlimit(kind, (value, value))


def address_space() -> int:
    """Bytes of address space in use."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * mmap.PAGESIZE


if __name__ == "__main__":
    main()
