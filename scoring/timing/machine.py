"""Keeping a machine fair while it measures: one evaluation at a time, cores of its own, priority.

Nothing here is needed for a measuring to work; what the host does not permit is left out, and what
was in force is said in words on the report.
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

WAIT_SECONDS = 0.5
FOREMOST = -20
"""The nice value nobody is before."""


@contextmanager
def held(lock: Path | None, tick: Callable[[], None] = lambda: None) -> Iterator[None]:
    """The machine for oneself, as far as everybody asks for the same lock file."""
    if lock is None:
        yield
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:  # closing it gives it back, also when this process is killed
        while not taken(file.fileno()):
            tick()
            time.sleep(WAIT_SECONDS)
        yield


def can_hold(folder: Path, size: int) -> bool:
    """Whether a file of `size` bytes can be written to a folder; tried, and taken away again."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, max(1, size))
    except OSError:
        return False
    return True


def taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def arranged(plan: Plan, models: int) -> Iterator[tuple[str, ...]]:
    """Cores and priority for `models`, a process whose children run them, and for this thread.

    Yields what is in force, in words. This thread gets back what it had.
    """
    with ExitStack() as undo:
        words = []
        if plan.pinned and plan.device == "cpu":
            words += pinned(plan.threads, models, undo)
        if plan.preferred:
            words += preferred(models, undo)
        yield tuple(words)


def pinned(threads: int, models: int, undo: ExitStack) -> list[str]:
    """Both models on the same cores, the measurer on the others; nothing if there are none."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) <= threads:
        return []
    theirs, ours = cores[-threads:], cores[:-threads]
    with suppress(OSError):
        os.sched_setaffinity(models, theirs)
        os.sched_setaffinity(0, ours)
        undo.callback(os.sched_setaffinity, 0, cores)
        name = "core" if threads == 1 else "cores"
        return [f"models pinned to {name} {', '.join(map(str, theirs))}", "measurer kept off it"]
    return []


def preferred(models: int, undo: ExitStack) -> list[str]:
    """Before everybody else, by nice and by the autogroup that overrules it between sessions."""
    words = []
    with suppress(OSError):
        before = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, models, FOREMOST)
        os.setpriority(os.PRIO_PROCESS, 0, FOREMOST)
        undo.callback(os.setpriority, os.PRIO_PROCESS, 0, before)
        words.append(f"nice {FOREMOST}")
    with suppress(OSError, ValueError, IndexError):
        theirs, ours = Path(f"/proc/{models}/autogroup"), Path("/proc/self/autogroup")
        had = int(ours.read_text().split()[-1])
        had = 0 if had == FOREMOST else had  # a measurer that was killed left it so
        theirs.write_text(str(FOREMOST))
        ours.write_text(str(FOREMOST))
        undo.callback(suppressed_write, ours, str(had))
        words.append(f"autogroup nice {FOREMOST}")
    return [f"priority raised ({', '.join(words)})"] if words else []


def suppressed_write(path: Path, text: str) -> None:
    with suppress(OSError):
        path.write_text(text)


def foreign_seconds(own_seconds: float) -> float | None:
    """CPU seconds that others have used so far: all that the cores were at work, less one's own.

    Only differences of two readings mean anything. None where the kernel does not tell.
    """
    busy = busy_seconds()
    return None if busy is None else busy - own_seconds


def busy_seconds() -> float | None:
    """Seconds that the machine's cores were at work, or stolen by its host."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        user, nice, system, _, _, hard, soft, stolen = map(int, fields)
    except (OSError, ValueError):
        return None
    return (user + nice + system + hard + soft + stolen) / os.sysconf("SC_CLK_TCK")
