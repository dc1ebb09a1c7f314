"""Numbers of Linux system calls by name, for x86_64 and aarch64."""

from __future__ import annotations

import platform

X86_64 = (
    "read 0 write 1 mmap 9 mprotect 10 munmap 11 brk 12 rt_sigprocmask 14 rt_sigreturn 15 "
    "sched_yield 24 mremap 25 madvise 28 nanosleep 35 getpid 39 socket 41 connect 42 accept 43 "
    "sendto 44 sendmsg 46 sendmmsg 307 "
    "bind 49 listen 50 socketpair 53 clone 56 fork 57 vfork 58 execve 59 exit 60 kill 62 "
    "uname 63 getrusage 98 sysinfo 99 ptrace 101 setuid 105 setgid 106 setpgid 109 setsid 112 "
    "setresuid 117 setresgid 119 setpriority 141 sched_setscheduler 144 pivot_root 155 "
    "setrlimit 160 chroot 161 mount 165 umount2 166 init_module 175 delete_module 176 "
    "gettid 186 tkill 200 futex 202 sched_setaffinity 203 sched_getaffinity 204 "
    "restart_syscall 219 clock_gettime 228 clock_nanosleep 230 exit_group 231 tgkill 234 "
    "kexec_load 246 add_key 248 request_key 249 keyctl 250 unshare 272 accept4 288 "
    "perf_event_open 298 prlimit64 302 open_by_handle_at 304 setns 308 getcpu 309 "
    "process_vm_readv 310 process_vm_writev 311 finit_module 313 sched_setattr 314 "
    "getrandom 318 bpf 321 execveat 322 userfaultfd 323 membarrier 324 "
    "chmod 90 fchmod 91 chown 92 fchown 93 lchown 94 setxattr 188 lsetxattr 189 "
    "fsetxattr 190 fchownat 260 fchmodat 268 utimensat 280 shmget 29 msgget 68 semget 64"
)
AARCH64 = (
    "umount2 39 mount 40 pivot_root 41 chroot 51 read 63 write 64 exit 93 exit_group 94 "
    "futex 98 nanosleep 101 kexec_load 104 init_module 105 delete_module 106 clock_gettime 113 "
    "clock_nanosleep 115 ptrace 117 sched_setscheduler 119 sched_setaffinity 122 "
    "sched_getaffinity 123 sched_yield 124 restart_syscall 128 kill 129 tkill 130 tgkill 131 "
    "rt_sigprocmask 135 rt_sigreturn 139 setpriority 140 setgid 144 setuid 146 setresuid 147 "
    "setresgid 149 setpgid 154 setsid 157 uname 160 setrlimit 164 getrusage 165 getcpu 168 "
    "getpid 172 gettid 178 sysinfo 179 sendto 206 sendmsg 211 sendmmsg 269 "
    "socket 198 socketpair 199 bind 200 listen 201 accept 202 "
    "connect 203 brk 214 munmap 215 mremap 216 add_key 217 request_key 218 keyctl 219 clone 220 "
    "execve 221 mmap 222 mprotect 226 madvise 233 perf_event_open 241 accept4 242 prlimit64 261 "
    "open_by_handle_at 265 setns 268 process_vm_readv 270 process_vm_writev 271 "
    "finit_module 273 sched_setattr 274 getrandom 278 bpf 280 execveat 281 userfaultfd 282 "
    "membarrier 283 unshare 97 "
    "setxattr 5 lsetxattr 6 fsetxattr 7 fchmod 52 fchmodat 53 fchownat 54 "
    "fchown 55 utimensat 88 shmget 194 msgget 186 semget 190"
)
EVERYWHERE = (
    "pidfd_send_signal 424 io_uring_setup 425 io_uring_enter 426 io_uring_register 427 "
    "pidfd_open 434 pidfd_getfd 438 process_madvise 440 "
    "open_tree 428 move_mount 429 fsopen 430 fchmodat2 452"
)
"""Calls since Linux 5.1 have the same number on every processor."""

KNOWN = {"x86_64": X86_64, "aarch64": AARCH64}


def numbers() -> dict[str, int] | None:
    """Numbers of this processor's system calls by name, or None for another processor."""
    known = KNOWN.get(platform.machine())
    if known is None:
        return None
    words = f"{known} {EVERYWHERE}".split()
    return {name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)}
