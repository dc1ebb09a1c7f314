"""The program in the sandbox: `python -m scoring.sandbox.zygote`, started by the parent only.

It locks itself in and imports torch once. Then it forks a fresh `scoring.sandbox.child` for each
order. The zygote itself sees no model and no image.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from scoring.sandbox import lockdown, paths
from scoring.sandbox.channel import Order


def main() -> None:
    """Lock this process in, then serve the measurer until it hangs up."""
    measurer, descriptor, device = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    lockdown.die_with(measurer)
    lockdown.keep_privileges_down()
    is_separate = device == "cpu" and lockdown.separate()
    if is_separate:
        step_inside()
    lockdown.drop_capabilities()
    with Path("/proc/self/statm").open() as statm:
        lockdown.landlock(paths.of_zygote(device))  # children report whether it is in force

        from scoring.sandbox import child  # imports torch, which gets the landlock first

        child.rehearse()
        serve(socket.socket(fileno=descriptor), statm, {"separate": is_separate})


def step_inside() -> None:
    """Go on as the first process of the new pid namespace.

    The process outside waits for it and ends with its exit code.
    """
    outside = os.getpid()
    pid = os.fork()
    if pid:
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        _, status = os.waitpid(pid, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    lockdown.die_with(outside)


def serve(orders: socket.socket, statm: IO[str], found: dict[str, bool]) -> None:
    """Answer orders until the measurer hangs up: `spawn` by a pid, `reap` by a wait status."""
    from scoring.sandbox import child

    orders.send(json.dumps(found).encode())
    while True:
        message, descriptors, _, _ = socket.recv_fds(orders, 1 << 16, 4)
        if not message:
            return
        order = json.loads(message)
        if "reap" in order:
            orders.send(json.dumps(ended(order["reap"])).encode())
            continue
        statm.seek(0)
        mapped = int(statm.read().split()[0]) * mmap.PAGESIZE
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            lockdown.die_with(zygote)
            os.setpgid(0, 0)
            child.serve(Order(**order["spawn"]), mapped, *descriptors)
        for received in descriptors:
            os.close(received)
        orders.send(json.dumps(pid).encode())


def ended(pid: int) -> int:
    """Kill a child and its process group, and return its wait status."""
    for kill in (os.killpg, os.kill):  # the child may not have made its group yet
        with suppress(ProcessLookupError):
            kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


if __name__ == "__main__":
    main()
