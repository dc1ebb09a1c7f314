"""Which paths the sandbox leaves open, to the zygote and to its children.

On a CPU a child needs none at all. On a GPU the driver opens its devices while the child runs, and
libraries are loaded when a network first needs them.
"""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from scoring.sandbox.lockdown import IOCTL_DEV, READ_DIR, READ_FILE, TRUNCATE, WRITE_FILE, Rule

LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
FACTS = (
    "/etc/ld.so.cache",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system",
    "/dev/urandom",
)
"""What the libraries read to learn about the machine."""
DRIVER = (
    "/etc/nvidia",
    "/run/nvidia",
    "/sys/bus/pci",
    "/sys/module/nvidia",
    "/usr",
    "/var/lib/nvidia",
)
"""What the driver of a GPU may read besides, and the programs it brings."""
DEVICES = tuple(Path("/dev").glob("nvidia*"))
"""Known before any landlock: behind one, /dev cannot be listed."""
KERNEL = ("/proc/devices", "/proc/driver/nvidia", "/proc/self")
"""What the driver asks the kernel; of processes, about its own only."""


def of_zygote(device: str) -> Iterator[Rule]:
    """What importing torch reads. On a GPU all that any child may open, too, which can only give
    up what its zygote has: what a process tells of itself has another path in each of them."""
    yield from of_libraries()
    if device == "cuda":
        yield from of_driver()
        yield Rule(Path("/proc"), READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE)


def of_child(device: str) -> Iterator[Rule]:
    """What running a model takes."""
    if device == "cuda":
        yield from of_libraries()
        yield from of_driver()
        for path in KERNEL:
            yield Rule(Path(path), READ_FILE | READ_DIR)
        # The driver gives its threads names, and ends where that fails.
        yield Rule(Path("/proc/self/task"), READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE)


def of_libraries() -> Iterator[Rule]:
    """The interpreter, its packages, shared libraries."""
    packages = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    program = Path(sys.executable).resolve().parent.parent
    here = Path(__file__).resolve().parents[1]
    for path in (sys.prefix, sys.base_prefix, *packages, *LIBRARIES):
        yield Rule(Path(path))
    yield Rule(program)
    yield Rule(here)
    for path in FACTS:
        yield Rule(Path(path), READ_FILE | READ_DIR)
    yield Rule(Path("/dev/null"), READ_FILE | WRITE_FILE)


def of_driver() -> Iterator[Rule]:
    """A GPU's devices and what its driver reads."""
    for path in DRIVER:
        yield Rule(Path(path))
    for device in DEVICES:
        yield Rule(device, READ_FILE | READ_DIR | WRITE_FILE | IOCTL_DEV)
