"""What a process can give up for good, so that untrusted code in it finds nothing to use.

Linux only: no_new_privs, death with the parent, namespaces, landlock, resource limits and a filter
of system calls. Standard library only, because the first of them are set before torch is imported.
Every function tells whether the kernel did it. The caller decides whether that is required.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scoring.sandbox import syscalls

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = (
    0x08000000,
    0x10000000,
    0x20000000,
    0x40000000,
)

CAPABILITY_VERSION = 0x20080522

LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
KEEPS_SIGNALS = 6
"""ABI of the first landlock (Linux 6.12) that denies signals to other processes.

On a GPU the filter cannot deny signals, because threads signal each other.
"""
OF_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
"""Rights that a rule about a file may name. The other rights are about folders."""

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
SECCOMP = {"x86_64": 317, "aarch64": 277}
SECCOMP_SET_MODE_FILTER = 1
TSYNC, SPEC_ALLOW = 1, 4
"""Filter flags: for all threads, and without the processor's protection against side channels.

Kernels before 5.16 switch that protection on with a filter, and it is slow. A process that holds
only one model's images needs none.
"""
KILL_PROCESS, ERRNO, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
EPERM = 1
X32 = 0x40000000
"""System calls from this number on belong to another ABI of the same processor."""
LD, JEQ, JGE, RET = 0x20, 0x15, 0x35, 0x06

COMPUTES = (
    "futex",
    "mmap",
    "munmap",
    "madvise",
    "mprotect",
    "mremap",
    "brk",
    "sched_yield",
    "clock_gettime",
    "clock_nanosleep",
    "nanosleep",
    "getrandom",
    "getpid",
    "gettid",
    "getcpu",
    "getrusage",
    "sysinfo",
    "uname",
    "membarrier",
    "restart_syscall",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "exit",
    "exit_group",
)
"""All that computing needs, besides reading and writing of named descriptors."""

OTHER_FAMILIES = range(socket.AF_UNIX + 1, 64)
"""Families of sockets but AF_UNIX: on one of those the driver waits for its debugger."""
REACHES_OUT = (
    "socketpair",
    "connect",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "accept",
    "accept4",
    "execve",
    "execveat",
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_open",
    "pidfd_getfd",
    "pidfd_send_signal",
    "kill",
    "tkill",
    "prlimit64",
    "setrlimit",
    "sched_setaffinity",
    "sched_setscheduler",
    "sched_setattr",
    "setpriority",
    "unshare",
    "setns",
    "mount",
    "umount2",
    "pivot_root",
    "chroot",
    "open_by_handle_at",
    "bpf",
    "perf_event_open",
    "userfaultfd",
    "io_uring_setup",
    "io_uring_enter",
    "io_uring_register",
    "keyctl",
    "add_key",
    "request_key",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "setuid",
    "setgid",
    "setresuid",
    "setresgid",
    "setsid",
    "setpgid",
    "open_tree",
    "move_mount",
    "fsopen",
    "shmget",
    "msgget",
    "semget",
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "fchown",
    "lchown",
    "fchownat",
    "utimensat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
)
"""Calls that reach other processes, hosts or programs, and that a GPU's driver does not need.

The last ones change owners, modes and times of files, which landlock does not cover.
"""


@dataclass(frozen=True)
class Rule:
    """Rights to a path and to everything below it."""

    path: Path
    rights: int = READ_FILE | READ_DIR | EXECUTE


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies; end now if the parent is dead.

    A parent in another pid namespace has the number 0 here.
    """
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() not in (parent, 0):
        os._exit(1)


def keep_privileges_down() -> None:
    """Set no_new_privs: no started program gains rights. The filters below require it."""
    LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def drop_capabilities() -> None:
    """Give up root's capabilities.

    Landlock does not keep root from reading the environment of other processes.
    """
    header = ctypes.create_string_buffer(struct.pack("=Ii", CAPABILITY_VERSION, 0))
    LIBC.capset(header, ctypes.create_string_buffer(24))


def separate() -> bool:
    """Enter new namespaces, in which children see no network and no other process.

    False if that is not allowed, as in most containers.
    """
    uid, gid = os.getuid(), os.getgid()
    wanted = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC
    if LIBC.unshare(wanted) != 0:
        return False
    with suppress(OSError):  # without a map the user is nobody, which is as safe
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    return True


def landlock(rules: Iterable[Rule] = ()) -> int:
    """Deny every path but those of the rules, all of TCP, and signals to other processes.

    Returns the ABI of the landlock in force; 0 if the kernel has none. Rules of earlier calls still
    hold.
    """
    abi = LIBC.syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)
    if abi < 1:
        return 0
    paths = (1 << (13 + (abi >= 2) + (abi >= 3) + (abi >= 5))) - 1
    handled = (ctypes.c_uint64 * 3)(paths, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = LIBC.syscall(LANDLOCK_CREATE_RULESET, ctypes.byref(handled), size, 0)
    if ruleset < 0:
        return 0
    try:
        for rule in rules:
            add(ruleset, rule, paths)
        if LIBC.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
            return 0
    finally:
        os.close(ruleset)
    return int(abi)


def add(ruleset: int, rule: Rule, handled: int) -> None:
    """Add a rule to a ruleset. A path that does not exist needs no rule."""
    with suppress(OSError):
        descriptor = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
        try:
            rights = rule.rights & handled
            if not rule.path.is_dir():
                rights &= OF_FILES
            beneath = ctypes.create_string_buffer(struct.pack("=Qi", rights, descriptor))
            LIBC.syscall(LANDLOCK_ADD_RULE, ruleset, 1, beneath, 0)
        finally:
            os.close(descriptor)


def limit(kind: int, value: int) -> None:
    """Set a resource limit for good. A lower limit that is set already stays."""
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def only_computing(reads: Sequence[int], writes: Sequence[int]) -> bool:
    """Deny all system calls but those of computing, for all threads and for good.

    Allowed are also reads and writes of the given descriptors, and signals to this process, which
    `abort` needs. False if the kernel or the processor has no filter.
    """
    names = syscalls.numbers()
    if names is None:
        return False
    allowed = [names[name] for name in COMPUTES]
    first_arguments = {
        names["read"]: reads,
        names["write"]: writes,
        names["tgkill"]: [os.getpid()],
    }
    return filtered(program(allowed, first_arguments, listed=ALLOW, others=ERRNO | EPERM))


def no_reaching_out() -> bool:
    """Deny the calls of `REACHES_OUT`. False if the kernel or the processor has no filter."""
    names = syscalls.numbers()
    if names is None:
        return False
    denied = [names[name] for name in REACHES_OUT if name in names]
    first_arguments = {names["socket"]: OTHER_FAMILIES}
    return filtered(program(denied, first_arguments, listed=ERRNO | EPERM, others=ALLOW))


def program(
    listed_calls: Sequence[int],
    first_arguments: Mapping[int, Sequence[int]],
    *,
    listed: int,
    others: int,
) -> bytes:
    """A BPF program that answers `listed` for some system calls and `others` for the rest.

    `first_arguments`: calls that are listed only with certain first arguments, whose lower 32 bits
    are compared. System calls of another processor's ABI kill the process.
    """
    lines = [
        instruction(LD, 4),  # the architecture
        instruction(JEQ, AUDIT_ARCH[platform.machine()], 1, 0),
        instruction(RET, KILL_PROCESS),
        instruction(LD, 0),  # the number of the call
        instruction(JGE, X32, 0, 1),
        instruction(RET, KILL_PROCESS),
    ]
    for number in listed_calls:
        lines += [instruction(JEQ, number, 0, 1), instruction(RET, listed)]
    for number, arguments in first_arguments.items():
        checks = [instruction(LD, 16)]
        for argument in arguments:
            checks += [instruction(JEQ, argument, 0, 1), instruction(RET, listed)]
        checks.append(instruction(RET, others))
        lines += [instruction(JEQ, number, 0, len(checks)), *checks]
    lines.append(instruction(RET, others))
    return b"".join(lines)


def instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """One BPF instruction. `if_true`, `if_false`: how many instructions to skip."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


def filtered(instructions: bytes) -> bool:
    """Install a filter on every thread of this process. False if the kernel refuses it."""

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]

    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    wanted = Program(len(instructions) // 8, ctypes.addressof(buffer))
    return bool(
        LIBC.syscall(
            SECCOMP[platform.machine()],
            SECCOMP_SET_MODE_FILTER,
            TSYNC | SPEC_ALLOW,
            ctypes.byref(wanted),
        )
        == 0
    )
