"""Sockets between the measurer and its processes: one record each way, and waiting for it."""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable

from scoring.errors import EngineError
from scoring.sentences import say

TICK_SECONDS = 0.5
PAUSE_SECONDS = 5.0
"""More than this beyond the sleep that was asked for means that the machine stood still.

A container was paused, or a virtual machine moved. No load keeps a sleeping process from its core
for so long.
"""
CREDENTIALS = struct.Struct("3i")
"""Process, user, group."""

Tick = Callable[[], None]
"""Called again and again during a wait."""


def channel() -> tuple[socket.socket, socket.socket]:
    """The parent's end of a channel, and the other end.

    The kernel tells the parent which process a record came from.
    """
    parent_end, other_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent_end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    return parent_end, other_end


def heard_from(channel: socket.socket, seconds: float, tick: Tick) -> tuple[bytes, int]:
    """The next record, and the sender's process number in this pid namespace.

    Raises `EngineError` (sandbox_failed) if no record comes.
    """
    if not wait_for(channel, seconds, tick):
        raise EngineError(
            "sandbox_failed", say("The sandbox did not answer in %(seconds)g s.", seconds=seconds)
        )
    try:
        record, extra, _, _ = channel.recvmsg(1 << 16, socket.CMSG_SPACE(CREDENTIALS.size))
    except OSError as error:
        raise EngineError("sandbox_failed", say("The sandbox ended unexpectedly.")) from error
    if not record:
        raise EngineError("sandbox_failed", say("The sandbox could not be started."))
    return record, CREDENTIALS.unpack(extra[0][2])[0]


def wait_for(channel: socket.socket, seconds: float, tick: Tick) -> bool:
    """Sleep until something can be read. False if nothing can after `seconds`.

    `tick` is called every `TICK_SECONDS`; its own time does not count. Raises `EngineError`
    (machine_paused) if the machine stood still meanwhile: then no duration is known.
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
                "machine_paused",
                say(
                    "The machine was suspended for %(slept)s s during the measurement.",
                    slept=format(slept, ".0f"),
                ),
            )
        if heard:
            return True
        if left <= TICK_SECONDS:
            return False
        begun = time.monotonic()
        tick()
        deadline += time.monotonic() - begun  # the time of `tick` is not the model's
