"""Keeping a machine fair while it measures: one evaluation at a time, cores of its own, priority.

A measuring works without any of it. What the host does not permit is left out; the report says in
words what was in force.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from scoring.job import Plan
from scoring.sentences import Sentence, say

WAIT_SECONDS = 0.5
"""Seconds between two tries to take the lock."""
FOREMOST = -20
"""The highest priority, as a nice value."""


@contextmanager
def held(lock: Path | None, tick: Callable[[], None] = lambda: None) -> Iterator[None]:
    """The machine for one evaluation, among all that ask for the same lock file.

    `tick` is called while this waits. None for `lock`: no waiting.
    """
    if lock is None:
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open(
        "w"
    ) as file:  # closing the file releases the lock, also when this process is killed
        while not taken(file.fileno()):
            tick()
            time.sleep(WAIT_SECONDS)
        yield


def can_hold(folder: Path, size: int) -> bool:
    """Whether a file of `size` bytes can be written to a folder; a temporary one is written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, max(1, size))
    except OSError:
        return False
    return True


def taken(descriptor: int) -> bool:
    """Whether the lock of an open file could be taken now."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def arranged(plan: Plan, models: int) -> Iterator[tuple[Sentence, ...]]:
    """Set cores and priority of `models`, the process whose children run them, and of this thread.

    Yields what is in force. At the end this thread has its former cores and priority.
    """
    with ExitStack() as undo:
        said: list[Sentence] = []
        if plan.pinned and plan.device == "cpu":
            said += pinned(plan.threads, models, undo)
        if plan.preferred:
            said += preferred(models, undo)
        yield tuple(said)


def pinned(threads: int, models: int, undo: ExitStack) -> list[Sentence]:
    """Both models on the same cores, this thread on the others; nothing if there are no others."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) <= threads:
        return []
    model_cores, other_cores = cores[-threads:], cores[:-threads]
    with suppress(OSError):
        os.sched_setaffinity(models, model_cores)
        os.sched_setaffinity(0, other_cores)
        undo.callback(os.sched_setaffinity, 0, cores)
        names = ", ".join(map(str, model_cores))
        if threads == 1:
            where = say("The models run only on core %(cores)s.", cores=names)
        else:
            where = say("The models run only on the cores %(cores)s.", cores=names)
        return [where, say("The measuring process runs on other cores.")]
    return []


def preferred(models: int, undo: ExitStack) -> list[Sentence]:
    """The highest priority, by nice and by the autogroup, which overrules nice between sessions."""
    words = []
    with suppress(OSError):
        before = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, models, FOREMOST)
        os.setpriority(os.PRIO_PROCESS, 0, FOREMOST)
        undo.callback(os.setpriority, os.PRIO_PROCESS, 0, before)
        words.append(f"nice {FOREMOST}")
    with suppress(OSError, ValueError, IndexError):
        of_models, own = Path(f"/proc/{models}/autogroup"), Path("/proc/self/autogroup")
        before = int(own.read_text().split()[-1])
        before = 0 if before == FOREMOST else before  # left so by a measurer that was killed
        of_models.write_text(str(FOREMOST))
        own.write_text(str(FOREMOST))
        undo.callback(suppressed_write, own, str(before))
        words.append(f"autogroup nice {FOREMOST}")
    return (
        [say("The models have a higher priority (%(how)s).", how=", ".join(words))] if words else []
    )


def suppressed_write(path: Path, text: str) -> None:
    """Write a file if the system permits it."""
    with suppress(OSError):
        path.write_text(text)


def foreign_seconds(own_seconds: float) -> float | None:
    """CPU seconds that others have used so far: all that the cores were at work, less one's own.

    Only differences of two readings mean anything. None where the kernel does not tell.
    """
    busy = busy_seconds()
    return None if busy is None else busy - own_seconds


def busy_seconds() -> float | None:
    """CPU seconds of all cores since boot, those stolen by the host included; None if unknown."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        user, nice, system, _, _, hard, soft, stolen = map(int, fields)
    except (OSError, ValueError):
        return None
    return (user + nice + system + hard + soft + stolen) / os.sysconf("SC_CLK_TCK")
