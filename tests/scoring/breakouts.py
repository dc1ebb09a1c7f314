"""Everything that native code in the child could try, by Python and ctypes.

`python -m tests.scoring.breakouts [--no-namespaces] [--unlocked] [--gpu]` runs the attempts in the
sandbox. The options ask for the restrictions of a container, for a child without locks, and for the
locks of a child on a GPU. It prints as JSON which attempts succeeded, and which layers held.
"""

import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from scoring.job import InputSpec, Limits, Plan
from scoring.sandbox import areas, lockdown, parent, processes, sealing, syscalls

SPEC = InputSpec(height=8, width=8)


def attempts(measurer: int, secret: str, victim: str) -> dict[str, Any]:
    """The attempts: functions that return True if they succeed.

    They run in the child, too, which has only these lines and the imports of `exploited`.
    """
    import ctypes
    import mmap
    import os
    import resource
    import signal
    import socket
    import threading

    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    tries: dict[str, Any] = {}

    def opens(path: str, flags: int = os.O_RDONLY) -> Any:
        return lambda: os.open(path, flags, 0o600) >= 0

    def calls(number: int, *arguments: Any) -> Any:
        return lambda: libc.syscall(number, *arguments) >= 0

    # Files
    tries["read a file of the worker"] = opens(secret)
    tries["write a file of the worker"] = opens(victim, os.O_WRONLY)
    tries["make a file"] = opens(victim + "-new", os.O_WRONLY | os.O_CREAT)
    tries["make a file in memory"] = opens("/dev/shm/breakout", os.O_RDWR | os.O_CREAT)  # noqa: S108
    for path in ("/", "/etc/passwd", "/etc/hostname", "/home", "/dev/null", "/dev/urandom"):
        tries[f"open {path}"] = opens(path)
    for path in ("environ", "maps", "mem", "status", "fd", "cmdline"):
        tries[f"open /proc/self/{path}"] = opens(f"/proc/self/{path}")
    for pid in (measurer, 1, "self/../1"):
        for path in ("mem", "environ", "maps"):
            tries[f"open /proc/{pid}/{path}"] = opens(f"/proc/{pid}/{path}", os.O_RDONLY)
        for path in ("cmdline", "status"):
            tries[f"open /proc/{pid}/{path}"] = opens(f"/proc/{pid}/{path}")
    for path in (
        "/proc/sys/kernel/core_pattern",
        "/proc/sysrq-trigger",
        "/proc/self/oom_score_adj",
    ):
        tries[f"write {path}"] = opens(path, os.O_WRONLY)
    tries["write the measurer's memory by /proc"] = opens(f"/proc/{measurer}/mem", os.O_RDWR)
    tries["list a folder"] = lambda: bool(os.listdir("/"))
    tries["stat a file"] = lambda: bool(os.stat(secret))
    tries["openat2"] = calls(437, -100, secret.encode(), ctypes.create_string_buffer(24), 24)
    tries["open_tree"] = calls(428, -100, secret.encode(), 0)
    tries["rename"] = lambda: os.rename(victim, victim + "2") is None
    tries["unlink"] = lambda: os.unlink(victim) is None
    tries["link"] = lambda: os.link(secret, victim + "3") is None
    tries["symlink"] = lambda: os.symlink(secret, victim + "4") is None
    tries["mkdir"] = lambda: os.mkdir(victim + "5") is None
    tries["mkfifo"] = lambda: os.mkfifo(victim + "6") is None
    tries["chmod"] = lambda: os.chmod(victim, 0o600) is None
    tries["truncate"] = lambda: os.truncate(victim, 0) is None

    # Other programs and processes
    tries["execve"] = lambda: libc.execve(b"/bin/true", None, None) == 0
    tries["fork"] = lambda: (os.fork() or os._exit(0)) > 0
    tries["start a thread"] = lambda: threading.Thread(target=int).start() is None
    tries["clone3"] = lambda: (
        (libc.syscall(435, ctypes.create_string_buffer(88), 88) or os._exit(0)) > 0
    )
    for name, pid in (("the measurer", measurer), ("process 1", 1), ("its parent", os.getppid())):
        tries[f"signal {name}"] = lambda pid=pid: os.kill(pid, 0) is None
        tries[f"trace {name}"] = lambda pid=pid: libc.ptrace(0x4206, pid, None, None) == 0
        tries[f"a descriptor of {name}"] = lambda pid=pid: os.pidfd_open(pid) >= 0
        into = ctypes.create_string_buffer(64)

        class Vector(ctypes.Structure):
            _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))

        own = Vector(ctypes.addressof(into), 8)
        other = Vector(ctypes.addressof(into), 8)
        tries[f"read memory of {name}"] = lambda pid=pid, own=own, other=other: (
            libc.process_vm_readv(pid, ctypes.byref(own), 1, ctypes.byref(other), 1, 0) >= 0
        )
        tries[f"write memory of {name}"] = lambda pid=pid, own=own, other=other: (
            libc.process_vm_writev(pid, ctypes.byref(own), 1, ctypes.byref(other), 1, 0) >= 0
        )
    tries["kill the measurer"] = lambda: os.kill(measurer, signal.SIGKILL) is None
    signal_info = ctypes.create_string_buffer(128)
    tries["queue a signal to the measurer"] = calls(129, measurer, 0, signal_info)
    tries["signal the measurer's thread"] = calls(234, measurer, measurer, 0)
    tries["signal everybody"] = lambda: os.kill(-1, 0) is None

    tries["leave its process group"] = lambda: os.setpgid(0, 0) is None
    tries["leave its session"] = lambda: os.setsid() >= 0
    tries["outlive its parent"] = lambda: libc.prctl(1, 0, 0, 0, 0) == 0
    tries["handle signals"] = lambda: signal.signal(signal.SIGCONT, lambda *_: None) is None
    tries["an alarm"] = lambda: signal.setitimer(signal.ITIMER_REAL, 1000) is not None

    # Network and messages
    for family in ("AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET", "AF_VSOCK"):
        tries[f"a socket {family}"] = lambda family=family: bool(
            socket.socket(getattr(socket, family), socket.SOCK_DGRAM)
        )
    tries["send to a socket"] = lambda: (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"breakout", "/dev/log") > 0
    )
    tries["connect to a socket"] = lambda: (
        socket.socket(socket.AF_UNIX).connect("\0breakout") is None
    )
    tries["make a socket in a folder"] = lambda: (
        socket.socket(socket.AF_UNIX).bind(victim + "7") is None
    )
    tries["a pair of sockets"] = lambda: bool(socket.socketpair())
    tries["a pipe"] = lambda: bool(os.pipe())
    tries["an event descriptor"] = lambda: os.eventfd(0) >= 0
    tries["a memory file"] = lambda: os.memfd_create("breakout") >= 0
    tries["shared memory of System V"] = lambda: libc.shmget(0, 4096, 0o1600) >= 0
    tries["a queue of System V"] = lambda: libc.msgget(0, 0o1600) >= 0
    tries["copy its descriptors"] = lambda: any(libc.dup(number) >= 0 for number in range(64))
    tries["read another descriptor"] = lambda: any(
        os.read(number, 1) is not None for number in (0, 1, 2)
    )

    # More rights, cores, time, memory
    for limit in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE"):
        tries[f"raise {limit}"] = lambda limit=limit: (
            resource.setrlimit(getattr(resource, limit), (1 << 40, 1 << 40)) is None
        )
    tries["choose its cores"] = lambda: os.sched_setaffinity(0, {0, 1}) is None
    tries["change its scheduler"] = lambda: (
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)) is None
    )
    tries["change its priority"] = lambda: os.setpriority(os.PRIO_PROCESS, 0, -20) is None
    tries["be nicer"] = lambda: os.nice(0) is not None
    tries["lock memory"] = lambda: libc.mlockall(3) == 0
    tries["become root"] = lambda: os.setuid(0) is None
    tries["new namespaces"] = lambda: libc.unshare(0x10000000) == 0
    tries["enter namespaces"] = calls(308, 3, 0)
    tries["mount"] = lambda: libc.mount(b"none", b"/home", b"tmpfs", 0, None) == 0
    tries["chroot"] = lambda: os.chroot("/home") is None
    tries["rename itself"] = lambda: libc.prctl(15, b"other", 0, 0, 0) == 0
    tries["bpf"] = calls(321, 0, ctypes.create_string_buffer(128), 128)
    tries["perf events"] = calls(298, ctypes.create_string_buffer(128), 0, -1, -1, 0)
    tries["userfaultfd"] = calls(323, 0)
    tries["io_uring"] = calls(425, 4, ctypes.create_string_buffer(120))
    tries["keys"] = calls(250, 0, -3, 1)
    tries["another ABI's flag"] = lambda: libc.personality(0x0008) >= 0
    tries["map a device"] = lambda: bool(mmap.mmap(3, 4096))

    return tries


def succeeds(attempt: Any) -> bool:
    try:
        return bool(attempt())
    except Exception:
        return False


def program(measurer: int, secret: Path, victim: Path) -> bytes:
    """What the child runs."""
    return (
        f"from typing import Any\n{inspect.getsource(attempts)}\n{inspect.getsource(succeeds)}\n"
        f"tries = attempts({measurer}, {str(secret)!r}, {str(victim)!r})\n"
        "found = [float(succeeds(one)) for one in tries.values()]\n"
    ).encode()


def run(code: bytes, answers: int, zygote: str) -> tuple[list[float], Any]:
    """The attempts that succeeded, and the layers that held."""
    plan = Plan(device="cuda") if "--gpu" in sys.argv else Plan()
    parent.swept = lambda plan: nullcontext(None)  # type: ignore[assignment, return-value]
    with parent.started(plan, Limits(), program=zygote) as box:
        model = sealing.sealed(code, "torchscript")
        example = np.zeros((1, 3, 8, 8), dtype=np.float32)
        with (
            closing(areas.Area(SPEC, answers)) as area,
            box.child(model, area, processes.Allowance(60), example) as child,
        ):
            child.run(1, 10)
            return child.outputs[0, 0].tolist(), box.isolation()


@contextmanager
def decoy() -> Iterator[int]:
    """The number of a process that may be killed: this one, or without locks another one."""
    if "--unlocked" not in sys.argv:
        yield os.getpid()
        return
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def main() -> None:
    if "--no-namespaces" in sys.argv:  # as Docker's default profile has it
        numbers = syscalls.numbers() or {}
        lockdown.keep_privileges_down()
        denied = [numbers[name] for name in ("unshare", "setns", "mount", "bpf", "ptrace")]
        assert lockdown.filtered(
            lockdown.program(denied, {}, listed=lockdown.ERRNO | 1, others=lockdown.ALLOW)
        )
    with tempfile.TemporaryDirectory() as folder:
        secret, victim = Path(folder) / "secret", Path(folder) / "victim"
        secret.write_text("secret")
        victim.write_text("victim")
        names = list(attempts(os.getpid(), str(secret), str(victim)))
        zygote = "tests.scoring.unlocked" if "--unlocked" in sys.argv else "tests.scoring.exploited"
        with decoy() as measurer:
            found, isolation = run(program(measurer, secret, victim), len(names), zygote)
        left = sorted(path.name for path in Path(folder).iterdir())
        unchanged = left == ["secret", "victim"] and victim.read_text() == "victim"
    print(
        json.dumps(
            {
                "user": os.getuid(),
                "attempts": len(names),
                "succeeded": [name for name, got in zip(names, found, strict=True) if got],
                "unchanged": unchanged,
                "missing": [str(one) for one in isolation.missing],
                "is_weak": isolation.is_weak,
            }
        )
    )


if __name__ == "__main__":
    main()
