"""Which paths stay open in the sandbox, for the zygote and for its children.

On a CPU a child needs none. On a GPU the driver opens its devices while the child runs, and a
network loads libraries when it first needs them.
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
"""Files in which libraries read facts about the machine."""
DRIVER = (
    "/etc/nvidia",
    "/run/nvidia",
    "/sys/bus/pci",
    "/sys/module/nvidia",
    "/usr",
    "/var/lib/nvidia",
)
"""What a GPU's driver may read too, and the programs that come with it."""
DEVICES = tuple(Path("/dev").glob("nvidia*"))
"""Listed at import, because /dev cannot be listed behind a landlock."""
KERNEL = ("/proc/devices", "/proc/driver/nvidia", "/proc/self")
"""What the driver asks the kernel; about processes, only about its own."""


def of_zygote(device: str) -> Iterator[Rule]:
    """What the import of torch reads.

    On a GPU also all that any child may open: a child can only give rights up that its zygote has.
    /proc is open as a whole, because /proc/self is another path in each process.
    """
    yield from of_libraries()
    if device == "cuda":
        yield from of_driver()
        yield Rule(Path("/proc"), READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE)


def of_child(device: str) -> Iterator[Rule]:
    """What a running model needs."""
    if device == "cuda":
        yield from of_libraries()
        yield from of_driver()
        for path in KERNEL:
            yield Rule(Path(path), READ_FILE | READ_DIR)
        # The driver gives its threads names, and ends if that fails.
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
